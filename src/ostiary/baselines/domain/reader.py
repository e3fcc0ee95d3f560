"""Reads the text of a baseline into its types, or says everything that is wrong with it, line by line.

The grammar, for people: `docs/reference/baselines.md`. Taking YAML apart is `policy.rules`', one check is read in `check_reader`.
"""

import re
from collections.abc import Callable, Iterable
from typing import Final, NoReturn

import msgspec

from ostiary.baselines.domain.check_reader import read_check
from ostiary.baselines.domain.document import BUILT_IN, Baseline, Check
from ostiary.errors import OstiaryError
from ostiary.policy.rules.fields import Problems, fields_of, word_of, words_of
from ostiary.policy.rules.problems import MAX_PROBLEMS, InvalidRules, Problem, did_you_mean, shown
from ostiary.policy.rules.yaml_tree import ListNode, MapNode, Node, Scalar, parse_yaml

MAX_CHECKS: Final = 100
MAX_NAME_CHARACTERS: Final = 40
MAX_TEXT_CHARACTERS: Final = 200_000
_NAME: Final = re.compile(r"[a-z][a-z0-9_]*", re.ASCII)
_KEYS: Final = ("version", "name", "words", "based on", "drop", "checks")


class InvalidBaseline(OstiaryError):
    """The document cannot be used; nothing of it is in force. `problems`: everything that was found, in the order of the text."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)[:MAX_PROBLEMS]
        count = len(self.problems)
        title = "The baseline has a problem." if count == 1 else f"The baseline has {count} problems."
        super().__init__("\n".join([title, *map(str, self.problems)]), hint="See docs/reference/baselines.md")


def read_baseline(text: str, built_in: Callable[[str], Baseline]) -> Baseline:
    """Read the document of a baseline.

    Args:
        text: YAML.
        built_in: returns the built-in baseline of a name.

    Raises:
        InvalidBaseline: with every problem that was found.
    """
    if len(text) > MAX_TEXT_CHARACTERS:
        _refuse(f"the document is longer than {MAX_TEXT_CHARACTERS} characters", "leave out what nobody needs")
    try:
        root = parse_yaml(text)
    except InvalidRules as error:
        raise InvalidBaseline(error.problems) from None
    if root is None or (isinstance(root, Scalar) and not root.text.strip()):
        _refuse("the document is empty", "begin with `version: 1`, then `name`, `words` and `checks`")
    problems = Problems()
    found = _read(root, built_in, problems)
    if problems.found or found is None:
        raise InvalidBaseline(sorted(problems.found, key=lambda problem: (problem.line, problem.column)))
    return found


def _read(root: Node, built_in: Callable[[str], Baseline], problems: Problems) -> Baseline | None:
    fields = fields_of(root, _KEYS, problems, what="a baseline")
    if not isinstance(root, MapNode):
        return None
    _check_version(root, fields.get("version"), problems)
    name = _read_name(root, fields.get("name"), problems)
    words = word_of(fields["words"], problems, what="`words`") if "words" in fields else None
    below = _read_base(fields.get("based on"), built_in, problems)
    own = _read_checks(root, fields.get("checks"), problems, needed=below is None)
    dropped = _read_drop(fields.get("drop"), below, own, problems)
    if name is None:
        return None
    kept = [one for one in (below.checks if below else ()) if one.name not in dropped and one.name not in own]
    checks = (*(msgspec.structs.replace(one, line=0) for one in kept), *own.values())
    if not checks and not problems.found:
        problems.add(root, "no check is left, so no device could meet this", "drop fewer, or write some under `checks`")
    return Baseline(
        name=name,
        words=" ".join(words.text.split()) if words else "",
        based_on=below.name if below else "",
        dropped=tuple(sorted(dropped)),
        checks=checks,
    )


def _check_version(root: Node, version: Node | None, problems: Problems) -> None:
    if version is None:
        problems.add(root, "the document does not say its `version`", "begin with `version: 1`")
    elif not (isinstance(version, Scalar) and version.text == "1"):
        written = shown(version.text) if isinstance(version, Scalar) else "this"
        problems.add(version, f"{written} is not a version that is known here", "write `version: 1`")


def _read_name(root: Node, node: Node | None, problems: Problems) -> str | None:
    if node is None:
        problems.add(root, "the baseline has no `name`", "write, for instance, `name: office_laptops`")
        return None
    word = word_of(node, problems, what="`name`")
    if word is None:
        return None
    if not _NAME.fullmatch(word.text) or len(word.text) > MAX_NAME_CHARACTERS:
        problems.add(
            node,
            f"{shown(word.text)} is not a name for a baseline",
            f"use a-z, 0-9 and `_`, a letter first, at most {MAX_NAME_CHARACTERS}: rules ask for it as `meets_NAME`",
        )
        return None
    return word.text


def _read_base(node: Node | None, built_in: Callable[[str], Baseline], problems: Problems) -> Baseline | None:
    word = word_of(node, problems, what="`based on`") if node is not None else None
    if node is None or word is None:
        return None
    if word.text not in BUILT_IN:
        problems.add(node, f"{shown(word.text)} is no built-in baseline", did_you_mean(word.text, BUILT_IN))
        return None
    return built_in(word.text)


def _read_checks(root: Node, node: Node | None, problems: Problems, *, needed: bool) -> dict[str, Check]:
    if node is None or (isinstance(node, Scalar) and not node.text and not node.quoted):
        if needed:
            problems.add(
                node or root,
                "the baseline has no `checks`",
                "write some, or take those of another: `based on: standard`",
            )
        return {}
    if not isinstance(node, ListNode):
        problems.add(node, "`checks` must be a list", "begin each entry with `- name: …`")
        return {}
    if len(node.items) > MAX_CHECKS:
        problems.add(node, f"there are more than {MAX_CHECKS} checks", "make it two baselines")
        return {}
    checks: dict[str, Check] = {}
    for item in node.items:
        check = read_check(item, problems)
        if check is not None and check.name in checks:
            problems.add(
                item, f"a check named {shown(check.name)} stands twice", f"first on line {checks[check.name].line}"
            )
        elif check is not None:
            checks[check.name] = check
    if needed and not node.items:
        problems.add(node, "`checks` is an empty list", "no device could meet it: write at least one")
    return checks


def _read_drop(node: Node | None, below: Baseline | None, own: dict[str, Check], problems: Problems) -> frozenset[str]:
    if node is None:
        return frozenset()
    if below is None:
        problems.add(node, "`drop` leaves out checks of another baseline, and this is based on none", "remove it")
        return frozenset()
    known = {check.name for check in below.checks}
    dropped: set[str] = set()
    for word in words_of(node, problems, what="`drop`"):
        if word.text not in known:
            problems.add(word, f"{below.name} has no check {shown(word.text)}", did_you_mean(word.text, known))
        elif word.text in own:
            problems.add(
                word,
                f"{shown(word.text)} is dropped and written as well",
                "remove it here: what is written replaces it",
            )
        else:
            dropped.add(word.text)
    return frozenset(dropped)


def _refuse(message: str, hint: str) -> NoReturn:
    raise InvalidBaseline([Problem(line=1, column=1, message=message, hint=hint)])
