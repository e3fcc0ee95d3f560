"""Runs the tests of a rules document: the policy engine itself decides, nothing is imitated. Reading tests lives in `rules`."""

from typing import Final

import msgspec

from ostiary.policy.compiled import compile_rules
from ostiary.policy.decision import Allow, Decision, Deny, ReasonCode, UnmetCondition
from ostiary.policy.engine import PolicyEngine
from ostiary.policy.identifiers import Generation, RuleName
from ostiary.policy.rules.document import Expectation, RulesDocument, TestCase
from ostiary.policy.rules.problems import did_you_mean
from ostiary.policy.rules.words import joined
from ostiary.policy.snapshot import Catalogue, Rules

_REASONS: Final = {
    ReasonCode.NO_RULES: "there are no rules",
    ReasonCode.NO_RULE_APPLIES: "no rule is about such a request",
    ReasonCode.CONDITIONS_UNMET: "a condition is not met",
    ReasonCode.DENIED_BY_RULE: "a rule denies it",
    ReasonCode.UNKNOWN_RESOURCE: "there is no such app",
}


class TestResult(msgspec.Struct, frozen=True, kw_only=True):
    """What came of one test.

    Args:
        name: the test's.
        line: where it begins in the text; 0 when there is no text.
        passed: whether the answer was the one expected.
        expected: that answer, in words.
        answered: what was answered instead or alike, in words.
        reason: why it was refused; `None` when it was allowed.
        rules: the rules that allowed or denied it.
        unmet: of a refusal, what the nearest rules still asked for, or what would lift the denying ones.
        hint: what may be wrong with the test itself; empty when nothing sensible can be said.
    """

    __test__ = False

    name: str
    line: int
    passed: bool
    expected: str
    answered: str
    reason: ReasonCode | None = None
    rules: tuple[RuleName, ...] = ()
    unmet: tuple[UnmetCondition, ...] = ()
    hint: str = ""


def run_tests(document: RulesDocument, rules: Rules, catalogue: Catalogue) -> tuple[TestResult, ...]:
    """Run every test of a document against rules, in the order of the document.

    Args:
        document: whose tests.
        rules: which rules answer, usually those of the same document.
        catalogue: the apps that exist, with their labels. A test that asks for another one fails.

    Raises:
        InvalidRules: when the rules cannot be used.
    """
    if not document.tests:
        return ()
    engine = PolicyEngine(rules, catalogue, Generation(0))
    compiled = compile_rules(rules.document, rules.cedar, rules.parsed)
    names = frozenset(compiled.by_name) | frozenset(compiled.extra.names)
    return tuple(_run(case, engine, catalogue, names) for case in document.tests)


def _run(case: TestCase, engine: PolicyEngine, catalogue: Catalogue, names: frozenset[RuleName]) -> TestResult:
    decision, app = engine.decide(case.request, case.at), case.request.resource.app
    hint = ""
    if app not in catalogue.apps:
        hint = f"there is no app `{app}` {_in_brackets(did_you_mean(app, catalogue.apps))}".strip()
    elif case.expect.rule is not None and case.expect.rule not in names:
        hint = f"there is no rule `{case.expect.rule}` {_in_brackets(did_you_mean(case.expect.rule, names))}".strip()
    return TestResult(
        name=case.name,
        line=case.line,
        passed=not hint and meets(decision, case.expect),
        expected=_expected(case.expect),
        answered=_answered(decision),
        reason=decision.reason if isinstance(decision, Deny) else None,
        rules=decision.rules,
        unmet=decision.unmet if isinstance(decision, Deny) else (),
        hint=hint,
    )


def meets(decision: Decision, expect: Expectation) -> bool:
    """Whether an answer is the one that a test expects."""
    if expect.rule is not None and expect.rule not in decision.rules:
        return False
    if isinstance(decision, Allow):
        return expect.allowed
    return not expect.allowed and expect.reason in {None, decision.reason}


def _expected(expect: Expectation) -> str:
    answer = "allowed" if expect.allowed else "refused"
    if expect.rule is not None:
        return f"{answer} by `{expect.rule}`"
    return f"{answer}, as {_REASONS[expect.reason]} (`{expect.reason}`)" if expect.reason is not None else answer


def _answered(decision: Decision) -> str:
    by = f" by {joined([f'`{name}`' for name in decision.rules])}" if decision.rules else ""
    if isinstance(decision, Allow):
        return f"allowed{by}"
    if by:
        return f"refused{by}"
    return f"refused, as {_REASONS.get(decision.reason, 'the rules could not be asked')} (`{decision.reason}`)"


def _in_brackets(text: str) -> str:
    return f"({text})" if text else ""
