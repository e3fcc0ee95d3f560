"""Brings what real clients send into the form the standard describes, before it is read. Nothing is decided here.

Microsoft Entra ID writes booleans as text, a manager as a bare identifier, and paths with filters as names of members; Okta leaves
out what it takes for granted. Source: the provisioning guides of both, and RFC 7644, section 3.5.2.
"""

import re
from typing import Any, Final

from scim2_models import InvalidSyntaxException, InvalidValueException

MAX_OPERATIONS: Final = 1000
MAX_DEPTH: Final = 20
_BOOLEANS: Final = {"true": True, "false": False}
_LAST: Final = re.compile(r"([A-Za-z$][\w$-]*)\s*$", re.ASCII)
_SWITCHES: Final = frozenset({"active", "primary"})

Json = dict[str, Any]


def resource_body(body: Any, schema: str) -> Json:
    """Return the body of a POST or PUT as it was meant.

    Args:
        body: parsed JSON.
        schema: what the resource is where it does not say so itself.

    Raises:
        InvalidSyntaxException: when it is no object, or is nested without end.
    """
    found = _members(body)
    if not any(name.lower() == "schemas" and value for name, value in found.items()):
        found["schemas"] = [schema]
    cleaned = _cleaned(found, 0)
    return cleaned if isinstance(cleaned, dict) else {}


def patch_operations(body: Any) -> list[Json]:
    """Return the operations of a PATCH as they were meant, each an object with `op` and maybe `path` and `value`.

    Raises:
        InvalidSyntaxException: when there is no list of operations.
        InvalidValueException: when there are none, or too many.
    """
    given = next((value for name, value in _members(body).items() if name.lower() == "operations"), None)
    if not isinstance(given, list):
        raise InvalidSyntaxException(detail="A PATCH holds a list of Operations.")
    if not 0 < len(given) <= MAX_OPERATIONS:
        raise InvalidValueException(detail=f"A PATCH holds 1 to {MAX_OPERATIONS} operations.")
    return [meant for one in given for meant in _operations(_members(one))]


def _operations(given: Json) -> list[Json]:
    operation = {name.lower(): value for name, value in given.items() if name.lower() in {"op", "path", "value"}}
    if isinstance(operation.get("op"), str):
        operation["op"] = operation["op"].strip().lower()
    path, value = operation.get("path"), operation.get("value")
    if not path:
        operation.pop("path", None)
        return _without_path(operation, value)
    if not isinstance(path, str):
        raise InvalidSyntaxException(detail="A path is text.")
    if "value" in operation:
        last = _LAST.search(path)
        operation["value"] = _meant(last[1] if last else "", _cleaned(value, 0))
    return [operation]


def _without_path(operation: Json, value: Any) -> list[Json]:
    """Return an operation on the whole resource, and one for each member whose name is a path with a filter."""
    if not isinstance(value, dict):
        return [operation]
    plain = {name: one for name, one in value.items() if "[" not in name}
    paths = [
        _operations({"op": operation.get("op"), "path": name, "value": value[name]}) for name in value.keys() - plain
    ]
    rest = [{**operation, "value": _cleaned(plain, 0)}] if plain or not paths else []
    return [*rest, *(one for each in paths for one in each)]


def _cleaned(value: Any, depth: int) -> Any:
    if depth > MAX_DEPTH:
        raise InvalidSyntaxException(detail="The body is nested too deeply.")
    if isinstance(value, dict):
        return {name: _meant(re.split(r"[.:]", name)[-1], _cleaned(one, depth + 1)) for name, one in value.items()}
    if isinstance(value, list):
        return [_cleaned(one, depth + 1) for one in value]
    return value


def _meant(name: str, value: Any) -> Any:
    """Return the value of an attribute that may be written another way than the standard has it."""
    name = name.lower()
    if name in _SWITCHES:
        if isinstance(value, list) and len(value) == 1 and isinstance(value[0], dict):
            value = value[0].get("value")
        return _BOOLEANS.get(value.strip().lower(), value) if isinstance(value, str) else value
    if name == "manager" and isinstance(value, str):
        return {"value": value} if value else None
    return value


def _members(body: Any) -> Json:
    if not isinstance(body, dict):
        raise InvalidSyntaxException(detail="The body is a JSON object.")
    return dict(body)
