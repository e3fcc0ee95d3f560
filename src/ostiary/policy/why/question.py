"""Reads a question as people write it: what is asked for and what is known, in the words of a test of the rules.

So `mfa`, `device`, `from` and the rest mean here what they mean under `tests:`. Whose question it is, is not read here.
"""

from collections.abc import Iterator, Mapping
from typing import Final

import msgspec

from ostiary.errors import OstiaryError
from ostiary.policy.request import AccessRequest
from ostiary.policy.rules.case_reader import read_case
from ostiary.policy.rules.fields import Problems
from ostiary.policy.rules.problems import Problem, shown
from ostiary.policy.rules.selector_reader import Known
from ostiary.policy.rules.yaml_tree import MapNode, Node, Scalar

KEYS: Final = ("to", "do", "path", "mfa", "mfa_age", "device", "from", "country", "risk", "at")
NO_SECOND_FACTOR: Final = "none"
_FIXED: Final = {"name": "question", "as": "anyone", "expect": "allow"}


class InvalidQuestion(OstiaryError):
    """A question that cannot be asked.

    Args:
        problems: everything that is wrong, each with the key it is written under.
    """

    def __init__(self, problems: tuple[tuple[str, Problem], ...]) -> None:
        self.problems = problems
        super().__init__(
            f"The question cannot be asked: {'; '.join(str(_unplaced(problem)) for _, problem in problems)}."
        )


class Question(msgspec.Struct, frozen=True):
    """A request of nobody in particular, with everything that is said of it, at a moment (seconds since the epoch)."""

    request: AccessRequest
    at: float


def read_question(written: Mapping[str, str], known: Known, now: float) -> Question:
    """Read a question.

    Args:
        written: text by key of `KEYS`; one that is missing or empty is not said. `to` must be said. A `device` is
            written `managed=true,os_version=14`; `mfa` may be `none`.
        known: names that exist.
        now: the moment that is meant where `at` is not said, seconds since the epoch.

    Raises:
        InvalidQuestion: with every problem that was found.
    """
    said = {key: text.strip() for key in KEYS if (text := written.get(key, "")).strip()}
    problems = Problems()
    case = read_case(_as_test(said, problems), known, problems)
    if problems.found or case is None:
        raise InvalidQuestion(tuple((KEYS[max(one.line, 1) - 1], one) for one in problems.found))
    at = case.at if "at" in said else now
    subject = case.request.subject
    proofs = tuple(msgspec.structs.replace(proof, at=at - (case.at - proof.at)) for proof in subject.authentications)
    subject = msgspec.structs.replace(subject, authentications=proofs)
    return Question(msgspec.structs.replace(case.request, subject=subject), at)


def _as_test(said: Mapping[str, str], problems: Problems) -> MapNode:
    """Return the question as an entry of `tests:`; a node's line says under which key it was written."""
    entries: list[tuple[Scalar, Node]] = [(_text(key, "to"), _text(text, "to")) for key, text in _FIXED.items()]
    for key, text in said.items():
        if key == "device":
            entries.append((_text(key, key), MapNode(tuple(_facts(text, problems)), *_place(key))))
        elif key == "mfa" and text != NO_SECOND_FACTOR:
            entries.append((_text(key, key), _proof(said)))
        elif key == "mfa_age" and said.get("mfa", NO_SECOND_FACTOR) == NO_SECOND_FACTOR:
            problems.add(_text(text, key), "there is no second factor that could have an age", "say `mfa` too")
        elif key not in ("mfa", "mfa_age"):
            entries.append((_text(key, key), _text(text, key)))
    return MapNode(tuple(entries), *_place("to"))


def _proof(said: Mapping[str, str]) -> Node:
    method = _text(said["mfa"], "mfa")
    if "mfa_age" not in said:
        return method
    age = (_text("age", "mfa_age"), _text(said["mfa_age"], "mfa_age"))
    return MapNode(((_text("method", "mfa"), method), age), *_place("mfa"))


def _facts(text: str, problems: Problems) -> Iterator[tuple[Scalar, Scalar]]:
    names = set()
    for fact in text.split(","):
        name, equals, value = (part.strip() for part in fact.partition("="))
        if not equals:
            problems.add(_text(fact, "device"), "a device fact has no value", "write `managed=true,os_version=14`")
        elif name in names:
            problems.add(_text(fact, "device"), f"{shown(name)} stands twice in `device`", "remove one")
        else:
            names.add(name)
            yield _text(name, "device"), _text(value, "device")


def _text(text: str, key: str) -> Scalar:
    return Scalar(text, False, *_place(key))


def _place(key: str) -> tuple[int, int]:
    return KEYS.index(key) + 1, 0


def _unplaced(problem: Problem) -> Problem:
    return msgspec.structs.replace(problem, line=0)
