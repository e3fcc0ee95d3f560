"""Runs the tests of a rules document: the policy engine itself decides, nothing is imitated. Reading tests lives in `rules`."""

from collections.abc import Iterable
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

MAX_GUESSES: Final = 20
"""For so many names that do not exist it is guessed which one was meant; each guess looks at all that do exist."""

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
    apps = _Names("app", catalogue.apps)
    names = _Names("rule", [*compiled.by_name, *compiled.extra.names])
    return tuple(_run(case, engine, apps, names) for case in document.tests)


class _Names:
    """The names that exist of one kind of thing."""

    def __init__(self, what: str, known: Iterable[str]) -> None:
        self._what = what
        self._known = frozenset(known)
        self._missing: dict[str, str] = {}

    def missing(self, name: str | None) -> str:
        """Return that nothing is named so, and what may be meant; nothing when something is, or nothing is asked for."""
        if name is None or name in self._known:
            return ""
        if name not in self._missing:
            guess = did_you_mean(name, self._known) if len(self._missing) < MAX_GUESSES else ""
            self._missing[name] = f"there is no {self._what} `{name}`" + (f" ({guess})" if guess else "")
        return self._missing[name]


def _run(case: TestCase, engine: PolicyEngine, apps: _Names, names: _Names) -> TestResult:
    decision = engine.decide(case.request, case.at)
    hint = apps.missing(case.request.resource.app) or names.missing(case.expect.rule)
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
