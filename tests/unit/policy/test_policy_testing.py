"""The tests of a document are run by the engine that decides; what fails says what was answered instead, and why."""

import pytest
from tests.policy_material import catalogue

from ostiary.policy.decision import ReasonCode
from ostiary.policy.rules.problems import InvalidRules
from ostiary.policy.rules.reader import read_rules
from ostiary.policy.snapshot import Rules
from ostiary.policy.testing import MAX_GUESSES, TestResult, run_tests

RULES = """\
version: 1
rules:
  - name: staff-read-wiki
    allow: group:staff
    to: app:wiki
    do: view
    paths: /docs/*
    when: {mfa: {method: otp, within: 10m}, hours: Mon-Fri 08:00-18:00 Europe/Berlin, risk: below 60}
  - {name: anna-in, allow: "person:anna@example.com", to: label:internal, do: any}
  - {name: backup-in, allow: service:backup, to: anything, do: any}
  - {name: payroll-from-here, deny: anyone, to: label:restricted, unless: {countries: DE, device: {managed: true}}}
tests:
"""
STAFF = "as: group:staff, mfa: otp, to: app:wiki, path: /docs/a"


def run(fields: str, *, text: str = RULES, cedar: str = "") -> TestResult:
    text = f"{text}  - {{name: a, {fields}}}\n"
    (result,) = run_tests(read_rules(text), Rules(document=text, cedar=cedar), catalogue())
    return result


@pytest.mark.parametrize(
    "fields",
    [
        f"{STAFF}, expect: allow",
        f"{STAFF}, expect: {{allow: staff-read-wiki}}",
        f"{STAFF}, risk: 59, expect: allow",
        f"{STAFF}, risk: 60, expect: deny",
        f"{STAFF}, risk: unknown, expect: {{deny: conditions_unmet}}",
        f"{STAFF}, at: 2026-11-21 09:00 Europe/Berlin, expect: deny",
        f"{STAFF}, at: Mon 2026-11-23 08:00 Europe/Berlin, expect: allow",
        f"{STAFF}, at: Mon 2026-11-23 07:59:59 Europe/Berlin, expect: deny",
        f"{STAFF}, do: edit, expect: deny",
        "as: group:staff, mfa: {method: otp, age: 599s}, to: app:wiki, path: /docs, expect: allow",
        "as: group:staff, mfa: {method: otp, age: 10m}, to: app:wiki, path: /docs, expect: deny",
        "as: group:staff, mfa: [{method: phishing-resistant, age: 2h}, otp], to: app:wiki, path: /docs, expect: allow",
        "as: group:staff, to: app:wiki, path: /docs, expect: {deny: conditions_unmet}",
        "as: group:staff, mfa: otp, to: app:wiki, path: /docsx, expect: deny",
        "as: anyone, to: app:wiki, expect: {deny: no_rule_applies}",
        "as: 'person:ANNA@example.com', to: app:wiki, do: unknown, expect: {allow: anna-in}",
        "as: 'person:anna@example.com', to: app:payroll, expect: {deny: payroll-from-here}",
        "as: 'person:anna@example.com', to: app:payroll, country: DE, device: {managed: true}, expect: allow",
        "as: 'person:anna@example.com', to: [app:wiki, label:restricted], expect: {deny: denied_by_rule}",
        "as: service:backup, to: app:console, expect: {allow: backup-in}",
        "as: person:p1, to: app:wiki, expect: deny",
    ],
)
def test_tests_that_pass(fields):
    result = run(fields)
    assert result.passed, result
    assert (result.name, result.line, result.hint) == ("a", 13, "")


def test_a_test_that_was_not_allowed_says_what_is_missing():
    result = run("as: group:staff, mfa: {method: otp, age: 10m}, to: app:wiki, path: /docs/a, expect: allow")
    assert not result.passed
    assert result.expected == "allowed"
    assert result.answered == "refused, as a condition is not met (`conditions_unmet`)"
    assert result.reason is ReasonCode.CONDITIONS_UNMET
    assert [(one.rule, one.words) for one in result.unmet] == [
        ("staff-read-wiki", "This needs a one-time code from the last 10 minutes; you gave a one-time code longer ago.")
    ]


def test_a_test_that_was_not_refused_says_which_rules_allowed_it():
    result = run(f"{STAFF}, expect: {{deny: no_rule_applies}}")
    assert not result.passed
    assert result.expected == "refused, as no rule is about such a request (`no_rule_applies`)"
    assert result.answered == "allowed by `staff-read-wiki`"
    assert result.rules == ("staff-read-wiki",)
    assert result.reason is None


def test_the_right_answer_by_another_rule_is_not_the_one_expected():
    allowed = run(f"{STAFF}, expect: {{allow: anna-in}}")
    refused = run("as: 'person:anna@example.com', to: app:payroll, expect: {deny: anna-in}")
    assert (allowed.passed, allowed.expected) == (False, "allowed by `anna-in`")
    assert (refused.passed, refused.answered) == (False, "refused by `payroll-from-here`")
    assert not refused.hint


def test_a_rule_that_does_not_exist_is_pointed_out():
    result = run(f"{STAFF}, expect: {{allow: staff-reads-wiki}}")
    assert not result.passed
    assert result.hint == "there is no rule `staff-reads-wiki` (did you mean `staff-read-wiki`?)"


def test_what_was_meant_is_guessed_for_a_few_names_only():
    cases = "".join(f"  - {{name: a{n}, {STAFF}, expect: {{allow: staff-reads-wiki-{n % 30}}}}}\n" for n in range(60))
    text = RULES + cases
    results = run_tests(read_rules(text), Rules(document=text), catalogue())
    assert sum("did you mean" in result.hint for result in results) == 2 * MAX_GUESSES
    assert all(result.hint.startswith("there is no rule `staff-reads-wiki-") for result in results)


@pytest.mark.parametrize("expect", ["allow", "deny"])
def test_an_app_that_does_not_exist_is_a_problem_whatever_is_expected(expect):
    result = run(f"as: group:staff, to: app:wikki, expect: {expect}")
    assert not result.passed
    assert result.answered == "refused, as there is no such app (`unknown_resource`)"
    assert result.hint == "there is no app `wikki` (did you mean `wiki`?)"


def test_cedar_beside_the_document_answers_too():
    cedar = '@id("no-night") forbid(principal, action, resource);'
    result = run(f"{STAFF}, expect: {{deny: no-night}}", cedar=cedar)
    assert result.passed
    assert result.answered == "refused by `no-night`"


def test_without_rules_everything_is_refused():
    assert run(f"{STAFF}, expect: {{deny: no_rules}}", text="version: 1\ntests:\n").passed


def test_the_tests_of_one_document_can_ask_other_rules():
    tests = read_rules(f"version: 1\ntests: [{{name: a, {STAFF}, expect: allow}}]")
    (result,) = run_tests(tests, Rules(document=RULES), catalogue())
    assert result.passed


def test_no_tests_ask_nothing_and_rules_that_cannot_be_used_are_said():
    assert run_tests(read_rules(""), Rules(document="version: 9"), catalogue()) == ()
    tests = read_rules(f"version: 1\ntests: [{{name: a, {STAFF}, expect: allow}}]")
    with pytest.raises(InvalidRules):
        run_tests(tests, Rules(document="version: 9"), catalogue())
