"""Changing rules at the terminal of the machine: what a person reads, what a script reads, what is refused."""

import json
from pathlib import Path
from typing import Any

import pytest
from tests.console_fixtures import console_instance
from tests.rulebook_people import CLOSED, NARROW, OPEN, OPERATOR, actor_of, give_passkey, make_people
from typer.testing import CliRunner, Result

from ostiary.cli.output import ExitCode, NeedsConfirmation, Refused
from ostiary.cli.rules_change import app
from ostiary.gateway.surroundings import read_surroundings
from ostiary.identity.facade import Person, create_person
from ostiary.policy.identifiers import GroupId
from ostiary.rulebook.facade import (
    ChangeHeld,
    NotYours,
    apply_rules,
    get_current,
    get_hold,
    list_history,
    list_proposals,
    plan_change,
    propose_plan,
)

pytestmark = pytest.mark.django_db
__all__ = ["console_instance"]


@pytest.fixture
def people(db: None, console_instance: object) -> dict[str, Person]:
    made = make_people()
    apply_rules(OPEN, actor=OPERATOR, comment="First")
    return made


@pytest.fixture
def file(tmp_path: Path) -> Any:
    def write(document: str) -> str:
        path = tmp_path / "rules.yaml"
        path.write_text(document)
        return str(path)

    return write


def run(*words: str) -> Result:
    return CliRunner().invoke(app, list(words))


@pytest.fixture
def second_approver(console_instance: object, settings: Any) -> None:
    import msgspec

    instance = settings.INSTANCE
    rules = msgspec.structs.replace(instance.configuration.rules, second_approver=True)
    configuration = msgspec.structs.replace(instance.configuration, rules=rules)
    settings.INSTANCE = type(instance)(home=instance.home, configuration=configuration)


def test_a_plan_shows_who_loses_what_and_changes_nothing(people: dict[str, Person], file: Any) -> None:
    result = run("plan", file(NARROW))
    assert result.exit_code == ExitCode.OK
    assert "~ wiki: Members of nobody-yet may use wiki." in result.stdout
    assert [line.split() for line in result.stdout.splitlines() if "person-3" in line] == [
        ["person-3@example.test", "Wiki", "–"]
    ]
    plan = json.loads(run("plan", file(NARROW), "--json").stdout)
    assert (plan["valid"], plan["people_to_name"], len(plan["plan"]["reach"]["people"])) == (True, 5, 5)
    assert run("plan", file("version: 2")).exit_code == ExitCode.FINDINGS
    assert list_history().total == 1


def test_a_plan_says_who_must_set_up_a_stronger_factor_first(people: dict[str, Person], file: Any) -> None:
    give_passkey(people["person-3"])
    create_person(
        email="late@example.test",
        name="Late",
        password="correct horse battery staple 7",
        groups=(GroupId("staff"),),
        actor=OPERATOR,
    )
    with_passkey = OPEN.replace("to: app:wiki, do: any", "to: app:wiki, do: any, when: {mfa: phishing-resistant}")
    result = run("plan", file(with_passkey))
    lines = [line.split() for line in result.stdout.splitlines()]
    assert ["person-2@example.test", "–", "–", "Wiki", "–"] in lines
    assert ["late@example.test", "–", "–", "Wiki", "–"] in lines
    assert "person-3@example.test" not in result.stdout
    assert "5 of them lose what they can open now only until they set up a stronger factor." in result.stderr
    found = json.loads(run("plan", file(with_passkey), "--json").stdout)
    assert (found["people_to_name"], found["plan"]["reach"]["with_access"]) == (5, 8)


def test_taking_access_from_many_needs_their_number_whatever_yes_says(people: dict[str, Person], file: Any) -> None:
    result = run("apply", file(NARROW), "--yes")
    assert isinstance(result.exception, Refused)
    assert "--takes-from 5" in result.exception.hint
    assert isinstance(run("apply", file(NARROW), "--yes", "--takes-from", "4").exception, Refused)
    assert get_current().document == OPEN
    assert isinstance(run("apply", file(NARROW), "--takes-from", "5").exception, NeedsConfirmation)
    assert run("apply", file(NARROW), "--yes", "--takes-from", "5").exit_code == ExitCode.OK
    assert get_current().document == NARROW


