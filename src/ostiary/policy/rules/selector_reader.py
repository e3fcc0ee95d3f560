"""Reads whom and what a rule names: `group:staff`, `app:wiki`, actions and paths."""

import re

import msgspec

from ostiary.policy.identifiers import MAX_SLUG_CHARACTERS, MalformedIdentifier, parse_slug
from ostiary.policy.request import ActionClass
from ostiary.policy.rules.document import PathScope, Target, TargetKind, Who, WhoKind
from ostiary.policy.rules.fields import Problems, words_of
from ostiary.policy.rules.problems import did_you_mean, shown
from ostiary.policy.rules.yaml_tree import Node, Scalar

MAX_PERSON_CHARACTERS = 254
MAX_PATH_CHARACTERS = 400
_ACTIONS = {action.value: action for action in ActionClass if action is not ActionClass.UNKNOWN}
_WHO = ("group", "person", "service", "anyone")
_TARGETS = ("app", "label", "anything")
_PERSON = re.compile(r"[^\s\"'\\<>(),;:@]+(?:@[^\s\"'\\<>(),;:@]+)?")


class Known(msgspec.Struct, frozen=True, kw_only=True):
    """Names that exist, to find misspelt ones. `None` means they are not checked."""

    groups: frozenset[str] | None = None
    apps: frozenset[str] | None = None


def read_who(node: Node, known: Known, problems: Problems, *, what: str) -> tuple[Who, ...]:
    """Read the value of `allow:` or `deny:`."""
    read = (_read_who(word, known, problems) for word in words_of(node, problems, what=what))
    return tuple(dict.fromkeys(who for who in read if who))


def read_targets(node: Node, known: Known, problems: Problems) -> tuple[Target, ...]:
    """Read the value of `to:`."""
    read = (_read_target(word, known, problems) for word in words_of(node, problems, what="`to`"))
    return tuple(dict.fromkeys(target for target in read if target))


def read_actions(node: Node, problems: Problems) -> tuple[ActionClass, ...] | None:
    """Read the value of `do:`; `None` means any action."""
    words = words_of(node, problems, what="`do`")
    if any(word.text == "any" for word in words):
        if len(words) > 1:
            problems.add(node, "`any` stands beside other actions", "write `do: any` alone")
        return None
    for word in words:
        if word.text not in _ACTIONS:
            hint = did_you_mean(word.text, [*_ACTIONS, "any"])
            problems.add(word, f"{shown(word.text)} is not an action", hint)
    return tuple(_ACTIONS[word.text] for word in words if word.text in _ACTIONS)


def read_paths(node: Node, problems: Problems) -> tuple[PathScope, ...]:
    """Read the value of `paths:`."""
    read = (_read_path(word, problems) for word in words_of(node, problems, what="`paths`"))
    return tuple(dict.fromkeys(scope for scope in read if scope))


def can_name_person(text: str) -> bool:
    """Whether `person:` can be followed by this text."""
    return len(text) <= MAX_PERSON_CHARACTERS and _PERSON.fullmatch(text) is not None


def _read_who(word: Scalar, known: Known, problems: Problems) -> Who | None:
    if word.text == "anyone":
        return Who(WhoKind.ANYONE)
    kind, name = _split(word, _WHO, problems, "whom")
    if kind == "group" and _is_slug(word, name, "group", problems) and _exists(word, name, known.groups, problems):
        return Who(WhoKind.GROUP, name)
    if kind == "service" and _is_slug(word, name, "service", problems):
        return Who(WhoKind.SERVICE, name)
    if kind == "person":
        if can_name_person(name):
            return Who(WhoKind.EMAIL, name.lower()) if "@" in name else Who(WhoKind.PERSON, name)
        problems.add(word, f"{shown(name)} is neither an e-mail address nor a person's id")
    return None


def _read_target(word: Scalar, known: Known, problems: Problems) -> Target | None:
    if word.text == "anything":
        return Target(TargetKind.ANYTHING)
    kind, name = _split(word, _TARGETS, problems, "what")
    if kind == "app" and _is_slug(word, name, "app", problems) and _exists(word, name, known.apps, problems):
        return Target(TargetKind.APP, name)
    if kind == "label" and _is_slug(word, name, "label", problems):
        return Target(TargetKind.LABEL, name)
    return None


def _split(word: Scalar, kinds: tuple[str, ...], problems: Problems, what: str) -> tuple[str, str]:
    """Return kind and name of `kind:name`, or two empty texts after noting what is wrong."""
    kind, colon, name = word.text.partition(":")
    named, alone = [f"`{k}:…`" for k in kinds[:-1]], kinds[-1]
    if colon and name and kind in kinds[:-1]:
        return kind, name
    choice = f"use {', '.join(named)} or `{alone}`"
    guess = did_you_mean(kind, kinds) if colon else did_you_mean(kind, (alone,))
    if guess.startswith("did you mean") and kind not in kinds:
        meant = guess.split("`")[1]
        choice = (
            f"did you mean `{meant}`?" if meant == alone else f"did you mean `{meant}:{name[:MAX_SLUG_CHARACTERS]}`?"
        )
    problems.add(word, f"{shown(word.text)} does not say {what} the rule means", choice)
    return "", ""


def _is_slug(word: Scalar, name: str, what: str, problems: Problems) -> bool:
    try:
        parse_slug(name, what=what)
    except MalformedIdentifier as error:
        problems.add(word, f"{shown(name)} cannot name a {what}", error.hint)
        return False
    return True


def _exists(word: Scalar, name: str, known: frozenset[str] | None, problems: Problems) -> bool:
    if known is None or name in known:
        return True
    kind = word.text.partition(":")[0]
    problems.add(word, f"there is no {kind} `{name}`", did_you_mean(name, known))
    return False


def _read_path(word: Scalar, problems: Problems) -> PathScope | None:
    text, below = (word.text[:-2], True) if word.text.endswith("/*") else (word.text, False)
    wrong = _path_problem(text, below=below) if text else None
    if wrong:
        problems.add(word, f"{shown(word.text)} is not a path scope: {wrong[0]}", wrong[1])
        return None
    return PathScope(text, below)


def _path_problem(path: str, *, below: bool) -> tuple[str, str] | None:
    segments = path.split("/")[1:]
    if not path.startswith("/"):
        return "it does not begin with `/`", f"write {shown(f'/{path}')}"
    if len(path) > MAX_PATH_CHARACTERS:
        return f"it is longer than {MAX_PATH_CHARACTERS} characters", ""
    if "*" in path:
        return "`*` can only stand at the end, after `/`", "write, for instance, `/docs/*`"
    for character in "?#\\;%":
        if character in path:
            return f"it contains `{character}`", "write the path as the app sees it: decoded, without the query"
    if any(segment in (".", "..") for segment in segments) or "" in segments[:-1]:
        return "it has an empty, `.` or `..` part", "write the path that is left when those are resolved"
    if below and path.endswith("/"):
        return "it has an empty part", "write one `/` before the `*`"
    return None
