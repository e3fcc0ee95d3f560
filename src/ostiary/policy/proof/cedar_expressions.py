"""Expressions of the part of Cedar that proofs understand, free of its JSON form.

How they are read lives in `cedar_reader`, what they mean for a request in `added_cedar`.
"""

import msgspec

from ostiary.errors import OstiaryError
from ostiary.policy.identifiers import RuleName
from ostiary.policy.rules.document import Effect

Value = bool | int | str
"""A fixed value."""


class CannotProve(OstiaryError):
    """The rules use what proofs do not cover, so that nothing is claimed."""


class Constant(msgspec.Struct, frozen=True):
    """Always true, or never."""

    value: bool


class And(msgspec.Struct, frozen=True):
    """Both hold; the right one is not looked at when the left one does not."""

    left: "Expression"
    right: "Expression"


class Or(msgspec.Struct, frozen=True):
    """One of them holds; the right one is not looked at when the left one does."""

    left: "Expression"
    right: "Expression"


class Not(msgspec.Struct, frozen=True):
    """The part does not hold."""

    part: "Expression"


class Choice(msgspec.Struct, frozen=True):
    """One of two, as the test says."""

    test: "Expression"
    then: "Expression"
    other: "Expression"


class AttributeKnown(msgspec.Struct, frozen=True):
    """The context has the attribute."""

    attribute: str


class FactKnown(msgspec.Struct, frozen=True):
    """The device has `managed` or `compliant`."""

    name: str


class FactIs(msgspec.Struct, frozen=True):
    """The device's `managed` or `compliant` has the value."""

    name: str
    value: bool


class Compared(msgspec.Struct, frozen=True):
    """An attribute of the context compared with a fixed value; the operator is none that negates."""

    attribute: str
    operator: str
    value: Value


class OneOf(msgspec.Struct, frozen=True):
    """An attribute of the context is one of some fixed values."""

    attribute: str
    values: tuple[Value, ...]


class Holds(msgspec.Struct, frozen=True):
    """`context.holds` carries the name of a condition."""

    name: str


class PathIs(msgspec.Struct, frozen=True):
    """The path is this text, or begins with it."""

    text: str
    goes_on: bool


class InRange(msgspec.Struct, frozen=True):
    """The address lies in a network."""

    network: str


class Belongs(msgspec.Struct, frozen=True):
    """The variable is the entity or, unless it must be equal, belongs to it."""

    variable: str
    kind: str
    name: str
    equal: bool = False


class AnyOf(msgspec.Struct, frozen=True):
    """The variable is, or belongs to, any of some entities."""

    parts: tuple[Belongs, ...]


class OfType(msgspec.Struct, frozen=True):
    """The variable is of a type."""

    variable: str
    kind: str


Expression = (
    Constant
    | And
    | Or
    | Not
    | Choice
    | AttributeKnown
    | FactKnown
    | FactIs
    | Compared
    | OneOf
    | Holds
    | PathIs
    | InRange
    | Belongs
    | AnyOf
    | OfType
)


class Policy(msgspec.Struct, frozen=True):
    """One policy.

    Args:
        parts: its scope, then its conditions as they are evaluated, left to right; it applies when all hold.
    """

    name: RuleName
    effect: Effect
    parts: tuple[Expression, ...]


def not_understood(what: str) -> CannotProve:
    """Return the error for something that proofs do not cover."""
    return CannotProve(what, hint="Write it in the document, or in the part of Cedar that proofs cover.")


def in_policy(name: RuleName, error: CannotProve) -> CannotProve:
    """Return the error with the policy that it is about."""
    return CannotProve(f"`{name}` in the Cedar text uses {error.message}", hint=error.hint)
