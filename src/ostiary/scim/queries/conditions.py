"""Turns a SCIM filter into a condition the database answers, as far as it can. What it cannot is looked at afterwards, in bounds.

A condition never holds for less than the filter does. `exact` says that it holds for nothing more either. The database knows upper and
lower case of ASCII letters only, so text beyond ASCII is searched for by its longest ASCII part.
Source: RFC 7644, section 3.4.2.2.
"""

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final

import msgspec
from django.db.models import Exists, F, OuterRef, Q, QuerySet, Subquery, TextField
from django.db.models.functions import Cast, Coalesce, Lower
from scim2_models import InvalidPathException, ScimFilter
from scim2_models.path import (
    AttributeBinding,
    CompareOperator,
    Comparison,
    FilterNode,
    FilterVisitor,
    LogicalExpr,
    LogicalOperator,
    Not,
    Present,
    ValuePath,
    coerce_value,
)

from ostiary.identity.facade import can_sign_in, has_member, is_in_group
from ostiary.scim.domain.clients import via_of
from ostiary.scim.models import StoredGroup, StoredUser

EVERYTHING: Final = Q()
NOTHING: Final = Q(pk__in=())
_PLAIN: Final = re.compile(r"[A-Za-z0-9._+@-]+")
_LOOKUPS: Final = {"eq": "iexact", "ne": "iexact", "co": "icontains", "sw": "istartswith", "ew": "iendswith"}
_EXACT_LOOKUPS: Final = {"eq": "exact", "ne": "exact"}
_ORDER: Final = {"gt": "gt", "ge": "gte", "lt": "lt", "le": "lte", "eq": "exact", "ne": "exact"}


class Condition(msgspec.Struct, frozen=True):
    """A condition, and whether it says exactly what the filter says."""

    where: Q
    exact: bool = True


UNKNOWN: Final = Condition(EVERYTHING, exact=False)
Compiler = Callable[[CompareOperator | None, Any], Condition]
"""Makes a condition of an operator and a value; of `None` and nothing for `pr`."""


def compile_filter(text: str, model: Any, attributes: Mapping[str, Compiler], *, strict: bool = True) -> Condition:
    """Return the condition of a filter.

    Args:
        text: the filter.
        model: the resource it is about.
        attributes: how the database answers what is asked of each attribute; what is missing is looked at afterwards.
        strict: whether an attribute that the resource does not have is a mistake; otherwise it has no value.

    Raises:
        InvalidFilterException: when it is no filter, or asks for something impossible.
    """
    bound = ScimFilter[model](text)
    return _Visitor(bound, attributes, strict=strict).visit(bound.ast)


class _Visitor(FilterVisitor[Condition]):
    def __init__(self, bound: ScimFilter[Any], attributes: Mapping[str, Compiler], *, strict: bool) -> None:
        self._bound = bound
        self._strict = strict
        self._attributes = attributes

    def visit_comparison(self, node: Comparison) -> Condition:
        """Return the condition of one comparison."""
        binding = self._bound.resolve_comparison(node.attr_path, strict=self._strict)
        compiler = self._attributes.get(name_of(binding)) if binding else None
        if binding is None or compiler is None:
            return UNKNOWN
        return compiler(node.op, coerce_value(binding, node.value, node.op))

    def visit_present(self, node: Present) -> Condition:
        """Return the condition that an attribute has a value."""
        binding = self._bound.resolve(node.attr_path, strict=self._strict)
        compiler = self._attributes.get(name_of(binding)) if binding else None
        return compiler(None, None) if compiler else UNKNOWN

    def visit_not(self, node: Not) -> Condition:
        """Return the contrary, where it is known exactly."""
        inner = self.visit(node.expr)
        if not inner.exact:
            return UNKNOWN
        return Condition(~inner.where if inner.where else NOTHING)

    def visit_logical_expr(self, node: LogicalExpr) -> Condition:
        """Return what holds when all or one of some conditions do."""
        found = [self.visit(term) for term in node.terms]
        where, exact = found[0].where, all(one.exact for one in found)
        for one in found[1:]:
            where = where & one.where if node.op == LogicalOperator.and_ else where | one.where
        if node.op == LogicalOperator.or_ and not all(one.where for one in found):
            return Condition(EVERYTHING, exact)
        return Condition(where, exact)

    def visit_value_path(self, node: ValuePath) -> Condition:
        """Return the condition of a selection: of `value eq`, the same as of the comparison; the rest is looked at."""
        terms: tuple[FilterNode, ...] = (node.val_filter,)
        if isinstance(node.val_filter, LogicalExpr) and node.val_filter.op == LogicalOperator.and_:
            terms = node.val_filter.terms
        compiler = self._attributes.get(f"{node.attr_path.attr.lower()}.value")
        for term in terms:
            match term:
                case Comparison(op=CompareOperator.eq, value=str(value)) if (
                    compiler is not None and term.attr_path.attr.lower() == "value"
                ):
                    found = compiler(CompareOperator.eq, value)
                    return Condition(found.where, found.exact and len(terms) == 1)
        return UNKNOWN


