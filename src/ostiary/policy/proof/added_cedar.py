"""Cedar that stands beside the document, as formulas: a documented part of the language, and never a guess at the rest.

Each expression becomes two formulas: when it is true, and when it fails. The engine refuses when any policy fails, so
a failure is part of the meaning. What is understood: `docs/explanation/proof.md`.

Source: Cedar policy language, "JSON policy format" and "Operators and functions".
"""

import ipaddress
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import msgspec
from cedarpy import policies_to_json_str

from ostiary.errors import OstiaryError
from ostiary.policy.cedar.extra import ExtraCedar
from ostiary.policy.identifiers import RuleName
from ostiary.policy.proof.encoding import Part, named_condition
from ostiary.policy.proof.formula import FALSE, TRUE, Formula, every, negation, some
from ostiary.policy.proof.questions import PathPrefix, Question, Scopes, Vocabulary
from ostiary.policy.request import ActionClass, AuthStrength
from ostiary.policy.rules.document import (
    Countries,
    DeviceFact,
    Effect,
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

Node = Any
"""Part of Cedar's JSON form."""

_FLIPPED: Final = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "==": "==", "!=": "!="}
_ORDERED: Final = ("<", "<=", ">", ">=")
_WHO: Final = {
    "Group": WhoKind.GROUP,
    "Person": WhoKind.PERSON,
    "Email": WhoKind.EMAIL,
    "Service": WhoKind.SERVICE,
}
_TARGETS: Final = {"App": TargetKind.APP, "Label": TargetKind.LABEL}
_ALWAYS_THERE: Final = ("mfa", "holds", "device")


class CannotProve(OstiaryError):
    """The rules use what proofs do not cover, so that nothing is claimed."""


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
    reader = _Reader(rules, words)
    parts: list[Part] = []
    failures: list[Formula] = []
    for policy in json.loads(policies_to_json_str(extra.text))["staticPolicies"].values():
        name, effect = RuleName(policy["annotations"]["id"]), policy["effect"]
        try:
            meaning = reader.policy(policy)
        except CannotProve as error:
            raise CannotProve(f"`{name}` in the Cedar text uses {error.message}", hint=error.hint) from None
        parts.append(Part(name, Effect.ALLOW if effect == "permit" else Effect.DENY, meaning.true))
        failures.append(meaning.fails)
    return tuple(parts), some(failures)


