"""Cedar that stands beside the document, as formulas.

Each expression becomes two formulas: when it is true, and when it fails. The engine refuses when any policy fails, so
a failure is part of the meaning. How the text is read lives in `cedar_reader`.
"""

from collections.abc import Callable, Sequence
from typing import Final

import msgspec

from ostiary.policy.cedar.extra import ExtraCedar
from ostiary.policy.proof.cedar_expressions import (
    And,
    AnyOf,
    AttributeKnown,
    Belongs,
    CannotProve,
    Choice,
    Compared,
    Constant,
    Expression,
    FactIs,
    FactKnown,
    Holds,
    InRange,
    Not,
    OfType,
    OneOf,
    Or,
    PathIs,
    Policy,
    in_policy,
    not_understood,
)
from ostiary.policy.proof.cedar_reader import read_policies
from ostiary.policy.proof.encoding import Part, named_condition
from ostiary.policy.proof.formula import FALSE, TRUE, Formula, every, negation, some
from ostiary.policy.proof.questions import PathPrefix, Question, Scopes, Vocabulary
from ostiary.policy.request import ActionClass, AuthStrength
from ostiary.policy.rules.document import (
    Countries,
    DeviceFact,
    Mfa,
    Networks,
    PathScope,
    RiskBelow,
    Rule,
    Target,
    TargetKind,
    Who,
    WhoKind,
)

_WHO: Final = {
    "Group": WhoKind.GROUP,
    "Person": WhoKind.PERSON,
    "Email": WhoKind.EMAIL,
    "Service": WhoKind.SERVICE,
}
_TARGETS: Final = {"App": TargetKind.APP, "Label": TargetKind.LABEL}
_ALWAYS_THERE: Final = ("mfa", "holds", "device")
_NEUTRAL: Final[dict[str, Question]] = {
    "path": PathPrefix(""),
    "address": Networks(()),
    "country": Countries(()),
    "risk": RiskBelow(0),
}
"""A question about each attribute that may be missing, whose answer is the same whenever the attribute is known."""


class _Meaning(msgspec.Struct, frozen=True):
    """When an expression is true, and when it fails instead of having a value."""

    true: Formula
    fails: Formula = FALSE


def added_parts(extra: ExtraCedar, rules: Sequence[Rule], words: Vocabulary) -> tuple[tuple[Part, ...], Formula]:
    """Return the policies beside a document, and when any of them fails.

    Args:
        extra: what stands beside it, validated.
        rules: of the document; conditions are known to Cedar by name through them.
        words: makes formulas.

    Raises:
        CannotProve: with the first thing that is not understood.
    """
    if not extra.text:
        return (), FALSE
    encoder = _Encoder(rules, words)
    policies = read_policies(extra.text)
    meanings = [encoder.policy(policy) for policy in policies]
    parts = tuple(Part(one.name, one.effect, meaning.true) for one, meaning in zip(policies, meanings, strict=True))
    return parts, some(meaning.fails for meaning in meanings)


