"""Several operations in one request: what they are, in which order they can be done, and what `bulkId` stands for. Nothing is done here.

Source: RFC 7644, section 3.7.
"""

from collections.abc import Mapping, Sequence
from heapq import heappop, heappush
from typing import Any, Final

import msgspec
from scim2_models import InvalidSyntaxException, InvalidValueException, PayloadTooLargeException

from ostiary.scim.domain.habits import MAX_DEPTH

BULK_SCHEMA: Final = "urn:ietf:params:scim:api:messages:2.0:BulkRequest"
MAX_BULK_OPERATIONS: Final = 1000
MAX_BULK_ID_CHARACTERS: Final = 255
_MARK: Final = "bulkid:"
_METHODS: Final = frozenset({"POST", "PUT", "PATCH", "DELETE"})
_KINDS: Final = frozenset({"Users", "Groups"})
_REFERENCES: Final = frozenset({"value", "manager"})


class Operation(msgspec.Struct, frozen=True, kw_only=True):
    """One operation.

    Args:
        method: upper case.
        kind: `Users` or `Groups`.
        resource: the identifier, or `bulkId:…`; empty where a resource is created.
        bulk_id: what the client calls what is created; empty for none.
        version: the version that the resource must have; empty for any.
        data: the body, with its references as they were sent.
        fault: why it cannot be done, whatever the others do; empty when it can be tried.
    """

    method: str = ""
    kind: str = ""
    resource: str = ""
    bulk_id: str = ""
    version: str = ""
    data: Any = None
    fault: str = ""

    def needs(self) -> frozenset[str]:
        """Return the `bulkId`s that it refers to."""
        found = {_referred(self.resource)} if _referred(self.resource) else set()
        if not self.fault:
            found |= set(_references(self.data))
        return frozenset(found)


class Job(msgspec.Struct, frozen=True):
    """What one request asks for.

    Args:
        operations: as they were sent.
        errors: after how many errors nothing more is tried; `None` for never.
    """

    operations: tuple[Operation, ...]
    errors: int | None = None


def read_job(body: Any) -> Job:
    """Return what a body asks for. An operation that cannot be right is kept, with its fault, and fails alone.

    Raises:
        InvalidSyntaxException: when it is no bulk request.
        InvalidValueException: when `failOnErrors` is no number from 1, or two operations create under one `bulkId`.
        PayloadTooLargeException: when there are too many operations.
    """
    if not isinstance(body, dict):
        raise InvalidSyntaxException(detail="The body is a JSON object.")
    given = {name.lower(): value for name, value in body.items()}
    schemas = given.get("schemas")
    if schemas and schemas != [BULK_SCHEMA]:
        raise InvalidSyntaxException(detail=f"The body's schemas are [{BULK_SCHEMA!r}].")
    listed = given.get("operations")
    if not isinstance(listed, list) or not listed:
        raise InvalidSyntaxException(detail="A bulk request holds a list of Operations.")
    if len(listed) > MAX_BULK_OPERATIONS:
        raise PayloadTooLargeException(detail=f"A bulk request has at most {MAX_BULK_OPERATIONS} operations.")
    errors = given.get("failonerrors")
    if errors is not None and (not isinstance(errors, int) or isinstance(errors, bool) or errors < 1):
        raise InvalidValueException(detail="failOnErrors is a number from 1, or is left out.")
    operations = tuple(map(_operation, listed))
    named = [one.bulk_id for one in operations if one.method == "POST" and one.bulk_id]
    if len(set(named)) < len(named):
        raise InvalidValueException(detail="Two operations create under the same bulkId.")
    return Job(operations, errors)