def name_of(binding: AttributeBinding) -> str:
    """Return the name under which an attribute stands in the tables below."""
    parts = [binding.field_name, *([binding.sub_field_name] if binding.sub_field_name else [])]
    return ".".join(parts).lower()


def text(column: str, *, case_exact: bool = False) -> Compiler:
    """Compare a text column; an empty text counts as none."""

    def compiled(op: CompareOperator | None, value: Any) -> Condition:
        if op is None:
            return Condition(~Q(**{column: ""}))
        if value is None:
            empty = Q(**{column: ""})
            return Condition(empty if op == CompareOperator.eq else ~empty) if op in {"eq", "ne"} else UNKNOWN
        lookup = (_EXACT_LOOKUPS if case_exact else _LOOKUPS).get(op.value)
        if lookup is None or not isinstance(value, str) or not value or "\x00" in value:
            return UNKNOWN
        if not value.isascii() and not case_exact:
            part = max(re.split(r"[^\x01-\x7f]+", value), key=len)
            return UNKNOWN if op == CompareOperator.ne else Condition(Q(**{f"{column}__icontains": part}), exact=False)
        found = Q(**{f"{column}__{lookup}": value})
        return Condition(~found if op == CompareOperator.ne else found)

    return compiled


def said(client: str, compiler: Compiler, model: Any, outer: str) -> Compiler:
    """Compare what a client says of somebody or something; whoever it says nothing of has no value.

    Args:
        client: its name.
        compiler: compares a column of `model`.
        model: what holds that column.
        outer: the column of `model` that names whom it is about.
    """

    def compiled(op: CompareOperator | None, value: Any) -> Condition:
        negated = op == CompareOperator.ne
        inner = compiler(CompareOperator.eq if negated else op, value)
        if not inner.where or (value is None and op is not None) or (negated and not inner.exact):
            return UNKNOWN
        there = Q(pk__in=model.objects.filter(inner.where, client=client).values(f"{outer}_id"))
        return Condition(~there if negated else there, inner.exact)

    return compiled


def moment(column: str) -> Compiler:
    """Compare a moment."""

    def compiled(op: CompareOperator | None, value: Any) -> Condition:
        if op is None:
            return Condition(EVERYTHING)
        lookup = _ORDER.get(op.value)
        if lookup is None or not isinstance(value, datetime) or value.tzinfo is None:
            return UNKNOWN
        found = Q(**{f"{column}__{lookup}": value})
        return Condition(~found if op == CompareOperator.ne else found)

    return compiled


def user_attributes(client: str) -> dict[str, Compiler]:
    """Return how the database answers what is asked of users, as one client sees them."""

    def column(name: str, *, case_exact: bool = False) -> Compiler:
        return said(client, text(name, case_exact=case_exact), StoredUser, "person")

    return {
        "id": text("id", case_exact=True),
        "user_name": _user_name(client),
        "external_id": column("external_id", case_exact=True),
        "name.formatted": column("formatted"),
        "name.given_name": column("given_name"),
        "name.family_name": column("family_name"),
        "title": text("title"),
        "active": _active,
        "emails.value": _emails(client),
        "groups.value": _group,
        "department": text("department"),
        "employee_number": text("employee_number"),
        "meta.created": moment("created_at"),
        "meta.last_modified": _modified(client),
    }


def _rows(client: str) -> QuerySet[StoredUser]:
    return StoredUser.objects.filter(client=client, person=OuterRef("pk"))