class _Encoder:
    """Says what expressions mean, given the document's rules and a vocabulary."""

    def __init__(self, rules: Sequence[Rule], words: Vocabulary) -> None:
        self._rules = rules
        self._words = words

    def policy(self, policy: Policy) -> _Meaning:
        """Return when the policy applies: its scope, then its conditions, left to right."""
        meaning = _Meaning(TRUE)
        try:
            for part in policy.parts:
                meaning = _both(meaning, self._meaning(part))
        except CannotProve as error:
            raise in_policy(policy.name, error) from None
        return meaning

    def _meaning(self, expression: Expression) -> _Meaning:
        match expression:
            case Constant() | And() | Or() | Not() | Choice():
                return self._composed(expression)
            case AttributeKnown(attribute):
                return _Meaning(self._has(attribute))
            case FactKnown(name):
                return _Meaning(self._known(DeviceFact(name, True)))
            case FactIs() | PathIs() | InRange():
                return self._asks(_question(expression))
            case Compared(attribute, operator, value):
                return self._compared(attribute, operator, value)
            case OneOf(attribute, values):
                each = [self._compared(attribute, "==", value).true for value in values]
                return _Meaning(some(each), negation(self._has(attribute)))
            case Holds(name):
                return _Meaning(named_condition(name, self._rules, self._words))
            case Belongs() | AnyOf() | OfType():
                return _Meaning(self._named(expression))

    def _named(self, expression: Belongs | AnyOf | OfType) -> Formula:
        match expression:
            case Belongs():
                return self._belongs(expression)
            case AnyOf(parts):
                return some([self._belongs(part) for part in parts])
            case OfType(variable, kind):
                return self._of_type(variable, kind)

    def _composed(self, expression: Constant | And | Or | Not | Choice) -> _Meaning:
        match expression:
            case Constant(value):
                return _Meaning(TRUE if value else FALSE)
            case And(left, right):
                return _both(self._meaning(left), self._meaning(right))
            case Or(left, right):
                return _denied(_both(_denied(self._meaning(left)), _denied(self._meaning(right))))
            case Not(part):
                return _denied(self._meaning(part))
            case Choice(test, then, other):
                return _chosen(self._meaning(test), self._meaning(then), self._meaning(other))

    def _compared(self, attribute: str, operator: str, value: object) -> _Meaning:
        match attribute:
            case "mfa" if type(value) is int:
                return _Meaning(_ordered(operator, value, self._mfa_below))
            case "risk" if type(value) is int:
                return _Meaning(_ordered(operator, value, self._risk_below), negation(self._has("risk")))
            case "country" if operator == "==" and isinstance(value, str):
                return self._asks(Countries((value,)))
            case "path" if operator == "==" and isinstance(value, str):
                return self._asks(Scopes((PathScope(value),)))
        raise not_understood(f"`{operator}` on `context.{attribute}`")

    def _mfa_below(self, limit: int) -> Formula:
        if limit <= AuthStrength.SINGLE:
            return FALSE
        if limit > AuthStrength.PHISHING_RESISTANT:
            return TRUE
        return negation(self._words.holds(Mfa(AuthStrength(limit))))

    def _risk_below(self, limit: int) -> Formula:
        return self._words.holds(RiskBelow(limit))

    def _belongs(self, one: Belongs) -> Formula:
        variable, kind, name = one.variable, one.kind, one.name
        if variable == "action":
            return self._words.action(tuple(act for act in ActionClass if kind == "Action" and act.value == name))
        if variable == "principal" and kind in (("Person", "Service") if one.equal else _WHO):
            if kind == "Email" and name != name.lower():
                return FALSE
            return self._words.subject(Who(_WHO[kind], name))
        if variable == "resource" and kind in (("App",) if one.equal else _TARGETS):
            return self._words.resource(Target(_TARGETS[kind], name))
        return FALSE

    def _of_type(self, variable: str, kind: str) -> Formula:
        if variable == "principal" and kind in ("Person", "Service"):
            return self._words.is_person() if kind == "Person" else negation(self._words.is_person())
        return TRUE if (variable, kind) == ("resource", "App") else FALSE

    def _asks(self, question: Question) -> _Meaning:
        return _Meaning(self._words.holds(question), negation(self._known(question)))

    def _has(self, attribute: str) -> Formula:
        """Return that the context has an attribute."""
        if attribute in _ALWAYS_THERE:
            return TRUE
        if attribute not in _NEUTRAL:
            raise not_understood(f"`context.{attribute}`")
        return self._known(_NEUTRAL[attribute])

    def _known(self, question: Question) -> Formula:
        return some([self._words.holds(question), negation(self._words.may_hold(question))])


def _both(left: _Meaning, right: _Meaning) -> _Meaning:
    """Return `left && right`: what stands on the right is looked at only where the left is true."""
    return _Meaning(every([left.true, right.true]), some([left.fails, every([left.true, right.fails])]))


def _chosen(test: _Meaning, then: _Meaning, other: _Meaning) -> _Meaning:
    yes, no = test.true, negation(test.true)
    return _Meaning(
        some([every([yes, then.true]), every([no, other.true])]),
        some([test.fails, every([yes, then.fails]), every([no, other.fails])]),
    )


def _denied(meaning: _Meaning) -> _Meaning:
    return _Meaning(negation(meaning.true), meaning.fails)


def _ordered(operator: str, value: int, below: Callable[[int], Formula]) -> Formula:
    match operator:
        case "<":
            return below(value)
        case "<=":
            return below(value + 1)
        case ">":
            return negation(below(value + 1))
        case ">=":
            return negation(below(value))
        case _:
            return every([below(value + 1), negation(below(value))])


def _question(expression: FactIs | PathIs | InRange) -> Question:
    match expression:
        case FactIs(name, value):
            return DeviceFact(name, value)
        case PathIs(text, goes_on):
            return PathPrefix(text) if goes_on else Scopes((PathScope(text),))
        case InRange(network):
            return Networks((network,))