class _Reader:
    """Reads expressions, given the document's rules and a vocabulary."""

    def __init__(self, rules: Sequence[Rule], words: Vocabulary) -> None:
        self._rules = rules
        self._words = words
        self._operators: Mapping[str, Callable[[str, Node], _Meaning]] = {
            "Value": self._constant,
            "&&": self._and,
            "||": self._or,
            "!": self._not,
            "if-then-else": self._if,
            "has": self._has,
            ".": self._flag,
            "==": self._compare,
            "!=": self._compare,
            **dict.fromkeys(_ORDERED, self._compare),
            "in": self._in,
            "is": self._is,
            "contains": self._contains,
            "like": self._like,
            "isInRange": self._is_in_range,
        }

    def policy(self, policy: Node) -> _Meaning:
        """Return when the policy applies: its scope, then its conditions, left to right."""
        scopes = [self._scope(variable, policy[variable]) for variable in ("principal", "action", "resource")]
        meaning = _Meaning(every(scopes))
        for condition in policy["conditions"]:
            body = self._read(condition["body"])
            meaning = _both(meaning, body if condition["kind"] == "when" else _denied(body))
        return meaning

    def _scope(self, variable: str, scope: Node) -> Formula:
        match scope["op"]:
            case "All":
                return TRUE
            case "==" | "in":
                entities = scope["entities"] if "entities" in scope else [scope["entity"]]
                return some([self._belongs(variable, one, equal=scope["op"] == "==") for one in entities])
            case "is":
                kind = self._of_type(variable, scope["entity_type"])
                inside = scope.get("in")
                return every([kind, self._belongs(variable, inside["entity"])]) if inside else kind
            case other:
                raise _not_understood(f"`{other}` in its scope")

    def _read(self, node: Node) -> _Meaning:
        (operator, operands), *more = node.items()
        if more or operator not in self._operators:
            raise _not_understood(f"`{operator}`")
        return self._operators[operator](operator, operands)

    def _constant(self, _: str, value: Node) -> _Meaning:
        if not isinstance(value, bool):
            raise _not_understood("a value where a condition belongs")
        return _Meaning(TRUE if value else FALSE)

    def _and(self, _: str, operands: Node) -> _Meaning:
        return _both(self._read(operands["left"]), self._read(operands["right"]))

    def _or(self, _: str, operands: Node) -> _Meaning:
        left, right = self._read(operands["left"]), self._read(operands["right"])
        return _denied(_both(_denied(left), _denied(right)))

    def _not(self, _: str, operands: Node) -> _Meaning:
        return _denied(self._read(operands["arg"]))

    def _if(self, _: str, operands: Node) -> _Meaning:
        test, then, other = (self._read(operands[part]) for part in ("if", "then", "else"))
        chosen, not_chosen = test.true, negation(test.true)
        return _Meaning(
            some([every([chosen, then.true]), every([not_chosen, other.true])]),
            some([test.fails, every([chosen, then.fails]), every([not_chosen, other.fails])]),
        )

    def _has(self, _: str, operands: Node) -> _Meaning:
        attribute = operands["attr"]
        if _is_device(operands["left"]) and attribute in ("managed", "compliant"):
            return _Meaning(self._known(DeviceFact(attribute, True)))
        if operands["left"] != {"Var": "context"}:
            raise _not_understood("`has` on something else than the context")
        return _Meaning(TRUE if attribute in _ALWAYS_THERE else self._known(_neutral(attribute)))

    def _flag(self, _: str, operands: Node) -> _Meaning:
        return self._device(operands, wanted=True)

    def _device(self, operands: Node, *, wanted: bool) -> _Meaning:
        if not (_is_device(operands["left"]) and operands["attr"] in ("managed", "compliant")):
            raise _not_understood(f"`.{operands['attr']}` as a condition")
        fact = DeviceFact(operands["attr"], wanted)
        return _Meaning(self._words.holds(fact), self._unknown(fact))

    def _compare(self, operator: str, operands: Node) -> _Meaning:
        left, right = operands["left"], operands["right"]
        if "Value" in left and "Value" not in right:
            left, right, operator = right, left, _FLIPPED[operator]
        if operator == "!=":
            return _denied(self._compare("==", {"left": left, "right": right}))
        if operator == "==" and "Var" in left:
            return _Meaning(self._belongs(left["Var"], _entity(right), equal=True))
        if "Value" not in right:
            raise _not_understood(f"`{operator}` between two things that are not fixed")
        if operator == "==" and "." in left and isinstance(right["Value"], bool):
            return self._device(left["."], wanted=right["Value"])
        return self._attribute(_attribute(left), operator, right["Value"])

    def _attribute(self, attribute: str, operator: str, value: Node) -> _Meaning:
        match attribute:
            case "mfa" if type(value) is int:
                return _Meaning(_ordered(operator, value, self._mfa_below))
            case "risk" if type(value) is int:
                return _Meaning(_ordered(operator, value, self._risk_below), self._unknown(_neutral("risk")))
            case "country" if operator == "==" and isinstance(value, str):
                return self._asks(Countries((value,)))
            case "path" if operator == "==" and isinstance(value, str):
                return self._asks(Scopes((PathScope(value),)))
        raise _not_understood(f"`{operator}` on `context.{attribute}`")

    def _mfa_below(self, limit: int) -> Formula:
        if limit <= AuthStrength.SINGLE:
            return FALSE
        if limit > AuthStrength.PHISHING_RESISTANT:
            return TRUE
        return negation(self._words.holds(Mfa(AuthStrength(limit))))

    def _risk_below(self, limit: int) -> Formula:
        return self._words.holds(RiskBelow(limit))

    def _in(self, _: str, operands: Node) -> _Meaning:
        left, right = operands["left"], operands["right"]
        if "Var" not in left:
            raise _not_understood("`in` on something else than principal, action or resource")
        ones = right.get("Set", [right])
        return _Meaning(some([self._belongs(left["Var"], _entity(one)) for one in ones]))

    def _is(self, _: str, operands: Node) -> _Meaning:
        if "Var" not in operands["left"]:
            raise _not_understood("`is` on something else than principal or resource")
        variable, inside = operands["left"]["Var"], operands.get("in")
        kind = self._of_type(variable, operands["entity_type"])
        return _Meaning(every([kind, self._belongs(variable, _entity(inside))]) if inside else kind)

    def _contains(self, _: str, operands: Node) -> _Meaning:
        left, right = operands["left"], operands["right"]
        if "Set" in left and all(isinstance(one.get("Value"), str | int) for one in left["Set"]):
            attribute = _attribute(right)
            each = [self._attribute(attribute, "==", one["Value"]) for one in left["Set"]]
            fails = self._unknown(_neutral(attribute)) if attribute != "mfa" else FALSE
            return _Meaning(some([one.true for one in each]), fails)
        if _attribute(left) == "holds" and isinstance(right.get("Value"), str):
            return _Meaning(named_condition(right["Value"], self._rules, self._words))
        raise _not_understood("`contains` on something else than `context.holds` or a list of fixed values")

    def _like(self, _: str, operands: Node) -> _Meaning:
        if _attribute(operands["left"]) != "path":
            raise _not_understood("`like` on something else than `context.path`")
        *before, last = operands["pattern"] or [{"Literal": ""}]
        if "Wildcard" in before:
            raise _not_understood("`like` with a `*` that is not the last character")
        written = [one["Literal"] for one in (before if last == "Wildcard" else [*before, last])]
        text = "".join(written)
        return self._asks(PathPrefix(text) if last == "Wildcard" else Scopes((PathScope(text),)))

    def _is_in_range(self, _: str, operands: Node) -> _Meaning:
        left, right = operands
        if _attribute(left) != "address" or "ip" not in right or "Value" not in right["ip"][0]:
            raise _not_understood("`isInRange` on something else than `context.address` and a fixed range")
        try:
            network = ipaddress.ip_network(right["ip"][0]["Value"])
        except ValueError:
            raise _not_understood("a range whose address has bits beyond its length") from None
        return self._asks(Networks((str(network),)))

    def _belongs(self, variable: str, one: Node, *, equal: bool = False) -> Formula:
        """Return that the variable is the entity or, unless it must be equal, belongs to it."""
        kind, name = one["type"], one["id"]
        if variable == "action":
            return self._words.action(tuple(act for act in ActionClass if kind == "Action" and act.value == name))
        if variable == "principal" and kind in (("Person", "Service") if equal else _WHO):
            if kind == "Email" and name != name.lower():
                return FALSE
            return self._words.subject(Who(_WHO[kind], name))
        if variable == "resource" and kind in (("App",) if equal else _TARGETS):
            return self._words.resource(Target(_TARGETS[kind], name))
        return FALSE

    def _of_type(self, variable: str, kind: str) -> Formula:
        if variable == "principal" and kind in ("Person", "Service"):
            return self._words.is_person() if kind == "Person" else negation(self._words.is_person())
        return TRUE if (variable, kind) == ("resource", "App") else FALSE

    def _asks(self, question: Question) -> _Meaning:
        return _Meaning(self._words.holds(question), self._unknown(question))

    def _known(self, question: Question) -> Formula:
        return some([self._words.holds(question), negation(self._words.may_hold(question))])

    def _unknown(self, question: Question) -> Formula:
        return negation(self._known(question))


