"""`status` about rules that do not stand for what is meant: on trial, waiting, or followed from a commit that cannot be used."""

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.console_fixtures import console_instance
from tests.followed_repository import Repository
from tests.rulebook_people import CLOSED, OPEN, OPERATOR, actor_of, make_people
from tests.shell_instance import PATIENCE_SECONDS, OwnInstance

from ostiary.gateway.surroundings import read_surroundings
from ostiary.rulebook.facade import Plan, apply_plan, apply_rules, plan_change, propose_plan, roll_back
from ostiary.supervisor.rules_standing import RulesStanding, read_rules_standing
from ostiary.visibility.facade import Actor

__all__ = ["console_instance"]
PEOPLE = """
from tests.rulebook_people import OPEN, OPERATOR, make_people
from ostiary.rulebook.facade import apply_rules
make_people(staff=1)
apply_rules(OPEN, actor=OPERATOR, comment="First")
"""


def planned(document: str, actor: Actor) -> Plan:
    return plan_change(document, actor=actor, actor_request=None, surroundings=read_surroundings())


@pytest.mark.django_db
def test_a_trial_and_what_waits_are_problems_until_they_end(console_instance: Any, settings: Any) -> None:
    people = make_people()
    first = apply_rules(OPEN, actor=OPERATOR, comment="First")

    def standing() -> RulesStanding:
        return read_rules_standing(settings.INSTANCE.configuration.rules)

    assert standing() == RulesStanding(number=first.number)
    held = apply_plan(planned(CLOSED, OPERATOR))
    [trial] = standing().problems
    assert trial.startswith(f"Rules number {held.number} are on trial, and roll back at 20")
    assert "ostiary rules confirm" in trial
    back = roll_back(number=held.number, actor=OPERATOR)
    assert standing() == RulesStanding(number=back.number)
    proposal = propose_plan(planned(OPEN + "# more\n", actor_of(people["ada"])))
    [waits] = standing().problems
    assert waits.startswith("The change of the rules that ada@example.test proposed waits for another administrator")
    assert waits.endswith(f"Run: ostiary rules approve {proposal.id}")


@pytest.mark.django_db
def test_a_database_that_does_not_answer_is_no_finding_about_rules(
    console_instance: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from django.db.utils import OperationalError

    def fail() -> None:
        raise OperationalError("gone")

    monkeypatch.setattr("ostiary.rulebook.facade.get_hold", fail)
    assert read_rules_standing(console_instance.configuration.rules) == RulesStanding()


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository(tmp_path)


@pytest.fixture
def running(repository: Repository) -> Iterator[OwnInstance]:
    """Return an instance that follows the repository each second, with everything running."""
    own = OwnInstance()
    own.init()
    own.python(PEOPLE)
    own.environment |= {"OSTIARY_RULES__FOLLOW": str(repository.bare), "OSTIARY_RULES__FOLLOW_SECONDS": "1"}
    repository.push(OPEN)
    with own.running():
        yield own
    own.remove()


def until_said(own: OwnInstance, holds: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        said: dict[str, Any] = json.loads(own.cli_any("status", "--json").stdout)
        if holds(said):
            return said
        assert time.monotonic() < deadline, said
        time.sleep(0.5)


@pytest.mark.e2e
def test_a_running_instance_says_what_is_wrong_with_what_it_follows(
    running: OwnInstance, repository: Repository
) -> None:
    well = until_said(running, lambda said: not said["problems"] and bool(said["rules"]["commit"]))
    number = well["rules"]["number"]
    broken = repository.push(OPEN.replace("group:staff", "group:stafff"), "Let more in")
    said = until_said(running, lambda said: bool(said["rules"]["invalid"]))
    [wrong] = said["rules"]["invalid"]
    assert (said["rules"]["commit"], said["rules"]["number"], wrong["line"]) == (broken, number, 4)
    [problem] = said["problems"]
    assert problem.startswith(f"The rules of commit {broken[:12]} (Vera: Let more in) cannot be used: line 4, column")
    assert problem.endswith(f"Rules number {number} stay in force. Mend rules.yaml and push it.")
    shown = running.cli("status", code=5)
    assert problem in " ".join(shown.stderr.split())
    assert f"follows {repository.bare}, newest commit {broken[:12]}" in " ".join(shown.stdout.split())
    doctor = running.cli_any("doctor", "--json").stdout
    assert f"The rules of commit {broken[:12]} cannot be used" in doctor

    mended = repository.push(OPEN + "# mended\n")
    until_said(running, lambda said: said["rules"]["number"] == number + 1 and not said["problems"])
    assert mended[:12] in running.cli("rules", "history").stdout

    closing = repository.push(CLOSED)
    said = until_said(running, lambda said: bool(said["problems"]))
    [problem] = said["problems"]
    assert problem.startswith(f"The rules of commit {closing[:12]} wait: it shuts every administrator out")
    [waiting] = json.loads(running.cli("rules", "proposals", "--json").stdout)
    running.cli("rules", "approve", str(waiting["id"]), "--yes")
    said = json.loads(running.cli("status", "--json", code=5).stdout)
    assert [one for one in said["problems"] if "are on trial, and roll back at" in one]
    running.cli("rules", "confirm")
    until_said(running, lambda said: not said["problems"])


@pytest.mark.django_db
def test_what_is_followed_is_said_with_what_is_wrong(console_instance: Any, settings: Any, tmp_path: Path) -> None:
    from ostiary.rulebook.facade import follow_repository

    make_people()
    number = apply_rules(OPEN, actor=OPERATOR, comment="First").number
    repository = Repository(tmp_path)
    rules = msgspec.structs.replace(console_instance.configuration.rules, follow=str(repository.bare))
    configuration = msgspec.structs.replace(console_instance.configuration, rules=rules)
    settings.INSTANCE = type(console_instance)(home=console_instance.home, configuration=configuration)
    assert read_rules_standing(rules) == RulesStanding(number=number, follows=str(repository.bare))
    commit = repository.push(OPEN + "  - {name: a}\n  - {name: b}\n", "Two\twrong")
    follow_repository(read_surroundings)
    standing = read_rules_standing(rules)
    assert (standing.commit, [one.line for one in standing.invalid]) == (commit, [5, 5, 6, 6])
    assert ", and 3 more. Rules number" in standing.problems[0]
