"""`ostiary rules unused`: what nobody used is found, taken out, and shown to take nothing from anybody."""

import json
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.policy_material import cases, documents, text_of
from tests.replay_material import ACTOR, DAY, keep_past
from tests.visibility_material import HTTP
from tests.visibility_record import instance
from typer.testing import CliRunner

from ostiary.applications.facade import add_app
from ostiary.cli.output import ExitCode
from ostiary.cli.rules_unused import app
from ostiary.config.places import Instance
from ostiary.policy.decision import Allow
from ostiary.policy.engine import PolicyEngine
from ostiary.policy.identifiers import AppId, Generation, GroupId, PersonId, PolicyVersion
from ostiary.policy.past import situation_of
from ostiary.policy.request import AccessRequest, ActionClass, Resource, Subject
from ostiary.policy.rules.document import Effect
from ostiary.policy.rules.reader import read_rules
from ostiary.policy.snapshot import AppFact, Catalogue, Rules
from ostiary.policy.unused import find_use, without_unused
from ostiary.rulebook.facade import apply_rules, find_unused
from ostiary.rulebook.models import AppliedRulesRow
from ostiary.visibility.domain.decision_event import decision_event
from ostiary.visibility.services import open_log

__all__ = ["instance"]
DOCUMENT = """\
version: 1
rules:
  # who writes
  - name: staff
    allow: [group:staff, group:night]
    to: [app:wiki, app:files]
    do: any
  - name: cleaners
    allow: group:cleaners
    to: app:wiki
    do: view
  - name: console
    allow: group:administrators
    to: app:console
    do: any
"""


@pytest.fixture
def used(db: None, instance: Instance) -> Instance:
    """Rules in force for a hundred days; staff viewed and edited the wiki, and nothing else was done."""
    add_app("wiki", upstream="http://10.0.0.1:8080", actor=ACTOR)
    apply_rules(DOCUMENT, actor=ACTOR)
    AppliedRulesRow.objects.update(applied_at=_at(100))
    log = open_log(instance, "decisions")
    apps = {AppId("wiki"): AppFact(id=AppId("wiki"), host="", name="wiki")}
    engine = PolicyEngine(Rules(document=DOCUMENT, version=PolicyVersion("v")), Catalogue(apps=apps), Generation(1))
    for number, action in enumerate((ActionClass.VIEW, ActionClass.EDIT, ActionClass.VIEW)):
        at = time.time() - (80 - number) * DAY
        request = AccessRequest(
            subject=Subject(person=PersonId("p-1"), groups=frozenset({GroupId("staff")})),
            action=action,
            resource=Resource(app=AppId("wiki")),
        )
        decision = engine.decide(request, at)
        assert isinstance(decision, Allow)
        log.append([decision_event(reference=f"R{number}", at=at, request=request, decision=decision, http=HTTP)])
    log.close()
    keep_past(instance)
    return instance


def _at(days_ago: float):
    from datetime import UTC, datetime

    return datetime.fromtimestamp(time.time() - days_ago * DAY, UTC)


def run(*words: str):
    return CliRunner().invoke(app, ["unused", *words])


def test_what_nobody_used_is_listed_and_written_without_it(used: Instance, tmp_path) -> None:
    result = run("--write", str(tmp_path / "narrower.yaml"))
    assert result.exit_code == ExitCode.FINDINGS
    rows = [" ".join(line.split()) for line in result.stdout.splitlines()]
    assert "cleaners group:cleaners app:wiki view yes" in rows
    assert "staff group:night app:wiki view yes" in rows
    assert "staff group:staff app:files edit yes" in rows
    assert "staff group:staff app:wiki delete yes" in rows
    assert not any(row.startswith(("staff group:staff app:wiki view", "console")) for row in rows)
    assert "Without it, nobody would have lost anything: 3 requests were replayed." in rows
    text = (tmp_path / "narrower.yaml").read_text()
    assert "# who writes" in text
    (staff, console) = read_rules(text).rules
    assert (staff.name, [who.name for who in staff.who], [to.name for to in staff.to]) == ("staff", ["staff"], ["wiki"])
    assert staff.do == (ActionClass.VIEW, ActionClass.EDIT)
    assert console.do is None


def test_json_holds_it_all(used: Instance) -> None:
    found = json.loads(run("--json").stdout)
    assert [one["rule"]["name"] for one in found["unused"]["rules"]] == ["staff", "cleaners"]
    assert found["replay"]["requests"] == 3


def test_rules_that_are_younger_are_left_alone(used: Instance) -> None:
    apply_rules(DOCUMENT.replace("group:cleaners", "group:porters"), actor=ACTOR)
    AppliedRulesRow.objects.filter(number=2).update(applied_at=_at(10))
    found = find_unused(since=time.time() - 90 * DAY, until=time.time())
    assert found.young == ("cleaners",)
    assert [one.rule.name for one in found.rules] == ["staff"]
    assert "group:porters" in found.document


def test_without_a_record_nothing_is_said(db: None, instance: Instance) -> None:
    apply_rules(DOCUMENT, actor=ACTOR)
    AppliedRulesRow.objects.update(applied_at=_at(100))
    result = run()
    assert result.exit_code == ExitCode.OK
    assert "No request of that time is kept" in " ".join(result.stderr.split())


@settings(max_examples=60, deadline=None)
@given(documents, st.lists(cases(), max_size=8))
def test_what_passed_passes_without_what_was_not_used(document, asked) -> None:
    apps = Catalogue(
        apps={AppId(a): AppFact(id=AppId(a), host="", name=a) for a in ("wiki", "payroll", "console", "unknown")}
    )
    text = text_of(document)
    before = PolicyEngine(Rules(document=text, version=PolicyVersion("v")), apps, Generation(1))
    passed = [one for one in asked if isinstance(before.decide(*one), Allow)]
    uses = {(kept.asker, kept.act) for kept in (situation_of(request) for request, _ in passed)}
    found = {rule.name: find_use(rule, uses) for rule in read_rules(text).rules if rule.effect is Effect.ALLOW}
    narrower = without_unused(text, found)
    after = PolicyEngine(Rules(document=narrower, version=PolicyVersion("w")), apps, Generation(1))
    for one in passed:
        assert isinstance(after.decide(*one), Allow)
