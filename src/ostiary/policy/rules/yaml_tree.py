"""YAML as a tree of nodes that know their place. What the nodes mean lives in `reader`.

Only the plain part of YAML is accepted: mappings, lists and text. Anchors, aliases and tags are refused, so a
document cannot be larger, or other, than it looks. Scalars stay text: `NO` is Norway and `22:00` is an hour.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import (
    AliasEvent,
    DocumentEndEvent,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    StreamEndEvent,
    StreamStartEvent,
)
from ruamel.yaml.reader import ReaderError

from ostiary.policy.rules.problems import InvalidRules, Problem, printable, shown

MAX_DOCUMENT_CHARACTERS = 4 * 1024 * 1024
MAX_DEPTH = 10


@dataclass(frozen=True, slots=True)
class Scalar:
    """Text, as written. `quoted` text is never a number or a yes or no."""

    text: str
    quoted: bool
    line: int
    column: int


@dataclass(frozen=True, slots=True)
class ListNode:
    """A list."""

    items: "tuple[Node, ...]"
    line: int
    column: int


@dataclass(frozen=True, slots=True)
class MapNode:
    """Keys and values in the order of the text; keys are unique."""

    entries: "tuple[tuple[Scalar, Node], ...]"
    line: int
    column: int


Node = Scalar | ListNode | MapNode


def parse_yaml(text: str) -> Node | None:
    """Return the one document in `text`, or `None` when it is empty.

    Raises:
        InvalidRules: when it is not YAML, or uses more of YAML than is accepted here.
    """
    if len(text) > MAX_DOCUMENT_CHARACTERS:
        raise _invalid(1, 1, f"the document is longer than {MAX_DOCUMENT_CHARACTERS} characters", "split or shorten it")
    try:
        return _build(YAML(typ="safe", pure=True).parse(text))
    except InvalidRules:
        raise
    except ReaderError as error:
        line, column = _place(text, error.position)
        message = f"the character U+{_code(error.character):04X} cannot stand in YAML"
        raise _invalid(line, column, message, "write it as an escape in double quotes") from None
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        raise _invalid(line, column, f"not YAML: {printable(str(error.problem or error.context))}") from None
    except (YAMLError, ValueError, TypeError, AttributeError, IndexError, KeyError, AssertionError) as error:
        raise _invalid(1, 1, f"not YAML: {type(error).__name__}") from None


class _Open:
    """A mapping or list whose end has not been read."""

    __slots__ = ("children", "column", "is_map", "line")

    def __init__(self, *, is_map: bool, line: int, column: int) -> None:
        self.is_map = is_map
        self.line = line
        self.column = column
        self.children: list[Node] = []

    def close(self) -> Node:
        if not self.is_map:
            return ListNode(tuple(self.children), self.line, self.column)
        entries: dict[str, tuple[Scalar, Node]] = {}
        for key, value in zip(self.children[::2], self.children[1::2], strict=True):
            if not isinstance(key, Scalar):
                raise _invalid(key.line, key.column, "a key must be a word")
            if key.text in entries:
                first = entries[key.text][0].line
                raise _invalid(key.line, key.column, f"{shown(key.text)} stands twice here", f"first on line {first}")
            entries[key.text] = (key, value)
        return MapNode(tuple(entries.values()), self.line, self.column)


def _build(events: Iterator[Any]) -> Node | None:
    root: Node | None = None
    stack: list[_Open] = []
    for event in events:
        line, column = event.start_mark.line + 1, event.start_mark.column + 1
        match event:
            case ScalarEvent():
                _refuse_extras(event, line, column)
                node: Node = Scalar(event.value, event.style is not None, line, column)
            case MappingStartEvent() | SequenceStartEvent():
                _refuse_extras(event, line, column)
                if len(stack) == MAX_DEPTH:
                    raise _invalid(line, column, f"nested more than {MAX_DEPTH} levels deep")
                stack.append(_Open(is_map=isinstance(event, MappingStartEvent), line=line, column=column))
                continue
            case MappingEndEvent() | SequenceEndEvent():
                node = stack.pop().close()
            case DocumentStartEvent() if root is not None:
                raise _invalid(line, column, "a second document begins here", "remove the line `---`")
            case DocumentStartEvent() | DocumentEndEvent() | StreamStartEvent() | StreamEndEvent():
                continue
            case AliasEvent():
                raise _invalid(
                    line, column, f"the alias {shown(f'*{event.anchor}')} cannot be used here", "write the value out"
                )
            case _:
                continue
        if stack:
            stack[-1].children.append(node)
        else:
            root = node
    return root


def _refuse_extras(event: Any, line: int, column: int) -> None:
    if event.anchor is not None:
        raise _invalid(
            line, column, f"the anchor {shown(f'&{event.anchor}')} cannot be used here", "write the value out"
        )
    if event.tag is not None:
        raise _invalid(line, column, f"the tag {shown(str(event.tag))} cannot be used here", "remove it")


def _place(text: str, position: int) -> tuple[int, int]:
    before = text[:position]
    return before.count("\n") + 1, position - (before.rfind("\n") + 1) + 1


def _code(character: object) -> int:
    return ord(character[0]) if isinstance(character, str) and character else int(str(character) or 0)


def _invalid(line: int, column: int, message: str, hint: str = "") -> InvalidRules:
    return InvalidRules([Problem(line=line, column=column, message=message, hint=hint)])
