"""Reads the names of rules, clauses and tests, each of which is used once among its like."""

from collections.abc import Callable
from typing import TypeVar

from ostiary.policy.identifiers import MalformedIdentifier
from ostiary.policy.rules.fields import Problems, word_of
from ostiary.policy.rules.problems import shown
from ostiary.policy.rules.yaml_tree import Node

T = TypeVar("T", bound=str)
N = TypeVar("N")


def read_name(
    node: Node, name: Node | None, problems: Problems, *, what: str, example: str, parse: Callable[[str], T]
) -> T | None:
    """Read the value of `name:`.

    Args:
        node: what should have the name, for messages.
        name: the value, or `None` when the key is missing.
        problems: where to note what is wrong.
        what: what kind of thing has the name: "rule".
        example: a name to suggest.
        parse: returns the name, or raises `MalformedIdentifier`.
    """
    if name is None:
        problems.add(node, f"the {what} has no `name`", f"write, for instance, `name: {example}`")
        return None
    word = word_of(name, problems, what="`name`")
    if word is None:
        return None
    try:
        return parse(word.text)
    except MalformedIdentifier as error:
        problems.add(name, f"{shown(word.text)} cannot name a {what}", error.hint)
        return None


class Taken:
    """Which names stand where.

    Args:
        what: what has the names: "a rule".
    """

    def __init__(self, what: str) -> None:
        self._what = what
        self._lines: dict[str, int] = {}

    def take(self, one: N, name: str, node: Node, problems: Problems) -> N:
        """Return `one` after noting its name, or that the name is taken already."""
        if name in self._lines:
            message = f"{self._what} named `{name}` is already on line {self._lines[name]}"
            problems.add(node, message, "choose another name")
        self._lines.setdefault(name, node.line)
        return one