def test_a_lock_out_is_on_trial_and_confirmed_here(people: dict[str, Person], file: Any) -> None:
    result = run("apply", file(CLOSED), "--yes")
    assert "No administrator could open the console under these rules" in result.stderr
    assert "To let them stay: ostiary rules confirm." in result.stderr
    assert isinstance(run("apply", file(OPEN), "--yes").exception, ChangeHeld)
    assert "on trial until" in run("history").stdout
    assert run("confirm").exit_code == ExitCode.OK
    assert (get_hold(), get_current().document) == (None, CLOSED)
    assert "confirmed by" in run("history").stdout
    assert isinstance(run("confirm").exception, Refused)


def test_a_lock_out_is_rolled_back_here(people: dict[str, Person], file: Any) -> None:
    run("apply", file(CLOSED), "--yes")
    result = run("roll-back", "--why", "wrong group", "--json")
    assert json.loads(result.stdout)["document"] == OPEN
    assert "rolled back by" in run("history").stdout
    assert isinstance(run("roll-back").exception, Refused)


def test_going_back_makes_a_new_entry_through_the_same_guards(people: dict[str, Person], file: Any) -> None:
    first = get_current().number
    run("apply", file(NARROW), "--yes", "--takes-from", "5")
    assert run("revert", "--yes").exit_code == ExitCode.OK
    current = get_current()
    assert (current.document, current.restores, current.comment) == (OPEN, first, f"Back to number {first}")
    assert isinstance(run("revert", "--yes").exception, Refused), "it takes access from five again"
    result = run("revert", str(first + 1), "--yes", "--takes-from", "5", "--comment", "meant", "--json")
    assert json.loads(result.stdout)["comment"] == "meant"
    assert list_history().total == 4
    assert "in force already" in run("revert", str(first + 1), "--yes").stderr


def test_there_is_nothing_before_the_first(people: dict[str, Person]) -> None:
    assert isinstance(run("revert", "--yes").exception, Refused)


def test_the_machine_approves_what_others_propose(people: dict[str, Person], file: Any, second_approver: None) -> None:
    document = OPEN + "# more\n"
    propose_plan(
        plan_change(document, actor=actor_of(people["ada"]), actor_request=None, surroundings=read_surroundings())
    )
    (waiting,) = list_proposals()
    assert "ada@example.test" in run("proposals").stdout
    assert isinstance(run("approve", str(waiting.id)).exception, NeedsConfirmation)
    assert run("approve", str(waiting.id), "--yes").exit_code == ExitCode.OK
    current = get_current()
    assert (current.document, current.applied_by) == (document, "ada@example.test")
    assert current.approved_by
    assert f"approved by {current.approved_by}" in run("history").stdout


def test_what_is_applied_here_waits_too_and_is_not_approved_by_the_same(
    people: dict[str, Person], file: Any, second_approver: None
) -> None:
    result = run("apply", file(OPEN + "# more\n"), "--yes")
    assert "ostiary rules approve" in result.stderr
    (waiting,) = list_proposals()
    assert isinstance(run("approve", str(waiting.id), "--yes").exception, NotYours)
    assert json.loads(run("proposals", "--json").stdout)[0]["id"] == waiting.id
    assert json.loads(run("withdraw", str(waiting.id), "--json").stdout)["state"] == "withdrawn"
    assert get_current().document == OPEN
    assert "Nothing waits" in run("proposals").stderr


def test_a_refuted_clause_stops_the_change_unless_it_is_meant(people: dict[str, Person], file: Any) -> None:
    refuted = OPEN + "never:\n  - {name: no-wiki, who: group:staff, to: app:wiki}\n"
    result = run("apply", file(refuted), "--yes")
    assert result.exit_code == ExitCode.FINDINGS
    assert "never `no-wiki`: refuted." in result.stdout
    assert run("plan", file(refuted)).exit_code == ExitCode.FINDINGS
    assert get_current().document == OPEN
    assert run("apply", file(refuted), "--yes", "--despite-failing-tests").exit_code == ExitCode.OK
    assert get_current().comment == "Despite refuted clauses (no-wiki)."
    holds = OPEN + "always:\n  - {name: staff-read, who: group:staff, to: app:wiki, do: view}\n"
    assert run("apply", file(holds), "--yes").exit_code == ExitCode.OK
