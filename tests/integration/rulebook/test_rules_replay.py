"""`ostiary rules replay`, and what is behind it, on a record that was written as the decision service writes it."""

import json
import time
from collections.abc import Callable
from itertools import count

import msgspec
import pytest
from tests.replay_material import ACTOR, DAY, PASSKEY, TOTP, Asked, engine_of, keep_past, person_fact, put_on_record
from tests.visibility_material import ADA, HTTP
from tests.visibility_record import instance
from typer.testing import CliRunner

from ostiary.applications.facade import UnknownApp, add_app, ensure_builtin_apps
from ostiary.cli.moments import BadMoment, day_and_time
from ostiary.cli.output import ExitCode, Refused
from ostiary.cli.rules_replay import app
from ostiary.config.places import Instance
from ostiary.identity.facade import UnknownPerson, find_person, invite_person
from ostiary.policy.decision import Allow
from ostiary.policy.replay_report import Effect, Unreplayed
from ostiary.policy.request import ActionClass
from ostiary.policy.rules.problems import InvalidRules
from ostiary.rulebook.facade import Known, apply_rules, replay_candidate
from ostiary.visibility.facade import get_decision

__all__ = ["instance"]
pytestmark = pytest.mark.django_db
IN_FORCE = "version: 1\nrules:\n  - {name: staff, allow: group:staff, to: app:wiki, do: [view, edit]}\n"
WITH_PASSKEY = "version: 1\nrules:\n  - {name: staff, allow: group:staff, to: app:wiki, do: [view, edit], when: {mfa: phishing-resistant}}\n"
WITH_A_REASON = (
    "version: 1\nrules:\n  - {name: staff, allow: group:staff, to: app:wiki, do: [view, edit], require: justify}\n"
)
FOR_ALL = "version: 1\nrules:\n  - {name: everyone, allow: anyone, to: app:wiki, do: any}\n"
BEGAN = time.time() - 3 * DAY


def _hire(name: str) -> str:
    address = f"{name}@example.test"
    invite_person(email=address, name=name.title(), actor=ACTOR)
    return str(find_person(address).id)


@pytest.fixture
def people(instance: Instance) -> dict[str, str]:
    """Anna, who is staff and has a passkey, Ben, who is staff, and Carl, who is not; each opened the wiki four times."""
    ensure_builtin_apps()
    add_app("wiki", upstream="http://10.0.0.1:8080", labels=("internal",), actor=ACTOR)
    apply_rules(IN_FORCE, actor=ACTOR)
    ids = {name: _hire(name) for name in ("anna", "ben", "carl")}
    engine, numbers = engine_of(IN_FORCE, "wiki", "gone"), count()
    asked = [
        Asked(
            person=person_fact(
                person, email=f"{name}@example.test", name=name, groups=() if name == "carl" else ("staff",)
            ),
            app=app_id,
            at=BEGAN + next(numbers),
            labels=("internal",),
            action=ActionClass.EDIT if turn == 3 else ActionClass.VIEW,
            path=f"/{turn}",
            proof=PASSKEY if name == "anna" else TOTP,
        )
        for name, person in ids.items()
        for turn, app_id in enumerate(("wiki", "wiki", "wiki", "wiki", "gone"))
    ]
    put_on_record(instance, [(one, engine.decide(one.request, one.at)) for one in asked])
    return ids


@pytest.fixture
def run(tmp_path) -> Callable[..., object]:
    def run_replay(document: str, *more: str):
        file = tmp_path / "candidate.yaml"
        file.write_text(document)
        return CliRunner().invoke(app, ["replay", str(file), *more])

    return run_replay


def test_who_loses_is_told_first_and_by_name(people, run):
    result = run(WITH_PASSKEY)
    assert result.exit_code == ExitCode.FINDINGS
    lines = [" ".join(line.split()) for line in result.stdout.splitlines()]
    assert any(line.startswith("12 requests by 3 people and services") for line in lines)
    assert "1 lose something: 4 requests." in lines
    assert "0 gain something: 0 requests." in lines
    (view,) = [line for line in lines if line.startswith("Ben wiki view 3 ")]
    assert (
        "This needs a passkey or security key; you gave a one-time code. They can lift it themselves, at once." in view
    )
    assert "Anna" not in result.stdout
    reference = view.split()[-1]
    assert get_decision(reference).person_id == people["ben"]
    assert "3 requests went to apps that do not exist any more" in " ".join(result.stderr.split())


def test_nobody_loses(people, run):
    result = run(FOR_ALL)
    assert result.exit_code == ExitCode.OK
    assert "Carl" in result.stdout
    assert "The rule everyone allows it." in result.stdout
    assert "Nobody loses anything." in result.stderr


def test_who_may_still_but_on_other_terms_is_told_apart(people, run):
    result = run(WITH_A_REASON)
    assert result.exit_code == ExitCode.OK
    lines = [" ".join(line.split()) for line in result.stdout.splitlines()]
    assert "2 may still, on other terms: 8 requests." in lines
    rows = lines[lines.index("Still allowed, on other terms") :]
    (row,) = [line for line in rows if line.startswith("Anna wiki edit 1 ")]
    assert "Still allowed, and they must say why." in row
    assert "Nobody loses anything." in result.stderr
    told = json.loads(run(WITH_A_REASON, "--json").stdout)["report"]["changes"]
    assert {(one["effect"], *one["terms_added"]) for one in told} == {("terms", "justify")}


