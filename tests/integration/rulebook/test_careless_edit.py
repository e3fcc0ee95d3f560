"""One careless edit on the sample company: what it would have refused last week is known before it is applied."""

import json
import time

import pytest
from tests.visibility_material import HTTP
from tests.visibility_record import instance
from typer.testing import CliRunner

from ostiary.applications.facade import ensure_builtin_apps
from ostiary.applications.facts import read_applications
from ostiary.cli.output import ExitCode
from ostiary.cli.rules_change import app
from ostiary.config.places import Instance
from ostiary.demo.company import APPS, sample_people
from ostiary.demo.notes import Notes
from ostiary.demo.populate import RULES_FILE, populate
from ostiary.gateway.surroundings import read_surroundings
from ostiary.identity.facade import find_person, unsafe_provision_totp
from ostiary.policy.decision import Allow
from ostiary.policy.engine import PolicyEngine
from ostiary.policy.identifiers import AppId, Generation, PolicyVersion
from ostiary.policy.replay_report import Effect
from ostiary.policy.request import (
    AccessRequest,
    ActionClass,
    Authentication,
    AuthStrength,
    Context,
    Resource,
    Subject,
)
from ostiary.policy.snapshot import PersonFact, Rules
from ostiary.rulebook.facade import PeopleNotNamed, apply_plan, get_current, plan_change, replay_candidate
from ostiary.rulebook.initial import initial_rules
from ostiary.rulebook.services import apply_rules
from ostiary.visibility.domain.decision_event import decision_event
from ostiary.visibility.facade import Actor
from ostiary.visibility.keeping import PastKeeper
from ostiary.visibility.services import open_log

__all__ = ["instance"]
pytestmark = pytest.mark.django_db

ACTOR = Actor(kind="machine", id="root", label="root")
RULES = RULES_FILE.read_text(encoding="utf-8")
MEANT = RULES.replace(
    "- name: staff-work-together\n    allow: group:staff\n", "- name: staff-work-together\n    allow: [group:staff]\n"
)
CARELESS = RULES.replace(
    "- name: staff-work-together\n    allow: group:staff\n",
    "- name: staff-work-together\n    allow: [group:workshop, group:sales, group:administrators]\n",
)
"""Somebody thought that these are all the staff there is."""
SHARED = {"files", "calendar", "board"}
WORKING_DAYS = 5


@pytest.fixture
def company(instance: Instance) -> Instance:
    """Forty people, and a week in which each of them opened every app that is open to them."""
    ensure_builtin_apps()
    apply_rules(initial_rules(), actor=ACTOR)
    populate(Notes(https_port=8443, ports={one.id: one.port for one in APPS}, accounts=()), lambda _step: None)
    engine = PolicyEngine(Rules(document=RULES, version=PolicyVersion("demo")), read_applications(), Generation(1))
    log, number, began = open_log(instance, "decisions"), 0, time.time() - 6 * 86_400
    for person in sample_people():
        known = find_person(person.email)
        if not person.story:
            unsafe_provision_totp(person_id=known.id, actor=ACTOR)
        fact = PersonFact(id=known.id, email=known.email, name=known.name, groups=known.groups, active=True)
        for day in range(WORKING_DAYS):
            for one in APPS:
                number += 1
                at = began + day * 86_400 + number
                request = AccessRequest(
                    subject=Subject(
                        person=known.id,
                        email=known.email,
                        groups=frozenset(known.groups),
                        authentications=(Authentication("totp", AuthStrength.OTP, at - 60),),
                    ),
                    action=ActionClass.VIEW,
                    resource=Resource(app=AppId(one.id), labels=frozenset(one.labels), path="/"),
                    context=Context(address="192.0.2.7", risk=0),
                )
                decision = engine.decide(request, at)
                if not isinstance(decision, Allow):
                    continue
                log.append(
                    [
                        decision_event(
                            reference=f"AAAAA-{number:05d}",
                            at=at,
                            request=request,
                            decision=decision,
                            http=HTTP,
                            person=fact,
                        )
                    ]
                )
    log.close()
    keeper = PastKeeper(instance)
    while keeper.keep(time.time()):
        pass
    keeper.close()
    return instance


def expected_losers() -> set[str]:
    return {
        person.email
        for person in sample_people()
        if "staff" in person.groups and not {"workshop", "sales", "administrators"} & set(person.groups)
    }


def test_a_careless_edit_would_have_refused_eleven_people_and_is_caught(company, tmp_path):
    assert len({RULES, MEANT, CARELESS}) == 3
    assert len(expected_losers()) == 11
    week = {"since": time.time() - 7 * 86_400, "until": time.time()}

    assert not replay_candidate(MEANT, "", **week).of(Effect.LOSES)
    report = replay_candidate(CARELESS, "", **week)
    losing = report.of(Effect.LOSES)
    emails = {str(find_person(one.email).id): one.email for one in sample_people()}
    assert {emails[change.person] for change in losing} == expected_losers()
    assert report.subjects(Effect.LOSES) == 11
    assert {change.app for change in losing} == SHARED
    assert report.count(Effect.LOSES) == 11 * len(SHARED) * WORKING_DAYS
    assert not report.of(Effect.GAINS)

    file = tmp_path / "careless.yaml"
    file.write_text(CARELESS)
    told = CliRunner().invoke(app, ["replay", str(file)])
    assert told.exit_code == ExitCode.FINDINGS
    assert "11 lose something" in " ".join(told.stdout.split())

    told = CliRunner().invoke(app, ["plan", str(file)])
    assert told.exit_code == ExitCode.OK, told.output
    assert "11 would have lost something (165 requests)" in " ".join(told.output.split())
    told = CliRunner().invoke(app, ["plan", str(file), "--json"])
    assert len(json.loads(told.stdout)["replay"]["changes"]) == 11 * len(SHARED)

    plan = plan_change(CARELESS, actor=ACTOR, actor_request=None, surroundings=read_surroundings())
    assert plan.is_valid, plan.report.problems
    assert {one.email for one in plan.reach.losing} == expected_losers()
    assert plan.people_to_name == 11
    with pytest.raises(PeopleNotNamed, match="11 people"):
        apply_plan(plan)
    assert get_current().document == RULES
