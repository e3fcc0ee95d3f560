"""Rules whose own tests fail are put in force only when somebody says that they are meant anyway; the history tells it."""

import pytest
from tests.policy_material import catalogue

from ostiary.rulebook.facade import (
    CheckReport,
    Plan,
    Surroundings,
    TestResult,
    TestsFail,
    apply_plan,
    apply_rules,
    approve_proposal,
    get_applied,
    get_current,
    note_failing,
    plan_change,
    propose_plan,
)
from ostiary.visibility.facade import Actor

pytestmark = pytest.mark.django_db

SAM = Actor(kind="person", id="p1", label="sam@example.com")
ROBIN = Actor(kind="person", id="p2", label="robin@example.com")
RULES = "version: 1\nrules: [{name: staff-in, allow: group:staff, to: app:wiki, do: any}]\n"
PASSING = RULES + "tests: [{name: staff-in, as: group:staff, to: app:wiki, expect: allow}]\n"
FAILING = PASSING.replace("expect: allow", "expect: deny")


def plan(document: str, actor: Actor = SAM) -> Plan:
    return plan_change(document, actor=actor, actor_request=None, surroundings=Surroundings(catalogue=catalogue()))


def test_a_plan_says_what_came_of_the_tests():
    (passed,), (failed,) = plan(PASSING).report.tests, plan(FAILING).report.tests
    assert (passed.passed, failed.passed) == (True, False)
    assert plan(FAILING).is_valid
    assert failed.answered == "allowed by `staff-in`"


def test_rules_whose_tests_pass_are_applied():
    assert apply_plan(plan(PASSING), comment="Go", despite_failing_tests=True).comment == "Go"


def test_rules_whose_tests_fail_are_refused():
    with pytest.raises(TestsFail, match=r"^1 of the 1 tests in the document fails: staff-in\."):
        apply_plan(plan(FAILING))
    assert get_current().number == 0


def test_they_can_be_meant_anyway_and_the_history_says_so():
    applied = apply_plan(plan(FAILING), comment="Go", despite_failing_tests=True)
    assert get_applied(applied.number).comment == "Despite failing tests (staff-in). Go"


def test_rules_that_were_in_force_come_back_whatever_became_of_their_tests():
    first = apply_rules(FAILING, actor=SAM)
    apply_rules(RULES, actor=SAM)
    back = apply_plan(plan(FAILING), restores=first.number)
    assert (back.document, back.comment) == (FAILING, "Despite failing tests (staff-in).")


def test_whoever_approves_says_it_too():
    proposal = propose_plan(plan(FAILING))
    with pytest.raises(TestsFail):
        approve_proposal(proposal.id, plan(FAILING, ROBIN))
    applied = approve_proposal(proposal.id, plan(FAILING, ROBIN), despite_failing_tests=True)
    assert (applied.approved_by, applied.comment) == (ROBIN.label, "Despite failing tests (staff-in).")


def test_the_history_names_the_first_few():
    results = [TestResult(name=f"t{n}", line=n, passed=n == 0, expected="", answered="") for n in range(9)]
    assert note_failing(CheckReport(tests=tuple(results)), "") == (
        "Despite failing tests (t1, t2, t3, t4, t5 and 3 more)."
    )
    assert note_failing(CheckReport(tests=tuple(results[:1])), "Go") == "Go"
