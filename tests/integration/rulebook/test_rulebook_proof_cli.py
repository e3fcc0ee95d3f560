"""`ostiary rules prove`, `compare`, `lint`, `who-can` and `what-can`, as a person and as a script uses them."""

import json

import pytest
from typer.testing import CliRunner

from ostiary.applications.facade import ensure_builtin_apps
from ostiary.cli.output import ExitCode
from ostiary.cli.rules_reach import NotASelector, app
from ostiary.identity.facade import create_group, create_person, delete_group, unsafe_provision_totp
from ostiary.policy.identifiers import GroupId
from ostiary.rulebook.facade import InvalidRules, apply_rules
from ostiary.visibility.facade import Actor
from ostiary.workloads.facade import add_service, disable_service

pytestmark = pytest.mark.django_db

RULES = """\
version: 1
rules:
  - name: administrators
    allow: group:administrators
    to: app:console
    do: [view, edit]
    when: {mfa: phishing-resistant}
  - name: staff-view
    allow: group:staff
    to: app:console
    do: view
    when: {hours: Mon-Fri 07:00-20:00 Europe/Berlin}
never:
  - name: nobody-edits-with-a-password
    who: anyone
    to: app:console
    do: edit
    unless: {mfa: phishing-resistant}
always:
  - name: administrators-get-in
    who: group:administrators
    to: app:console
    do: [view, edit]
    when: {mfa: phishing-resistant}
"""
WEEKEND = """\
  - name: nobody-on-weekdays
    who: group:staff
    to: anything
    when: {hours: Mon 00:00-24:00 Europe/Berlin}
always:
"""


@pytest.fixture
def run(tmp_path):
    ensure_builtin_apps()
    actor = Actor(kind="system", id="test", label="test")
    create_group(id=GroupId("staff"), name="Staff", actor=actor)
    create_person(
        email="anna@example.com",
        name="Anna",
        password="correct horse battery staple 7",
        groups=(GroupId("staff"),),
        actor=actor,
    )

    def command(*words, **more):
        return CliRunner().invoke(app, list(words), **more)

    return command


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "rules.yaml"
    path.write_text(RULES)
    return path


def test_what_holds_is_proved(run, file):
    result = run("prove", str(file))
    assert result.exit_code == ExitCode.OK, result.output
    assert result.stdout.count("No possible request contradicts it.") == 2
    found = json.loads(run("prove", "-", "--json", input=RULES).stdout)
    assert [(one["clause"]["rule"]["name"], one["outcome"]) for one in found] == [
        ("nobody-edits-with-a-password", "proved"),
        ("administrators-get-in", "proved"),
    ]


def test_what_does_not_hold_is_shown_with_a_request(run, file):
    file.write_text(RULES.replace("always:\n", WEEKEND))
    result = run("prove", str(file))
    assert result.exit_code == ExitCode.FINDINGS
    assert "can view console on Monday" in result.stdout
    assert "allowed by `staff-view`." in result.stdout
    (refuted,) = [one for one in json.loads(run("prove", str(file), "--json").stdout) if one["outcome"] == "refuted"]
    assert refuted["counterexample"]["decision"]["rules"] == ["staff-view"]


def test_without_clauses_and_with_names_that_do_not_exist(run, file):
    assert "has no clauses" in run("prove", "-", input="version: 1\nrules: []").stderr
    assert isinstance(run("prove", "-", input=RULES.replace("group:staff", "group:stuff")).exception, InvalidRules)


def test_versions_are_compared(run, file, tmp_path):
    newer = tmp_path / "newer.yaml"
    newer.write_text(RULES.replace("Mon-Fri", "Mon-Sat"))
    result = run("compare", str(file), str(newer))
    assert result.exit_code == ExitCode.FINDINGS
    assert "+ Only with the new rules: A person in staff can view console on Saturday" in result.stdout
    back = run("compare", str(newer), str(file), "--json")
    assert back.exit_code == ExitCode.OK
    assert json.loads(back.stdout)["outcome"] == "stricter"
    assert json.loads(run("compare", str(file), str(file), "--json").stdout)["outcome"] == "equivalent"
    assert json.loads(run("compare", "current", str(file), "--json").stdout)["outcome"] == "looser"


