"""What a check found."""

from enum import StrEnum

import msgspec


class Level(StrEnum):
    """How bad it is. `PROBLEM` keeps something from working; `WARNING` will, or weakens something."""

    OK = "ok"
    WARNING = "warning"
    PROBLEM = "problem"


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One finding.

    Args:
        check: what was looked at, a short stable name.
        level: how bad it is.
        words: what was seen, one sentence.
        mend: what to type or do about it; empty when nothing is to be done.
    """

    check: str
    level: Level
    words: str
    mend: str = ""

    @property
    def is_problem(self) -> bool:
        """Whether something does not work."""
        return self.level is Level.PROBLEM


def fine(check: str, words: str) -> Finding:
    """Return a finding about something that is as it should be."""
    return Finding(check=check, level=Level.OK, words=words)


def warning(check: str, words: str, mend: str) -> Finding:
    """Return a finding about something that works, but not for long or not well."""
    return Finding(check=check, level=Level.WARNING, words=words, mend=mend)


def problem(check: str, words: str, mend: str) -> Finding:
    """Return a finding about something that does not work."""
    return Finding(check=check, level=Level.PROBLEM, words=words, mend=mend)
