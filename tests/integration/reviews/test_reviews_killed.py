"""What was answered is carried out and read back once, whatever dies at whatever moment; nothing is lost, nothing repeated."""

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from tests.shell_instance import OwnInstance

pytestmark = pytest.mark.xdist_group("shell-reviews")

STARTED = """
from tests.identity_people import MACHINE, make_group, make_person
from ostiary.applications.facade import add_app
from ostiary.rulebook.facade import apply_rules
from ostiary.reviews.facade import Answer, answer_item, parse_scope, start_campaign
from ostiary.reviews.queries import every_item
make_person("root@example.test", groups=("administrators",))
make_group("archive")
make_person("ada@example.test", groups=("archive",))
add_app("vault", upstream="http://127.0.0.1:9", name="Vault", actor=MACHINE)
apply_rules("version: 1\\nrules: [{name: a, allow: group:archive, to: app:vault, do: any}]\\n", actor=MACHINE)
campaign = start_campaign(scope=parse_scope("group:archive"), actor=MACHINE)
(item,) = every_item(campaign.id)
answer_item(item_id=item.id, answer=Answer.REMOVE, actor=MACHINE)
print(item.id)
"""
STANDING = """
import json
from ostiary.identity.models import Membership
from ostiary.reviews.models import ItemRow
row = ItemRow.objects.get()
members = Membership.objects.filter(group_id="archive").count()
print(json.dumps({"state": row.state, "members": members, "read_back": bool(row.read_back)}), flush=True)
"""
KILLED = (
    "import django; django.setup()"
    + STANDING
    + """
import os, signal, sys, time
from unittest import mock
from django.db import transaction
from ostiary.gateway.published import read_published
from ostiary.reviews.facade import carry_out_answers, read_back_removals
from ostiary.reviews.services import carrying_out, reading_back

def die(*_arguments, **_named):
    os.kill(os.getpid(), signal.SIGKILL)

def then_die(step):
    def done(*arguments, **named):
        step(*arguments, **named)
        die()
    return done

def recorded_then_die_on_commit(*arguments, **named):
    transaction.on_commit(die)
    return record_item(*arguments, **named)

record_item = carrying_out.record_item
module, name, step = {
    "carried out": (carrying_out, "remove_by_hand", then_die(carrying_out.remove_by_hand)),
    "on record, before it is committed": (carrying_out, "record_item", then_die(record_item)),
    "committed": (carrying_out, "record_item", recorded_then_die_on_commit),
    "before it is read back": (reading_back, "_of_person", die),
}[sys.argv[1]]
with mock.patch.object(module, name, step):
    carry_out_answers()
    read_back_removals(read_published, now=time.time())
print("it went through")
"""
)
ROUND = (
    STANDING
    + """
import time
from ostiary.gateway.published import read_published
from ostiary.gateway.reconciliation import reconcile
from ostiary.reviews.facade import carry_out_answers, read_back_removals
reconcile(time.time())
print(json.dumps([carry_out_answers(), read_back_removals(read_published, now=time.time())]))
"""
)


@pytest.fixture
def own() -> Iterator[OwnInstance]:
    made = OwnInstance()
    made.init()
    yield made
    made.remove()


def said(output: str) -> list[Any]:
    """Return the JSON lines that a script printed between what it logged."""
    return [json.loads(line) for line in output.splitlines() if line.startswith(('{"state"', "[0", "[1"))]


def killed(own: OwnInstance, step: str) -> Any:
    """Die at a step; return how things stood before."""
    environment = {**own.environment, "DJANGO_SETTINGS_MODULE": "ostiary.config.django"}
    command = [sys.executable, "-c", KILLED, step]
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert ended.returncode == -signal.SIGKILL, f"{step}: {ended.stdout}{ended.stderr}"
    return said(ended.stdout)[0]


def test_killed_at_any_step_it_is_carried_out_and_read_back_once(own: OwnInstance) -> None:
    own.python(STARTED)
    owed = {"state": "owed", "members": 1, "read_back": False}
    for step in (
        "carried out",
        "on record, before it is committed",
        "committed",
    ):
        assert killed(own, step) == owed, f"as it stood before: {step}"
    done = {"state": "carried_out", "members": 0, "read_back": False}
    assert killed(own, "before it is read back") == done
    before, counts = said(own.python(ROUND))
    assert (before, counts) == (done, [0, 1]), "nothing is carried out again"
    before, counts = said(own.python(ROUND))
    assert before == {"state": "settled", "members": 0, "read_back": True}
    assert counts == [0, 0], "nothing is read back again"
