"""A step of a request happens wholly or not at all, whatever dies at whatever moment; mails are never lost."""

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from tests.shell_instance import OwnInstance

pytestmark = pytest.mark.xdist_group("shell-requests")

ASK = """
from tests.identity_people import MACHINE, make_group, make_person
from ostiary.identity.models import Person
from ostiary.requests.facade import ask
number = Person.objects.count()
if not number:
    make_person("root@example.test", groups=("administrators",))
make_group("archive")
person = make_person(f"ada{number}@example.test")
print(ask(person_id=person, group_id="archive", seconds=3600, reason="Please", actor=MACHINE).id)
"""
STANDING = """
import json, sys
from ostiary.identity.models import Membership
from ostiary.requests.models import AccessRequest, Letter
row = AccessRequest.objects.get(pk={id!r})
print(json.dumps({{
    "state": row.state,
    "memberships": Membership.objects.filter(via=f"request:{{row.pk}}").count(),
    "letters": sorted(Letter.objects.filter(request=row).values_list("kind", flat=True)),
    "unsent": Letter.objects.filter(request=row, sent_at=None).count(),
}}))
"""
KILLED = """
import os, signal, sys, time
from unittest import mock
import django; django.setup()
from django.db import transaction
from ostiary import changes
from ostiary.identity.services import groups
from ostiary.requests.facade import approve, send_letters, settle_requests
from ostiary.requests.services import answering, letters
from ostiary.visibility.facade import Actor

def die(*_arguments, **_named):
    os.kill(os.getpid(), signal.SIGKILL)

def then_die(step):
    def done(*arguments, **named):
        step(*arguments, **named)
        die()
    return done

def owed_then_die_on_commit(*arguments, **named):
    transaction.on_commit(die)
    return owe(*arguments, **named)

owe = answering.owe
steps = {
    "before the answer": (answering, "close", die),
    "after the answer": (answering, "close", then_die(answering.close)),
    "before letters are owed": (answering, "owe", die),
    "before it is on record": (answering, "record_step", die),
    "on record, before it is committed": (answering, "record_step", then_die(answering.record_step)),
    "committed": (answering, "owe", owed_then_die_on_commit),
    "before the membership": (answering, "put_into_group", die),
    "after the membership": (answering, "put_into_group", then_die(answering.put_into_group)),
    "before a mail is sent": (letters, "_message", die),
    "sent, before that is noted": (letters.EmailMessage, "send", then_die(letters.EmailMessage.send)),
}
room, name, step = steps[sys.argv[3]]
actor = Actor(kind="machine", id="root", label="root")
with mock.patch.object(room, name, step):
    if sys.argv[1] == "approve":
        approve(request_id=sys.argv[2], actor=actor)
    elif sys.argv[1] == "lapse":
        settle_requests(now=time.time() + 100 * 24 * 3600)
    else:
        send_letters(now=time.time())
print("it went through")
"""
STEPS = (
    "before the answer",
    "after the answer",
    "before letters are owed",
    "before it is on record",
    "on record, before it is committed",
    "committed",
)
GRANTING = ("before the membership", "after the membership")


@pytest.fixture(scope="module")
def own() -> Iterator[OwnInstance]:
    made = OwnInstance()
    made.init()
    yield made
    made.remove()


def standing(own: OwnInstance, request_id: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(own.python(STANDING.format(id=request_id)))
    return found


def killed(own: OwnInstance, what: str, request_id: str, step: str) -> None:
    environment = {**own.environment, "DJANGO_SETTINGS_MODULE": "ostiary.config.django"}
    command = [sys.executable, "-c", KILLED, what, request_id, step]
    ended = subprocess.run(command, env=environment, capture_output=True, check=False)
    assert ended.returncode == -signal.SIGKILL, ended.stdout + ended.stderr


@pytest.mark.parametrize("what", ["approve", "lapse"])
def test_killed_at_any_step_it_is_answered_wholly_or_not_at_all(own: OwnInstance, what: str) -> None:
    done = {"approve": ("granted", 1, "granted"), "lapse": ("lapsed", 0, "lapsed")}[what]
    repeat = {
        "approve": "from tests.identity_people import MACHINE; from ostiary.requests.facade import approve\n"
        "approve(request_id={id!r}, actor=MACHINE)",
        "lapse": "import time; from ostiary.requests.facade import settle_requests\n"
        "settle_requests(now=time.time() + 100 * 24 * 3600)",
    }[what]
    request_id = own.python(ASK).strip()
    before = standing(own, request_id)
    assert before == {"state": "waiting", "memberships": 0, "letters": ["asked", "received"], "unsent": 2}
    for step in (*STEPS[:-1], *(GRANTING if what == "approve" else ()), STEPS[-1]):
        killed(own, what, request_id, step)
        if step != "committed":
            assert standing(own, request_id) == before, step
    state, memberships, letter = done
    after = {
        "state": state,
        "memberships": memberships,
        "letters": sorted(["asked", "received", letter]),
        "unsent": 3,
    }
    assert standing(own, request_id) == after
    again = subprocess.run(
        [sys.executable, "-c", "import django; django.setup()\n" + repeat.format(id=request_id)],
        env={**own.environment, "DJANGO_SETTINGS_MODULE": "ostiary.config.django"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (again.returncode != 0) is (what == "approve"), "answered once"
    assert standing(own, request_id) == after


def test_no_mail_is_lost_and_one_that_was_sent_unnoted_comes_again_under_its_name(own: OwnInstance) -> None:
    own.python("from ostiary.requests.models import Letter; Letter.objects.all().delete()")
    request_id = own.python(ASK).strip()
    mails = own.home / "state" / "mail"
    seen = set(mails.glob("*")) if mails.exists() else set()

    def sent() -> list[str]:
        new = sorted(set(mails.glob("*")) - seen)
        text = "".join(path.read_text() for path in new)
        return sorted(line.split(": ", 1)[1] for line in text.splitlines() if line.lower().startswith("message-id"))

    killed(own, "send", request_id, "before a mail is sent")
    assert sent() == []
    killed(own, "send", request_id, "sent, before that is noted")
    assert len(sent()) == 1
    assert standing(own, request_id)["unsent"] == 2
    for _ in range(2):
        own.python("import time; from ostiary.requests.facade import send_letters; send_letters(now=time.time())")
    assert standing(own, request_id)["unsent"] == 0
    assert (len(sent()), len(set(sent()))) == (3, 2), "one of them twice, under one name"