def order_of(operations: Sequence[Operation]) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Return in which order operations are done, and which wait for each other in a circle, or for one that does.

    They are done as they were sent, but one that refers to what is created later waits for it.

    Args:
        operations: as they were sent.
    """
    creates = {one.bulk_id: number for number, one in enumerate(operations) if one.method == "POST" and one.bulk_id}
    waits = [{creates[name] for name in one.needs() if name in creates} for one in operations]
    left = list(map(len, waits))
    waiting: dict[int, list[int]] = {}
    for number, others in enumerate(waits):
        for other in others:
            waiting.setdefault(other, []).append(number)
    ready = [number for number, count in enumerate(left) if not count]
    done: list[int] = []
    while ready:
        number = heappop(ready)
        done.append(number)
        for other in waiting.get(number, ()):
            left[other] -= 1
            if not left[other]:
                heappush(ready, other)
    return tuple(done), tuple(number for number, count in enumerate(left) if count)


def resolved(value: Any, created: Mapping[str, str], name: str = "") -> Any:
    """Return a value with identifiers in the place of references.

    Args:
        value: parsed JSON, as deep as `read_job` lets through.
        created: what each `bulkId` became.
        name: the attribute that it is the value of.
    """
    if isinstance(value, dict):
        return {key: resolved(one, created, key.lower()) for key, one in value.items()}
    if isinstance(value, list):
        return [resolved(one, created, name) for one in value]
    if isinstance(value, str) and _refers(name) and _referred(value):
        return created[_referred(value)]
    return value


def resolved_resource(resource: str, created: Mapping[str, str]) -> str:
    """Return the identifier of the resource that a path names."""
    name = _referred(resource)
    return created[name] if name else resource


def _operation(given: Any) -> Operation:
    if not isinstance(given, dict):
        return Operation(fault="An operation is a JSON object.")
    said = {name.lower(): value for name, value in given.items()}
    texts = {name: said.get(name) or "" for name in ("method", "path", "bulkid", "version")}
    if any(not isinstance(one, str) for one in texts.values()):
        return Operation(fault="method, path, bulkId and version are texts.")
    method, bulk_id = texts["method"].upper(), texts["bulkid"]
    kind, _, resource = texts["path"].removeprefix("/").partition("/")
    fault = _fault(method, kind, resource, bulk_id, said.get("data"))
    return Operation(
        method=method if method in _METHODS else "",
        kind=kind,
        resource=resource,
        bulk_id=bulk_id if len(bulk_id) <= MAX_BULK_ID_CHARACTERS else "",
        version=texts["version"],
        data=said.get("data"),
        fault=fault,
    )


def _fault(method: str, kind: str, resource: str, bulk_id: str, data: Any) -> str:
    if method not in _METHODS:
        return "The method of an operation is POST, PUT, PATCH or DELETE."
    if kind not in _KINDS or any(mark in resource for mark in "/?#"):
        return "The path of an operation is /Users or /Groups, and the identifier of what is there."
    if method == "POST" and (resource or not bulk_id):
        return "A POST creates at /Users or /Groups, and needs a bulkId."
    if method != "POST" and not resource:
        return "The path needs the identifier of what is changed."
    if len(bulk_id) > MAX_BULK_ID_CHARACTERS:
        return f"A bulkId has at most {MAX_BULK_ID_CHARACTERS} characters."
    if method != "DELETE" and not isinstance(data, dict):
        return "The operation needs its data, a JSON object."
    return "The data is nested too deeply." if _is_deeper(data, MAX_DEPTH) else ""


def _references(value: Any, name: str = "") -> list[str]:
    if isinstance(value, dict):
        return [found for key, one in value.items() for found in _references(one, key.lower())]
    if isinstance(value, list):
        return [found for one in value for found in _references(one, name)]
    return [_referred(value)] if isinstance(value, str) and _refers(name) and _referred(value) else []


def _refers(name: str) -> bool:
    """Say whether the value of an attribute may stand for a resource: a member, a manager."""
    return name.rpartition(":")[2].rpartition(".")[2] in _REFERENCES


def _referred(text: str) -> str:
    """Return the `bulkId` that a text stands for; empty for none."""
    return text[len(_MARK) :] if text[: len(_MARK)].lower() == _MARK else ""


def _is_deeper(value: Any, levels: int) -> bool:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return levels < 0 or any(_is_deeper(one, levels - 1) for one in inner)
