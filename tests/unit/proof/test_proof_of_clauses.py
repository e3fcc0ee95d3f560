"""Clauses and comparisons, case by case: outcomes, words, limits of time, and what is not claimed."""

import subprocess
import sys

import msgspec
import pytest
from tests.policy_material import catalogue, rules_of
from tests.proof_material import clause_of, rulebook

from ostiary.policy.proof import clauses as clauses_module
from ostiary.policy.proof import comparison as comparison_module
from ostiary.policy.proof.facade import (
    ClauseOutcome,
    ComparisonOutcome,
    Oddity,
    Undecided,
    compare,
    lint,
    prove,
    what_can,
    who_can,
)
from ostiary.policy.proof.solver import Solver
from ostiary.policy.request import ActionClass, Subject
from ostiary.policy.rules.document import Target, TargetKind

STAFF = {"allow": "group:staff", "to": "app:wiki", "do": "view"}


def proved(rules, *plain, cedar=""):
    results = prove(rulebook(rules, cedar), catalogue(), [clause_of(one) for one in plain], seconds=60)
    return [(one.outcome, one.words) for one in results]


def test_people_in_clauses_have_an_address():
    rules = rules_of(STAFF, {"allow": "person:anna@example.com", "to": "app:console", "do": "any"})
    always = {"kind": "always", "who": "group:staff", "to": "app:wiki", "do": "view"}
    assert proved(rules, always) == [(ClauseOutcome.PROVED, "No possible request contradicts it.")]
    assert (
        compare(rulebook(rules_of(STAFF)), rulebook(rules), catalogue(), seconds=60).outcome is ComparisonOutcome.LOOSER
    )


def test_no_clauses_no_results():
    assert prove(rulebook(rules_of(STAFF)), catalogue(), [], seconds=60) == ()


def test_a_clause_about_nothing_says_so():
    ((outcome, words),) = proved(rules_of(STAFF), {"kind": "never", "who": "anyone", "to": "label:public"})
    assert outcome is ClauseOutcome.PROVED
    assert words == "It means no possible request: no app in the catalogue has what it names."


def test_always_is_not_satisfied_by_a_denial():
    rules = rules_of(STAFF, {"deny": "group:staff", "to": "anything", "unless": {"risk": "below 60"}})
    assert proved(
        rules,
        {"kind": "always", "who": "group:staff", "to": "app:wiki", "do": "view"},
        {"kind": "always", "who": "group:staff", "to": "app:wiki", "do": "view", "when": {"risk": "below 60"}},
        {"kind": "always", "who": "group:staff", "to": "app:wiki", "do": "view", "when": {"risk": "below 61"}},
    ) == [
        (
            ClauseOutcome.REFUTED,
            "A person in staff, with a risk that is not known, cannot view wiki: refused by `r1`.",
        ),
        (ClauseOutcome.PROVED, "No possible request contradicts it."),
        (ClauseOutcome.REFUTED, "A person in staff, with a risk of 60, cannot view wiki: refused by `r1`."),
    ]


