"""What rules can ask of a request, and the list of everything that some rules do ask.

Whether a condition holds is the product's own answer (`policy.conditions`); nothing of it is written here again.
"""

from typing import Protocol

import msgspec

from ostiary.policy.conditions import Facts, covers, status
from ostiary.policy.proof.formula import TRUE, Formula
from ostiary.policy.request import ActionClass
from ostiary.policy.rules.document import Condition, PathScope, Target, Who


class Scopes(msgspec.Struct, frozen=True, tag="scopes"):
    """Whether any of the scopes covers the path."""

    scopes: tuple[PathScope, ...]


class PathPrefix(msgspec.Struct, frozen=True, tag="prefix"):
    """Whether the path begins with this text. Added Cedar can ask so; a document cannot."""

    text: str


Question = Condition | Scopes | PathPrefix

_encode = msgspec.json.Encoder().encode


def key_of(question: Question) -> bytes:
    """Return a key that is the same for the same question alone. To Python `true` equals `1`; to a rule it does not."""
    return _encode(question)


def answer(question: Question, facts: Facts) -> bool | None:
    """Return whether it holds; `None` when what it asks about is not known."""
    match question:
        case Scopes(scopes=scopes):
            return None if facts.path is None else covers(scopes, facts.path)
        case PathPrefix(text=text):
            return None if facts.path is None else facts.path.startswith(text)
        case _:
            return status(question, facts)


class Vocabulary(Protocol):
    """Turns what a rule says about a request into formulas."""

    def holds(self, question: Question) -> Formula:
        """It is known to hold."""

    def may_hold(self, question: Question) -> Formula:
        """It is not known to fail: it holds, or what it asks about is not known."""

    def subject(self, who: Who) -> Formula:
        """The subject is meant."""

    def resource(self, target: Target) -> Formula:
        """The resource is meant."""

    def action(self, actions: tuple[ActionClass, ...]) -> Formula:
        """The action is one of these."""

    def is_person(self) -> Formula:
        """The subject is a person, not a service."""

    def lacks_address(self) -> Formula:
        """The subject is a person whose e-mail address is not given."""


class Asked:
    """A vocabulary that only takes note of what is asked, so that the space can be cut finely enough."""

    def __init__(self) -> None:
        self.questions: dict[bytes, Question] = {}
        self.who: dict[Who, None] = {}
        self.targets: dict[Target, None] = {}

    def holds(self, question: Question) -> Formula:
        """Take note of the question."""
        self.questions.setdefault(key_of(question), question)
        return TRUE

    may_hold = holds

    def subject(self, who: Who) -> Formula:
        """Take note of the name."""
        self.who.setdefault(who)
        return TRUE

    def resource(self, target: Target) -> Formula:
        """Take note of the name."""
        self.targets.setdefault(target)
        return TRUE

    def action(self, actions: tuple[ActionClass, ...]) -> Formula:  # noqa: ARG002 - every action is a class anyway
        """Nothing to note."""
        return TRUE

    def is_person(self) -> Formula:
        """Nothing to note."""
        return TRUE

    def lacks_address(self) -> Formula:
        """Nothing to note."""
        return TRUE