def _both(left: _Meaning, right: _Meaning) -> _Meaning:
    """Return `left && right`: what stands on the right is looked at only where the left is true."""
    return _Meaning(every([left.true, right.true]), some([left.fails, every([left.true, right.fails])]))


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


def _neutral(attribute: str) -> Question:
    """Return a question about an attribute whose answer is the same whenever the attribute is known."""
    neutral: dict[str, Question] = {
        "path": PathPrefix(""),
        "address": Networks(()),
        "country": Countries(()),
        "risk": RiskBelow(0),
    }
    if attribute not in neutral:
        raise _not_understood(f"`context.{attribute}`")
    return neutral[attribute]


def _attribute(node: Node) -> str:
    """Return the name of an attribute of the context."""
    inner = node.get(".")
    if not inner or inner["left"] != {"Var": "context"}:
        raise _not_understood("a comparison of something else than an attribute of the context")
    return str(inner["attr"])


def _entity(node: Node) -> Node:
    entity = node.get("Value")
    if not (isinstance(entity, dict) and "__entity" in entity):
        raise _not_understood("`==` or `in` with something else than a fixed entity")
    return entity["__entity"]


def _is_device(node: Node) -> bool:
    return bool(node == {".": {"left": {"Var": "context"}, "attr": "device"}})


def _not_understood(what: str) -> CannotProve:
    return CannotProve(what, hint="Write it in the document, or in the part of Cedar that proofs cover.")