def test_the_linter_names_the_line(run, file):
    file.write_text(
        RULES.replace(
            "do: view\n    when: {hours: Mon-Fri 07:00-20:00 Europe/Berlin}",
            "do: view\n    when: {hours: 00:00-24:00 UTC}",
        )
    )
    result = run("lint", str(file), "--json")
    assert result.exit_code == ExitCode.FINDINGS
    found = {one["oddity"]: one for one in json.loads(result.stdout)}
    assert (found["always_true"]["rule"], found["always_true"]["line"]) == ("staff-view", 8)
    assert "group_without_rules" in found
    assert "staff-view" in run("lint", str(file)).stdout


def test_who_can(run, file):
    result = run("who-can", "view", "app:console", "--rules", str(file))
    assert result.exit_code == ExitCode.OK, result.output
    assert "Anna <anna@example.com>" in result.stdout
    assert "staff-view" in result.stdout
    found = json.loads(run("who-can", "edit", "anything", "--rules", str(file), "--json").stdout)
    assert [way["rule"] for way in found["ways"]] == ["administrators"]
    assert found["people"] == []
    for words in (("see", "app:console"), ("view", "console"), ("view", "app:nowhere")):
        assert isinstance(run("who-can", *words, "--rules", str(file)).exception, NotASelector)


def test_who_can_names_the_services_that_are_on(run):
    actor = Actor(kind="system", id="test", label="test")
    create_person(email="olga@example.com", name="Olga", password="correct horse battery staple 7", actor=actor)
    for name in ("backup", "export", "off"):
        add_service(name, owner="olga@example.com", actor=actor)
    disable_service("off", actor=actor)
    robots = "  - name: robots\n    allow: [service:backup, service:off, service:unmade]\n    to: app:console\n    do: [connect]\n"
    apply_rules(RULES.replace("never:\n", f"{robots}never:\n"), actor=actor)
    assert "service:backup\n" in run("who-can", "connect", "app:console").stdout
    assert json.loads(run("who-can", "connect", "app:console", "--json").stdout)["services"] == ["backup"]


def test_what_can(run, file):
    for subject in ("person:anna@example.com", "group:staff"):
        (reached,) = json.loads(run("what-can", subject, "--rules", str(file), "--json").stdout)
        assert (reached["app"], reached["actions"]) == ("console", ["view"])
        assert [way["rule"] for way in reached["rules"]] == ["staff-view"]
    assert "No rule lets service:backup do anything." in run("what-can", "service:backup", "--rules", str(file)).stderr
    for subject in ("person:nobody@example.com", "group:nothing", "anna"):
        assert isinstance(run("what-can", subject, "--rules", str(file)).exception, NotASelector)


def test_what_takes_setting_up_first_is_listed_apart_and_never_hidden(run):
    actor = Actor(kind="system", id="test", label="test")
    ready = create_person(
        email="rosa@example.com",
        name="Rosa",
        password="correct horse battery staple 7",
        groups=(GroupId("staff"),),
        actor=actor,
    )
    unsafe_provision_totp(person_id=ready, actor=actor)
    apply_rules(RULES.replace("when: {hours:", "when: {mfa: otp, hours:"), actor=actor)
    told = run("who-can", "view", "app:console").stdout
    assert "Rosa <rosa@example.com>\nAfter setting up a stronger factor, 1 more:\nAnna <anna@example.com>\n" in told
    found = json.loads(run("who-can", "view", "app:console", "--json").stdout)
    assert (len(found["people"]), len(found["set_up_first"])) == (2, 1)
    assert "After setting up a stronger factor" in run("what-can", "person:anna@example.com").stdout
    (anna,) = json.loads(run("what-can", "person:anna@example.com", "--json").stdout)
    (rosa,) = json.loads(run("what-can", "person:rosa@example.com", "--json").stdout)
    assert (anna["actions"], anna["set_up_first"]) == (["view"], ["view"])
    assert (rosa["actions"], rosa["set_up_first"]) == (["view"], [])


def test_rules_in_force_may_name_what_was_deleted_since(run, file):
    actor = Actor(kind="system", id="test", label="test")
    apply_rules(RULES, actor=actor)
    assert "Anna <anna@example.com>" in run("who-can", "view", "app:console").stdout
    delete_group(group_id=GroupId("staff"), actor=actor)
    assert "Anna" not in run("who-can", "view", "app:console").stdout
    assert run("prove").exit_code == ExitCode.OK
    assert json.loads(run("compare", "current", "current", "--json").stdout)["outcome"] == "equivalent"
    assert isinstance(run("prove", str(file)).exception, InvalidRules)