def _user_name(client: str) -> Compiler:
    """Compare the userName a client gave, or the address of whom it said nothing."""
    stated, theirs = said(client, text("user_name"), StoredUser, "person"), text("email")
    keys, addresses = (
        said(client, text("user_name_key", case_exact=True), StoredUser, "person"),
        text("email", case_exact=True),
    )

    def compiled(op: CompareOperator | None, value: Any) -> Condition:
        if op is None:
            return Condition(EVERYTHING)
        if op == CompareOperator.eq and isinstance(value, str) and value.isascii():
            ours, other = keys(op, value.lower()), addresses(op, value.lower())
        else:
            ours, other = stated(op, value), theirs(op, value)
        if not ours.where or not other.where:
            return UNKNOWN
        known = Q(Exists(_rows(client)))
        return Condition(known & ours.where | ~known & other.where, ours.exact and other.exact)

    return compiled


def _active(op: CompareOperator | None, value: Any) -> Condition:
    if op is None:
        return Condition(EVERYTHING)
    if not isinstance(value, bool) or op not in {"eq", "ne"}:
        return UNKNOWN
    return Condition(can_sign_in() if value == (op == CompareOperator.eq) else ~can_sign_in())


def _emails(client: str) -> Compiler:
    def compiled(op: CompareOperator | None, value: Any) -> Condition:
        if op != CompareOperator.eq or not isinstance(value, str) or not _PLAIN.fullmatch(value):
            return UNKNOWN
        rows = StoredUser.objects.filter(client=client).annotate(stated=Cast("emails", TextField()))
        there = Q(pk__in=rows.filter(stated__icontains=value).values("person_id"))
        return Condition(Q(email=value.lower()) | there, exact=False)

    return compiled


def _group(op: CompareOperator | None, value: Any) -> Condition:
    if op not in {CompareOperator.eq, CompareOperator.ne} or not isinstance(value, str) or "\x00" in value:
        return UNKNOWN
    return Condition(is_in_group(value) if op == CompareOperator.eq else ~is_in_group(value))


def _modified(client: str) -> Compiler:
    ours, theirs = moment("modified_at"), moment("created_at")

    def compiled(op: CompareOperator | None, value: Any) -> Condition:
        other = theirs(op, value)
        if not other.where:
            return other
        known, rows = Q(Exists(_rows(client))), _rows(client).filter(ours(op, value).where)
        return Condition(known & Q(Exists(rows)) | ~known & other.where)

    return compiled


def group_attributes(client: str) -> dict[str, Compiler]:
    """Return how the database answers what is asked of groups, as one client sees them."""

    def member(op: CompareOperator | None, value: Any) -> Condition:
        if op not in {CompareOperator.eq, CompareOperator.ne} or not isinstance(value, str) or "\x00" in value:
            return UNKNOWN
        there = has_member(value, via_of(client))
        return Condition(there if op == CompareOperator.eq else ~there)

    return {
        "id": text("id", case_exact=True),
        "display_name": text("name"),
        "external_id": said(client, text("external_id", case_exact=True), StoredGroup, "group"),
        "members.value": member,
    }


def user_order(client: str, binding: AttributeBinding) -> Any:
    """Return what users are ordered by.

    Raises:
        InvalidPathException: when they cannot be ordered by that.
    """
    rows = _rows(client)
    columns: dict[str, Any] = {
        "id": F("id"),
        "user_name": Lower(Coalesce(Subquery(rows.values("user_name_key")[:1]), F("email"))),
        "display_name": Lower("name"),
        "title": Lower("title"),
        "active": F("is_active"),
        "emails.value": F("email"),
        "department": Lower("department"),
        "employee_number": Lower("employee_number"),
        "meta.created": F("created_at"),
        "meta.last_modified": Coalesce(Subquery(rows.values("modified_at")[:1]), F("created_at")),
        **{
            name: Lower(Subquery(rows.values(column)[:1]))
            for name, column in (
                ("external_id", "external_id"),
                ("name.formatted", "formatted"),
                ("name.given_name", "given_name"),
                ("name.family_name", "family_name"),
            )
        },
    }
    return _column(columns, binding)


def group_order(client: str, binding: AttributeBinding) -> Any:
    """Return what groups are ordered by.

    Raises:
        InvalidPathException: when they cannot be ordered by that.
    """
    rows = StoredGroup.objects.filter(client=client, group=OuterRef("pk"))
    columns = {
        "id": F("id"),
        "display_name": Lower("name"),
        "external_id": Subquery(rows.values("external_id")[:1]),
    }
    return _column(columns, binding)


def _column(columns: Mapping[str, Any], binding: AttributeBinding) -> Any:
    found = columns.get(name_of(binding))
    if found is None:
        raise InvalidPathException(
            detail=f"Nothing is sorted by {binding.urn}; try one of {', '.join(sorted(columns))}."
        )
    return found
