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
from django.db.models import Q
from scim2_models import ScimFilter
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

EVERYTHING: Final = Q()
NOTHING: Final = Q(pk__in=())
PLAIN: Final = re.compile(r"[A-Za-z0-9._+@-]+")
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
