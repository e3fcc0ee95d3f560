"""Takes a node apart and collects what is wrong with it, so that one reading finds every problem."""

from collections.abc import Iterable, Mapping
from typing import TypeVar

from ostiary.policy.rules.problems import MAX_PROBLEMS, Problem, did_you_mean, shown
from ostiary.policy.rules.yaml_tree import ListNode, MapNode, Node, Scalar

T = TypeVar("T")

MAX_LIST_ITEMS = 1000
MAX_TEXT_CHARACTERS = 500


class Problems:
    """What was found so far."""

    def __init__(self) -> None:
        self.found: list[Problem] = []

    def add(self, node: Node, message: str, hint: str = "") -> None:
        """Note one problem at the place of `node`."""
        if len(self.found) < MAX_PROBLEMS:
            self.found.append(Problem(line=node.line, column=node.column, message=message, hint=hint))


def fields_of(node: Node, known: Iterable[str], problems: Problems, *, what: str) -> dict[str, Node]:
    """Return the values of a mapping by key; note keys that are not known, and a node that is no mapping."""
    if not isinstance(node, MapNode):
        problems.add(node, f"{what} must be keys and values", "write `key: value` lines")
        return {}
    known = tuple(known)
    fields: dict[str, Node] = {}
    for key, value in node.entries:
        if key.text in known:
            fields[key.text] = value
        else:
            problems.add(key, f"{shown(key.text)} is not a key of {what}", did_you_mean(key.text, known))
    return fields


def words_of(node: Node, problems: Problems, *, what: str) -> tuple[Scalar, ...]:
    """Return one word or a list of words as a tuple; note anything else, an empty list and a repeated word."""
    items = node.items if isinstance(node, ListNode) else (node,)
    if not items:
        problems.add(node, f"{what} is an empty list", "remove the key or fill it in")
    if len(items) > MAX_LIST_ITEMS:
        problems.add(node, f"{what} has more than {MAX_LIST_ITEMS} entries", "use a group or a label")
        return ()
    words: dict[str, Scalar] = {}
    for item in items:
        word = word_of(item, problems, what=what)
        if word is None:
            continue
        if word.text in words:
            problems.add(item, f"{shown(word.text)} stands twice in {what}", "remove one")
        words[word.text] = word
    return tuple(words.values())


def word_of(node: Node, problems: Problems, *, what: str) -> Scalar | None:
    """Return the node if it is text that is not empty; note it otherwise."""
    if not isinstance(node, Scalar):
        problems.add(node, f"{what} must be one value", "write it on the same line as the key")
        return None
    if not node.text.strip() or node.text in ("~", "null"):
        problems.add(node, f"{what} has no value", "fill it in or remove the key")
        return None
    if len(node.text) > MAX_TEXT_CHARACTERS:
        problems.add(node, f"{what} is longer than {MAX_TEXT_CHARACTERS} characters")
        return None
    if any(ord(c) < 32 or 127 <= ord(c) < 160 for c in node.text.replace("\n", "")):
        problems.add(node, f"{what} contains a control character", "remove it")
        return None
    return node


def choice_of(node: Node, choices: Mapping[str, T], problems: Problems, *, what: str) -> T | None:
    """Return the value that belongs to the word written here; note a word that is not among the choices."""
    word = word_of(node, problems, what=what)
    if word is None:
        return None
    if word.text in choices:
        return choices[word.text]
    problems.add(node, f"{shown(word.text)} is not a value of {what}", did_you_mean(word.text, choices))
    return None