@pytest.mark.parametrize(
    ("rules", "clause", "words"),
    [
        (
            [{**STAFF, "allow": "anyone", "when": {"mfa": {"method": "otp", "within": "12h"}}}],
            {"kind": "never", "who": "anyone", "to": "app:wiki", "unless": {"mfa": "phishing-resistant"}},
            "A person, with a one-time code from 1 minute ago, can view wiki: allowed by `r0`.",
        ),
        (
            [{**STAFF, "when": {"mfa": {"method": "otp", "within": "12h"}}}],
            {"kind": "always", "who": "group:staff", "to": "app:wiki", "do": "view", "when": {"mfa": "otp"}},
            "A person in staff, with a one-time code from 721 minutes ago, cannot view wiki: refused, no rule whose conditions are met allows it.",
        ),
        (
            [
                {
                    **STAFF,
                    "allow": ["service:backup", "person:p1"],
                    "when": {"device": {"managed": True, "os_version": "at least 14"}},
                }
            ],
            {"kind": "never", "who": "service:backup", "to": "app:wiki"},
            "The service backup, on a device that is managed and has os version 14, can view wiki: allowed by `r0`.",
        ),
        (
            [{**STAFF, "allow": "person:p1"}],
            {"kind": "never", "who": "person:p1", "to": "app:wiki"},
            "The person p1 can view wiki: allowed by `r0`.",
        ),
        (
            [{**STAFF, "to": "anything", "do": "any", "paths": "/docs/*"}],
            {"kind": "always", "who": "group:staff", "to": "app:wiki"},
            "A person in staff cannot view wiki at /: refused, no rule whose conditions are met allows it.",
        ),
        (
            [{**STAFF, "do": "any"}, {"deny": "anyone", "to": "app:wiki", "paths": "/admin/*"}],
            {"kind": "always", "who": "group:staff", "to": "app:wiki", "do": "connect"},
            "A person in staff cannot connect to wiki at /admin: refused by `r1`.",
        ),
        (
            [STAFF, {"deny": "anyone", "to": "app:wiki", "when": {"networks": "10.0.0.0/8", "countries": "DE"}}],
            {"kind": "always", "who": "group:staff", "to": "app:wiki", "do": "view"},
            "A person in staff, from an address that is not known, from a country that is not known, cannot view wiki: refused by `r1`.",
        ),
        (
            [STAFF],
            {"kind": "always", "who": "anyone", "to": "app:wiki", "do": "view"},
            "A person in none of the groups that rules name cannot view wiki: refused, no rule allows it.",
        ),
        (
            [],
            {"kind": "always", "who": "anyone", "to": "app:wiki", "do": "view"},
            "A person cannot view wiki: refused, there are no rules.",
        ),
    ],
)
def test_a_counterexample_says_what_it_depends_on(rules, clause, words):
    assert proved(rules_of(*rules), clause) == [(ClauseOutcome.REFUTED, words)]


def test_the_same_question_has_the_same_answer():
    rules = rulebook(
        rules_of(STAFF, {**STAFF, "to": "anything", "when": {"hours": "Mon-Fri 08:00-17:00 Europe/Berlin"}})
    )
    clause = clause_of({"kind": "never", "who": "group:staff", "to": "app:payroll"})
    first, *others = (prove(rules, catalogue(), [clause], seconds=60) for _ in range(3))
    assert all(other == first for other in others)


def test_too_little_time_is_no_answer(monkeypatch):
    def undecided(*_):
        raise Undecided("too long")

    monkeypatch.setattr(Solver, "is_possible", undecided)
    rules = rulebook(rules_of(STAFF))
    assert proved(rules_of(STAFF), {"kind": "never", "who": "anyone", "to": "anything"}) == [
        (ClauseOutcome.UNKNOWN, "Not decided within 60 seconds.")
    ]
    assert compare(rules, rules, catalogue(), seconds=60).outcome is ComparisonOutcome.UNKNOWN
    (finding,) = lint(rules, catalogue(), seconds_each=60)
    assert finding.oddity is Oddity.NOT_DECIDED
    with pytest.raises(Undecided):
        what_can(rules, catalogue(), Subject(service="backup"), seconds_each=60)
    with pytest.raises(Undecided):
        who_can(rules, catalogue(), ActionClass.VIEW, Target(TargetKind.ANYTHING), seconds_each=60)


@pytest.mark.parametrize("module", [clauses_module, comparison_module])
def test_what_the_engine_does_not_confirm_is_not_claimed(monkeypatch, module):
    truly = module.decided
    refusal = truly({}, *_space_and_rules(rules_of()))

    def wrongly(*arguments, **more):
        return msgspec.structs.replace(truly(*arguments, **more), decision=refusal.decision)

    monkeypatch.setattr(module, "decided", wrongly)
    if module is clauses_module:
        ((outcome, words),) = proved(rules_of(STAFF), {"kind": "never", "who": "anyone", "to": "anything"})
    else:
        result = compare(rulebook(rules_of()), rulebook(rules_of(STAFF)), catalogue(), seconds=60)
        outcome, words = result.outcome, result.words
    assert outcome == "unknown"
    assert "a mistake in Ostiary" in words


def _space_and_rules(document):
    from ostiary.policy.proof.rulebook import encode

    rules = rulebook(document)
    space, _ = encode(rules, catalogue())
    return space, rules, catalogue()


@pytest.mark.parametrize("module", ["ostiary.gateway.decider.service", "ostiary.cli.main", "ostiary.policy.engine"])
def test_nobody_loads_the_solver_without_asking_for_a_proof(module):
    code = f"import sys, {module}; sys.exit('z3' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
