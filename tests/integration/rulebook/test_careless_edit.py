"""One careless edit on the sample company: what it would have refused last week is known before it is applied."""

import json
import time
from itertools import count

import pytest
from tests.replay_material import ACTOR, DAY, Asked, person_fact, put_on_record
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
from ostiary.policy.identifiers import Generation, PolicyVersion
from ostiary.policy.replay_report import Effect
from ostiary.policy.snapshot import Rules
from ostiary.rulebook.facade import PeopleNotNamed, apply_plan, get_current, plan_change, replay_candidate
from ostiary.rulebook.initial import initial_rules
from ostiary.rulebook.services import apply_rules
from ostiary.visibility.adapters.past_files import PastDamaged, day_path, list_days
from ostiary.visibility.keeping import replay_folder

__all__ = ["instance"]
pytestmark = pytest.mark.django_db

RULES = RULES_FILE.read_text(encoding="utf-8")
MEANT = RULES.replace(
    "- name: staff-work-together\n    allow: group:staff\n", "- name: staff-work-together\n    allow: [group:staff]\n"
)
CARELESS = RULES.replace(
    "- name: staff-work-together\n    allow: group:staff\n",
    "- name: staff-work-together\n    allow: [group:workshop, group:sales, group:administrators]\n",
)
"""Somebody thought that these are all the staff there is."""
WITH_A_REASON = RULES.replace(
    "- name: staff-work-together\n", "- name: staff-work-together\n    require: [justify, record]\n"
)
SHARED = {"files", "calendar", "board"}
WORKING_DAYS = 5


@pytest.fixture
def company(instance: Instance) -> Instance:
    """Forty people, and a week in which each of them opened every app that is open to them."""
    ensure_builtin_apps()
    apply_rules(initial_rules(), actor=ACTOR)
    populate(Notes(https_port=8443, ports={one.id: one.port for one in APPS}, accounts=()), lambda _step: None)
    engine = PolicyEngine(Rules(document=RULES, version=PolicyVersion("demo")), read_applications(), Generation(1))
    asked, began, numbers = [], time.time() - 6 * DAY, count(1)
    for person in sample_people():
        known = find_person(person.email)
        if not person.story:
            unsafe_provision_totp(person_id=known.id, actor=ACTOR)
        fact = person_fact(known.id, email=known.email, name=known.name, groups=known.groups)
        asked += [
            Asked(person=fact, app=one.id, at=began + day * DAY + next(numbers), labels=tuple(one.labels))
            for day in range(WORKING_DAYS)
            for one in APPS
        ]
    answered = [(one, engine.decide(one.request, one.at)) for one in asked]
    put_on_record(instance, [one for one in answered if isinstance(one[1], Allow)])
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


def test_a_plan_says_who_may_still_but_on_other_terms(company, tmp_path):
    file = tmp_path / "with-a-reason.yaml"
    file.write_text(WITH_A_REASON)
    told = " ".join(CliRunner().invoke(app, ["plan", str(file)]).output.split())
    staff = sum("staff" in person.groups for person in sample_people())
    requests = staff * len(SHARED) * WORKING_DAYS
    assert "0 would have lost something (0 requests)" in told
    assert f"{staff} would have been allowed on other terms ({requests} requests)." in told
    assert f"Who and what: ostiary rules replay {file}" in told


def test_what_is_kept_may_be_damaged_and_rules_are_still_planned(company, tmp_path):
    folder = replay_folder(company) / "decisions"
    path = day_path(folder, list_days(folder)[1])
    path.write_bytes(path.read_bytes()[:-1])
    file = tmp_path / "with-a-reason.yaml"
    file.write_text(WITH_A_REASON)

    tried = CliRunner().invoke(app, ["replay", str(file)])
    assert isinstance(tried.exception, PastDamaged)
    planned = CliRunner().invoke(app, ["plan", str(file)])
    assert planned.exit_code == ExitCode.OK
    told = " ".join(planned.output.split())
    assert "They could not be tried on what happened." in told
    assert f"{path.name} is damaged from byte" in told
    replayed = json.loads(CliRunner().invoke(app, ["plan", str(file), "--json"]).stdout)["replay"]
    assert "Start Ostiary again" in replayed["untried"]
    path.unlink()
    path.mkdir()
    planned = CliRunner().invoke(app, ["plan", str(file)])
    assert planned.exit_code == ExitCode.OK
    assert f"{path.name} cannot be read (Is a directory)." in " ".join(planned.output.split())
