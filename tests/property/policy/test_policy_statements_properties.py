"""Tests and clauses: whatever can be said is read back the same, and what a test says is what the engine is asked."""

from hypothesis import given
from hypothesis import strategies as st
from tests.policy_cases import any_case, statements
from tests.policy_material import catalogue, documents, text_of

from ostiary.policy.decision import Allow
from ostiary.policy.engine import PolicyEngine
from ostiary.policy.identifiers import Generation
from ostiary.policy.rules.document import RulesDocument
from ostiary.policy.rules.parsed import read_parsed, write_parsed
from ostiary.policy.rules.reader import read_rules
from ostiary.policy.rules.writer import write_test
from ostiary.policy.snapshot import Rules
from ostiary.policy.testing import run_tests

HEAD = "version: 1\ntests:\n"


@given(any_case())
def test_a_test_is_written_so_that_it_reads_back_the_same(case):
    written = write_test(case)
    assert written.replace("\n", "").isprintable()
    (read,) = read_rules(HEAD + written).tests
    assert read.line == 3
    assert (read.name, read.request, read.at, read.expect) == (case.name, case.request, case.at, case.expect)


@given(st.lists(any_case(), max_size=4, unique_by=lambda case: case.name))
def test_tests_stand_below_each_other(cases):
    read = read_rules(HEAD + "".join(map(write_test, cases))).tests
    assert [one.name for one in read] == [one.name for one in cases]


@given(documents, statements())
def test_what_is_said_of_rules_changes_none_of_them(document, said):
    text = text_of(document | said)
    read = read_rules(text)
    assert read.rules == read_rules(text_of(document)).rules
    assert len(read.tests) == len(said["tests"])
    assert len(read.clauses) == len(said["never"] + said["always"])
    assert read_parsed(text, write_parsed(text, read)) == read


@given(documents, any_case())
def test_a_test_passes_exactly_when_the_engine_answers_as_expected(document, case):
    rules = Rules(document=text_of(document))
    (result,) = run_tests(RulesDocument(tests=(case,)), rules, catalogue())
    answer = PolicyEngine(rules, catalogue(), Generation(0)).decide(case.request, case.at)
    same = isinstance(answer, Allow) == case.expect.allowed
    named = case.expect.rule is None or case.expect.rule in answer.rules
    reasoned = case.expect.reason is None or (not isinstance(answer, Allow) and answer.reason is case.expect.reason)
    assert result.passed == (same and named and reasoned)
    assert result.rules == answer.rules
