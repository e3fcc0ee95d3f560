"""Reads Cedar's JSON policy form into expressions: a documented part of the language, and never a guess at the rest.

What is understood: `docs/explanation/proof.md`.

Source: Cedar policy language, "JSON policy format" and "Operators and functions".
"""

import ipaddress
import json
from collections.abc import Callable, Mapping
from typing import Any, Final

from cedarpy import policies_to_json_str

from ostiary.policy.identifiers import RuleName
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
from ostiary.policy.rules.document import Effect

Node = Any
"""Part of Cedar's JSON form."""

_FLIPPED: Final = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "==": "==", "!=": "!="}
_OWN_FACTS: Final = ("managed", "compliant")


def read_policies(text: str) -> list[Policy]:
    """Return valid Cedar text as expressions.

    Raises:
        CannotProve: with the first thing that is not understood.
    """
    return [_policy(policy) for policy in json.loads(policies_to_json_str(text))["staticPolicies"].values()]


def _policy(policy: Node) -> Policy:
    name, effect = RuleName(policy["annotations"]["id"]), policy["effect"]
    try:
        scope = [_scope(variable, policy[variable]) for variable in ("principal", "action", "resource")]
        conditions = [_condition(condition) for condition in policy["conditions"]]
    except CannotProve as error:
        raise in_policy(name, error) from None
    return Policy(name, Effect.ALLOW if effect == "permit" else Effect.DENY, (*scope, *conditions))


def _scope(variable: str, scope: Node) -> Expression:
    match scope["op"]:
        case "All":
            return Constant(True)
        case "==" | "in":
            entities = scope["entities"] if "entities" in scope else [scope["entity"]]
            return AnyOf(tuple(_belongs(variable, one, equal=scope["op"] == "==") for one in entities))
        case "is":
            kind, inside = OfType(variable, scope["entity_type"]), scope.get("in")
            return And(kind, _belongs(variable, inside["entity"])) if inside else kind
        case other:
            raise not_understood(f"`{other}` in its scope")


def _condition(condition: Node) -> Expression:
    body = _read(condition["body"])
    return body if condition["kind"] == "when" else Not(body)


def _read(node: Node) -> Expression:
    (operator, operands), *more = node.items()
    if more or operator not in OPERATORS:
        raise not_understood(f"`{operator}`")
    return OPERATORS[operator](operator, operands)


def _constant(_: str, value: Node) -> Expression:
    if not isinstance(value, bool):
        raise not_understood("a value where a condition belongs")
    return Constant(value)


def _and(_: str, operands: Node) -> Expression:
    return And(_read(operands["left"]), _read(operands["right"]))


def _or(_: str, operands: Node) -> Expression:
    return Or(_read(operands["left"]), _read(operands["right"]))


def _not(_: str, operands: Node) -> Expression:
    return Not(_read(operands["arg"]))


def _if(_: str, operands: Node) -> Expression:
    return Choice(_read(operands["if"]), _read(operands["then"]), _read(operands["else"]))


def _has(_: str, operands: Node) -> Expression:
    attribute = operands["attr"]
    if _is_device(operands["left"]) and attribute in _OWN_FACTS:
        return FactKnown(attribute)
    if operands["left"] != {"Var": "context"}:
        raise not_understood("`has` on something else than the context")
    return AttributeKnown(attribute)


def _flag(_: str, operands: Node) -> Expression:
    return _fact(operands, value=True)


def _fact(operands: Node, *, value: bool) -> Expression:
    if not (_is_device(operands["left"]) and operands["attr"] in _OWN_FACTS):
        raise not_understood(f"`.{operands['attr']}` as a condition")
    return FactIs(operands["attr"], value)


def _compare(operator: str, operands: Node) -> Expression:
    left, right = operands["left"], operands["right"]
    if "Value" in left and "Value" not in right:
        left, right, operator = right, left, _FLIPPED[operator]
    if operator == "!=":
        return Not(_compare("==", {"left": left, "right": right}))
    if operator == "==" and "Var" in left:
        return _belongs(left["Var"], _entity(right), equal=True)
    if "Value" not in right:
        raise not_understood(f"`{operator}` between two things that are not fixed")
    if operator == "==" and "." in left and isinstance(right["Value"], bool):
        return _fact(left["."], value=right["Value"])
    return Compared(_attribute(left), operator, right["Value"])


def _in(_: str, operands: Node) -> Expression:
    left, right = operands["left"], operands["right"]
    if "Var" not in left:
        raise not_understood("`in` on something else than principal, action or resource")
    return AnyOf(tuple(_belongs(left["Var"], _entity(one)) for one in right.get("Set", [right])))


def _is(_: str, operands: Node) -> Expression:
    if "Var" not in operands["left"]:
        raise not_understood("`is` on something else than principal or resource")
    variable, inside = operands["left"]["Var"], operands.get("in")
    kind = OfType(variable, operands["entity_type"])
    return And(kind, _belongs(variable, _entity(inside))) if inside else kind


def _contains(_: str, operands: Node) -> Expression:
    left, right = operands["left"], operands["right"]
    if "Set" in left and all(isinstance(one.get("Value"), str | int) for one in left["Set"]):
        return OneOf(_attribute(right), tuple(one["Value"] for one in left["Set"]))
    if _attribute(left) == "holds" and isinstance(right.get("Value"), str):
        return Holds(right["Value"])
    raise not_understood("`contains` on something else than `context.holds` or a list of fixed values")


def _like(_: str, operands: Node) -> Expression:
    if _attribute(operands["left"]) != "path":
        raise not_understood("`like` on something else than `context.path`")
    *before, last = operands["pattern"] or [{"Literal": ""}]
    if "Wildcard" in before:
        raise not_understood("`like` with a `*` that is not the last character")
    written = before if last == "Wildcard" else [*before, last]
    return PathIs("".join(one["Literal"] for one in written), last == "Wildcard")


def _is_in_range(_: str, operands: Node) -> Expression:
    left, right = operands
    if _attribute(left) != "address" or "ip" not in right or "Value" not in right["ip"][0]:
        raise not_understood("`isInRange` on something else than `context.address` and a fixed range")
    try:
        return InRange(str(ipaddress.ip_network(right["ip"][0]["Value"])))
    except ValueError:
        raise not_understood("a range whose address has bits beyond its length") from None


OPERATORS: Final[Mapping[str, Callable[[str, Node], Expression]]] = {
    "Value": _constant,
    "&&": _and,
    "||": _or,
    "!": _not,
    "if-then-else": _if,
    "has": _has,
    ".": _flag,
    **dict.fromkeys(_FLIPPED, _compare),
    "in": _in,
    "is": _is,
    "contains": _contains,
    "like": _like,
    "isInRange": _is_in_range,
}
"""How each operator that is understood is read."""


def _belongs(variable: str, entity: Node, *, equal: bool = False) -> Belongs:
    return Belongs(variable, entity["type"], entity["id"], equal)


def _attribute(node: Node) -> str:
    """Return the name of an attribute of the context."""
    inner = node.get(".")
    if not inner or inner["left"] != {"Var": "context"}:
        raise not_understood("a comparison of something else than an attribute of the context")
    return str(inner["attr"])


def _entity(node: Node) -> Node:
    entity = node.get("Value")
    if not (isinstance(entity, dict) and "__entity" in entity):
        raise not_understood("`==` or `in` with something else than a fixed entity")
    return entity["__entity"]


def _is_device(node: Node) -> bool:
    return bool(node == {".": {"left": {"Var": "context"}, "attr": "device"}})