def test_the_same_rules_change_nothing(people, run):
    result = run(IN_FORCE)
    assert result.exit_code == ExitCode.OK
    assert "0 lose something: 0 requests." in result.stdout
    assert "wiki" not in result.stdout


def test_json_holds_the_whole_report(people, run):
    result = run(WITH_PASSKEY, "--json", "--since", "7d")
    assert result.exit_code == ExitCode.FINDINGS
    found = json.loads(result.stdout)
    assert found["loses"] is True
    assert found["names"] == {people["ben"]: "Ben"}
    assert [one["effect"] for one in found["report"]["changes"]] == ["loses", "loses"]
    assert found["report"]["unreplayed"] == {"app_gone": 3}


def test_one_person_and_one_app_can_be_looked_at(people, run):
    assert run(WITH_PASSKEY, "--person", "anna@example.test").exit_code == ExitCode.OK
    assert run(WITH_PASSKEY, "--person", people["ben"], "--app", "wiki").exit_code == ExitCode.FINDINGS
    assert run(WITH_PASSKEY, "--app", "console").exit_code == ExitCode.OK


def test_a_time_without_requests_is_said_to_be_empty(people, run):
    result = run(WITH_PASSKEY, "--until", "10d", "--since", "20d")
    assert result.exit_code == ExitCode.OK
    assert "No request of that time is kept" in " ".join(result.stderr.split())


def test_requests_that_are_not_kept_yet_are_said_to_be_missing(people, run, instance):
    late = Asked(person=person_fact(people["ben"], email="ben@example.test", name="Ben"), app="wiki", at=BEGAN + DAY)
    assert "missing" not in run(FOR_ALL).stderr
    put_on_record(instance, [(late, engine_of(IN_FORCE, "wiki").decide(late.request, late.at))], keep=False)
    told = " ".join(run(FOR_ALL).stderr.split())
    assert f"Requests from {day_and_time(late.at)} on are on record but not kept yet" in told
    keep_past(instance)
    assert "missing" not in run(FOR_ALL).stderr


def test_nonsense_is_refused(people, run):
    assert isinstance(run(WITH_PASSKEY, "--since", "yesterday").exception, BadMoment)
    assert isinstance(run(WITH_PASSKEY, "--since", "99999999999d").exception, BadMoment)
    assert isinstance(run("version: 2").exception, InvalidRules)
    for since, until in (("7d", "7d"), ("7d", "8d"), ("2099-01-01", "")):
        refused = run(WITH_PASSKEY, "--since", since, "--until", until)
        assert isinstance(refused.exception, Refused)
        assert "ends before it begins" in str(refused.exception)


def test_a_name_that_nobody_has_is_refused_so_that_nothing_passes_for_lack_of_it(people, run):
    assert isinstance(run(WITH_PASSKEY, "--app", "wikki").exception, UnknownApp)
    assert isinstance(run(WITH_PASSKEY, "--person", "benn@example.test").exception, UnknownPerson)


def test_what_the_rules_in_force_answer_otherwise_is_no_effect_of_the_candidate(people):
    apply_rules(WITH_PASSKEY, actor=ACTOR)
    told: list[float] = []
    report = replay_candidate(
        WITH_PASSKEY, since=0.0, until=time.time(), progress=told.append, known=Known(apps=frozenset({"wiki"}))
    )
    assert not report.loses
    assert {(one.person, one.effect) for one in report.changes} == {(people["ben"], Effect.LOST_ALREADY)}
    assert report.unreplayed == {Unreplayed.APP_GONE: 3}
    assert told == sorted(told)
    assert told[-1] == 1.0


def test_examples_are_the_decisions_themselves(people):
    report = replay_candidate(FOR_ALL, since=0.0, until=time.time(), known=Known(apps=frozenset({"wiki"})))
    examples = [example for change in report.of(Effect.GAINS) for example in change.examples]
    assert examples
    for example in examples:
        decision = get_decision(example.reference)
        assert (decision.at, decision.http.path) == (example.at, HTTP.path)
        assert not isinstance(decision.decision, Allow)
        assert decision.request is not None
        assert decision.request.resource.path == example.path


def test_rules_in_force_that_cannot_be_read_are_compared_as_none(people):
    from ostiary.rulebook.models import AppliedRulesRow

    AppliedRulesRow.objects.update(document="version: 99")
    report = replay_candidate(IN_FORCE, since=0.0, until=time.time(), known=Known(apps=frozenset({"wiki"})))
    assert {change.effect for change in report.changes} == {Effect.GAINS}


def test_a_person_known_by_address_is_recognised_although_no_address_is_kept(people):
    named = "version: 1\nrules:\n  - {name: carl, allow: 'person:Carl@example.test', to: app:wiki, do: view}\n"
    report = replay_candidate(named, since=0.0, until=time.time())
    assert {change.person for change in report.of(Effect.GAINS)} == {people["carl"]}
    assert msgspec.to_builtins(report)["changes"]
    assert ADA.email not in str(report)
