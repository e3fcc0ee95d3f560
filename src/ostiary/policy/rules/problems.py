"""What can be wrong with rules, said with its place and what to write instead."""

import difflib
from collections.abc import Iterable

import msgspec

from ostiary.errors import OstiaryError

MAX_PROBLEMS = 50
_SHOWN_CHARACTERS = 60


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that is wrong in a rules document.

    Args:
        line: where it is, from 1; 0 when it has no place in the text.
        column: where it is in the line, from 1; 0 when it has no place in the text.
        message: what is wrong: lower case, names in backticks, no full stop.
        hint: what to write instead; empty when nothing sensible can be said.
        file: `rules` for the document, `cedar` for the text beside it.
    """

    line: int
    column: int
    message: str
    hint: str = ""
    file: str = "rules"

    def __str__(self) -> str:
        place = f"line {self.line}, column {self.column}: " if self.line else ""
        prefix = "" if self.file == "rules" else f"{self.file}: "
        return f"{prefix}{place}{self.message}" + (f" ({self.hint})" if self.hint else "")


class InvalidRules(OstiaryError):
    """The rules cannot be used; nothing of them is in force.

    Args:
        problems: everything that was found, in the order of the text, at most `MAX_PROBLEMS`.
    """

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)[:MAX_PROBLEMS]
        count = len(self.problems)
        title = "The rules have a problem." if count == 1 else f"The rules have {count} problems."
        super().__init__("\n".join([title, *map(str, self.problems)]))


def shown(text: str) -> str:
    """Return `text` fit for a message: in backticks, one line, shortened, nothing invisible."""
    short = text if len(text) <= _SHOWN_CHARACTERS else text[:_SHOWN_CHARACTERS] + "…"
    return f"`{printable(short)}`"


def printable(text: str) -> str:
    """Return `text` with every character that cannot be seen written as an escape."""
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return "did you mean `x`?" for the closest known word, or the choice when it is short, or nothing."""
    choices = sorted(known)
    close = difflib.get_close_matches(word[:_SHOWN_CHARACTERS].lower(), choices, n=1, cutoff=0.6)
    if close:
        return f"did you mean `{close[0]}`?"
    if 0 < len(choices) <= 12:
        return "use " + ", ".join(f"`{choice}`" for choice in choices)
    return ""
