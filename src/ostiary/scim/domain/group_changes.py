"""What a PATCH of a group means, without reading who is in it: a group may hold ten thousand, and one is added.

Source: RFC 7644, section 3.5.2, and what Microsoft Entra ID and Okta send.
"""

from collections.abc import Callable, Iterable
from typing import Any, Final

import msgspec
from scim2_models import (
    InvalidPathException,
    InvalidSyntaxException,
    InvalidValueException,
    MutabilityException,
    NoTargetException,
    Path,
)
from scim2_models.path import (
    AttrPath,
    CompareOperator,
    Comparison,
    FilterNode,
    LogicalExpr,
    LogicalOperator,
    ValuePath,
)

from ostiary.scim.domain.habits import Json
from ostiary.scim.domain.resources import Group

MAX_ID_CHARACTERS: Final = 100
_OPS: Final = frozenset({"add", "replace", "remove"})


class MemberStep(msgspec.Struct, frozen=True):
    """One change of who is in a group.

    Args:
        op: `add` and `remove` name people; `set` leaves only them; `match` removes those whom a filter fits.
        people: their identifiers.
        fits: the filter of `match`.
    """

    op: str
    people: tuple[str, ...] = ()
    fits: FilterNode | None = None


class GroupChange(msgspec.Struct, frozen=True, kw_only=True):
    """What is to change. What is `None` stays as it is.

    Args:
        display_name: the new name.
        external_id: what the client calls it; empty for nothing any more.
        steps: changes of who is in it, one after the other.
    """

    display_name: str | None = None
    external_id: str | None = None
    steps: tuple[MemberStep, ...] = ()

    @property
    def needs_everybody(self) -> bool:
        """Whether one must know who is in the group to carry it out."""
        return any(step.op in {"set", "match"} for step in self.steps)

    def named(self) -> frozenset[str]:
        """Return the identifiers of everybody who is named."""
        return frozenset(one for step in self.steps for one in step.people)

    def members_after(self, before: Iterable[str], fits: Callable[[FilterNode, str], bool]) -> frozenset[str]:
        """Return who is in the group afterwards.

        Args:
            before: who is in it now: everybody, or those among the named when nobody else can be meant.
            fits: says whether a filter fits a member.
        """
        members = set(before)
        for step in self.steps:
            match step.op:
                case "add":
                    members.update(step.people)
                case "remove":
                    members.difference_update(step.people)
                case "set":
                    members = set(step.people)
                case _:
                    members = {one for one in members if step.fits is None or not fits(step.fits, one)}
        return frozenset(members)


def read_group_patch(operations: Iterable[Json]) -> GroupChange:
    """Return what operations mean for a group; attributes that groups do not have are passed over.

    Args:
        operations: as `habits.patch_operations` returns them.

    Raises:
        InvalidValueException, InvalidPathException, InvalidSyntaxException, NoTargetException, MutabilityException: when an
            operation cannot be meant.
    """
    change = GroupChange()
    for one in operations:
        op = one.get("op")
        if not isinstance(op, str) or op not in _OPS:
            raise InvalidValueException(detail=f"{str(op)[:40]!r} is not a PATCH operation: add, remove or replace.")
        if "path" in one:
            change = _at_path(change, op, one)
            continue
        if op == "remove":
            raise NoTargetException(detail="A remove operation needs a path.")
        value = one.get("value")
        if not isinstance(value, dict):
            raise InvalidValueException(detail="An operation without a path needs an object as its value.")
        for name, content in value.items():
            change = _write(change, op, name, content)
    return change


def _at_path(change: GroupChange, op: str, one: Json) -> GroupChange:
    node = Path[Group](one["path"]).ast
    if isinstance(node, ValuePath):
        if _is_members(node.attr_path) and op == "remove" and node.sub_attr is None:
            return _with(change, _matching(node.val_filter))
        raise NoTargetException(detail="Of members, those that a filter selects can only be removed.")
    if not isinstance(node, AttrPath) or node.sub_attr is not None:
        raise InvalidPathException(path=str(one["path"]), detail="A path names displayName, externalId or members.")
    name = str(node.attr)
    if op != "remove":
        if "value" not in one:
            raise InvalidValueException(detail=f"A value is required to {op} {name}.")
        return _write(change, op, name, one["value"])
    return _remove(change, name.lower(), one.get("value"))


def _remove(change: GroupChange, name: str, value: Any) -> GroupChange:
    match name:
        case "displayname":
            raise MutabilityException(detail="displayName is required and cannot be removed.")
        case "externalid":
            return msgspec.structs.replace(change, external_id="")
        case "members":
            return _with(change, MemberStep("remove", _people(value)) if value else MemberStep("set"))
    return change


def _write(change: GroupChange, op: str, name: str, value: Any) -> GroupChange:
    match name.lower().rpartition(":")[2]:
        case "displayname":
            return msgspec.structs.replace(change, display_name=_text(value, "displayName"))
        case "externalid":
            return msgspec.structs.replace(change, external_id=_text(value, "externalId", optional=True))
        case "members":
            return _with(change, MemberStep("add" if op == "add" else "set", _people(value)))
    return change


def _with(change: GroupChange, step: MemberStep) -> GroupChange:
    return msgspec.structs.replace(change, steps=(*change.steps, step))


def _matching(fits: FilterNode) -> MemberStep:
    """Return the removal of those whom a filter fits; by their identifiers where it names them."""
    people = _named(fits)
    return MemberStep("remove", people) if people is not None else MemberStep("match", fits=fits)


def _named(node: FilterNode) -> tuple[str, ...] | None:
    match node:
        case Comparison(
            attr_path=AttrPath(attr=attr, sub_attr=None, uri=None), op=CompareOperator.eq, value=str(value)
        ):
            return (value,) if attr.lower() == "value" else None
        case LogicalExpr(op=LogicalOperator.or_, terms=terms):
            found = [_named(term) for term in terms]
            return (
                tuple(one for each in found if each for one in each)
                if all(each is not None for each in found)
                else None
            )
    return None


def _people(value: Any) -> tuple[str, ...]:
    entries = value if isinstance(value, list) else [] if value is None else [value]
    people = [one.get("value") if isinstance(one, dict) else one for one in entries]
    for one in people:
        if not isinstance(one, str) or not one or len(one) > MAX_ID_CHARACTERS:
            raise InvalidValueException(detail="Each member needs the id of a user as its value.")
    return tuple(dict.fromkeys(map(str, people)))


def _text(value: Any, name: str, *, optional: bool = False) -> str:
    if optional and value is None:
        return ""
    if not isinstance(value, str) or not (optional or value.strip()):
        raise InvalidValueException(detail=f"{name} needs a text.")
    return value


def _is_members(path: AttrPath) -> bool:
    if path.attr.lower() != "members" or path.sub_attr is not None:
        raise InvalidSyntaxException(detail="Only members can be selected by a filter.")
    return True
