"""Two processes change the rules in the same moment: one of them does, the other is told, and nothing is in between."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.rulebook_people import OPEN
from tests.shell_instance import PATIENCE_SECONDS, OwnInstance

ROUNDS = 2
PEOPLE = """
from tests.rulebook_people import OPEN, OPERATOR, make_people
from ostiary.rulebook.facade import apply_rules
make_people(staff=0)
apply_rules(OPEN, actor=OPERATOR, comment="First")
"""
BEGIN = """
import sys, time
from pathlib import Path
import django; django.setup()
from ostiary.cli.output import quiet_logs; quiet_logs('critical')
from ostiary.errors import OstiaryError
from ostiary.gateway.surroundings import read_surroundings
from ostiary.rulebook.facade import *
from ostiary.rulebook import facade
from tests.rulebook_people import CLOSED, OPEN, OPERATOR

def plan(document):
    return plan_change(document, actor=OPERATOR, actor_request=None, surroundings=read_surroundings())

def together(do):
    Path(sys.argv[1] + ".ready").touch()
    while not Path(sys.argv[2]).exists():
        time.sleep(0.001)
    try:
        do()
        print("done")
    except OstiaryError as error:
        print(type(error).__name__)
"""
APPLY = """
mine = plan(OPEN + "# " + sys.argv[1] + "\\n")
together(lambda: apply_plan(mine))
"""
CLOSE = """
mine = plan(CLOSED + "# " + sys.argv[1] + "\\n")
together(lambda: apply_plan(mine))
"""
CONFIRM = "number = get_hold().number\ntogether(lambda: confirm_hold(number=number, actor=OPERATOR, proved=True))\n"
ROLL_BACK = "late = get_hold().until + 1\ntogether(lambda: facade.roll_back_due(late))\n"
PROPOSE = """
from ostiary.visibility.facade import Actor
somebody = Actor(kind="person", id="p_x", label="x@example.test")
propose_plan(plan_change(OPEN + "# proposed %s\\n", actor=somebody, actor_request=None, surroundings=read_surroundings()))
"""
APPROVE = """
proposal = list_proposals()[0]
mine = plan(proposal.document)
together(lambda: approve_proposal(proposal.id, mine))
"""
WITHDRAW = "proposal = list_proposals()[0]\ntogether(lambda: withdraw_proposal(proposal.id, actor=OPERATOR))\n"
STANDING = """
import json
from ostiary.rulebook.facade import get_current, get_hold, get_proposal, list_history
history = list_history()
print(json.dumps({
    "document": get_current().document, "total": history.total, "held": get_hold() is not None,
    "numbers": [one.number for one in history.items], "outcome": (history.items[0].hold or history.items[1].hold).outcome
    if any(one.hold for one in history.items[:2]) else "",
}))
"""


@pytest.fixture(scope="module")
def own() -> Iterator[OwnInstance]:
    made = OwnInstance()
    made.init()
    made.python(PEOPLE)
    yield made
    made.remove()


def standing(own: OwnInstance) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(own.python(STANDING))
    return found


def at_once(own: OwnInstance, folder: Path, *scripts: str) -> list[str]:
    """Run scripts in processes of their own up to the same point, let them go on together; return how each ended."""
    environment = {**own.environment, "DJANGO_SETTINGS_MODULE": "ostiary.config.django"}
    names, go = [str(folder / str(number)) for number in range(len(scripts))], folder / "go"
    running = [
        subprocess.Popen(
            [sys.executable, "-c", BEGIN + script, name, str(go)],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for name, script in zip(names, scripts, strict=True)
    ]
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not all(Path(f"{name}.ready").exists() for name in names):
        assert time.monotonic() < deadline
        assert not [one.communicate() for one in running if one.poll() is not None]
        time.sleep(0.01)
    go.touch()
    ended = [one.communicate(timeout=PATIENCE_SECONDS) for one in running]
    assert all(one.returncode == 0 for one in running), ended
    return [said.strip() for said, _ in ended]


def test_of_two_who_apply_at_once_one_does(own: OwnInstance, tmp_path: Path) -> None:
    before = standing(own)["total"]
    for number in range(ROUNDS):
        folder = tmp_path / str(number)
        folder.mkdir()
        assert sorted(at_once(own, folder, APPLY, APPLY)) == ["RulesOvertaken", "done"]
        assert standing(own)["total"] == before + number + 1


def test_of_two_trials_at_once_one_begins(own: OwnInstance, tmp_path: Path) -> None:
    own.cli("rules", "apply", "-", "--yes", stdin=OPEN)
    before = standing(own)
    assert sorted(at_once(own, tmp_path, CLOSE, CLOSE)) == ["ChangeHeld", "done"]
    after = standing(own)
    assert (after["held"], after["total"]) == (True, before["total"] + 1)
    own.cli("rules", "roll-back")


def test_a_confirmation_and_the_roll_back_in_one_moment(own: OwnInstance, tmp_path: Path) -> None:
    for number in range(ROUNDS):
        own.cli("rules", "apply", "-", "--yes", stdin=OPEN + f"# {number}\n")
        before = standing(own)
        own.cli("rules", "apply", "-", "--yes", stdin=OPEN.replace("administrators", "nobody-yet"))
        folder = tmp_path / str(number)
        folder.mkdir()
        confirmed, rolled_back = at_once(own, folder, CONFIRM, ROLL_BACK)
        after = standing(own)
        assert not after["held"]
        assert rolled_back == "done"
        if confirmed == "done":
            assert (after["outcome"], after["total"]) == ("confirmed", before["total"] + 1)
        else:
            assert (confirmed, after["outcome"]) == ("NothingHeld", "rolled_back")
            assert (after["document"], after["total"]) == (before["document"], before["total"] + 2)


def test_a_proposal_that_is_approved_and_withdrawn_in_one_moment(own: OwnInstance, tmp_path: Path) -> None:
    for number in range(ROUNDS):
        own.python(
            BEGIN.partition("def together")[0].replace("import django; django.setup()\n", "")
            + PROPOSE.replace("%s", str(number))
        )
        before = standing(own)
        folder = tmp_path / str(number)
        folder.mkdir()
        approved, withdrawn = at_once(own, folder, APPROVE, WITHDRAW)
        after = standing(own)
        assert sorted((approved, withdrawn)) == ["UnknownProposal", "done"]
        assert after["total"] == before["total"] + (1 if approved == "done" else 0)
        assert json.loads(own.cli("rules", "proposals", "--json").stdout) == []
