"""Formulas over a finite space: each dimension has finitely many classes, an atom says in which of them a request lies.

What the dimensions are lives in `space`; how rules become formulas in `encoding`; who decides them in `solver`.
"""

from collections.abc import Iterable, Mapping
from typing import Final

import msgspec

Point = Mapping[str, int]
"""For each dimension the number of a class."""


class Atom(msgspec.Struct, frozen=True):
    """The request lies in one of these classes of a dimension; neither none nor all of them."""

    dimension: str
    classes: frozenset[int]


class Every(msgspec.Struct, frozen=True):
    """All parts are true; true when there is none."""

    parts: tuple["Formula", ...]


class Some(msgspec.Struct, frozen=True):
    """Any part is true; false when there is none."""

    parts: tuple["Formula", ...]


class Not(msgspec.Struct, frozen=True):
    """The part is false."""

    part: "Formula"


Formula = Atom | Every | Some | Not

TRUE: Final[Formula] = Every(())
FALSE: Final[Formula] = Some(())


def every(parts: Iterable[Formula]) -> Formula:
    """Return the conjunction, without parts that say nothing."""
    left = tuple(part for part in parts if part != TRUE)
    if FALSE in left:
        return FALSE
    return left[0] if len(left) == 1 else Every(left)


def some(parts: Iterable[Formula]) -> Formula:
    """Return the disjunction, without parts that say nothing."""
    left = tuple(part for part in parts if part != FALSE)
    if TRUE in left:
        return TRUE
    return left[0] if len(left) == 1 else Some(left)


def negation(part: Formula) -> Formula:
    """Return what is true exactly when `part` is not."""
    if part == TRUE:
        return FALSE
    if part == FALSE:
        return TRUE
    return part.part if isinstance(part, Not) else Not(part)


def atom(dimension: str, classes: Iterable[int], size: int) -> Formula:
    """Return that a request lies in one of the classes.

    Args:
        dimension: its name.
        classes: their numbers.
        size: how many classes the dimension has.
    """
    chosen = frozenset(classes)
    if not chosen:
        return FALSE
    return TRUE if len(chosen) == size else Atom(dimension, chosen)


def is_true(formula: Formula, point: Point) -> bool:
    """Return the formula's value at a point."""
    match formula:
        case Atom(dimension=dimension, classes=classes):
            return point[dimension] in classes
        case Every(parts=parts):
            return all(is_true(part, point) for part in parts)
        case Some(parts=parts):
            return any(is_true(part, point) for part in parts)
        case Not(part=part):
            return not is_true(part, point)
