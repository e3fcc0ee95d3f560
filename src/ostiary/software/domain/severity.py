"""How bad a vulnerability is: by the vectors its advisory gives, or by the word it uses. Pure.

Source: CVSS v3.1, section 5, and v4.0, section 6 (qualitative severity rating scale).
"""

from collections.abc import Iterable
from enum import IntEnum
from typing import Final

from cvss import CVSS3, CVSS4
from cvss.exceptions import CVSSError

MAX_VECTOR_CHARACTERS: Final = 400


class Severity(IntEnum):
    """Five steps, the worst last. Unknown: the advisory does not say, so nobody may take it for harmless."""

    UNKNOWN = 0
    LOW = 1
    MEDIUM = 2
    HIGH = 3
    CRITICAL = 4

    @property
    def word(self) -> str:
        """How programs name it."""
        return self.name.lower()


_WORDS: Final = {
    "critical": Severity.CRITICAL,
    "high": Severity.HIGH,
    "important": Severity.HIGH,
    "medium": Severity.MEDIUM,
    "moderate": Severity.MEDIUM,
    "low": Severity.LOW,
    "negligible": Severity.LOW,
    "unimportant": Severity.LOW,
}


def of_word(word: str) -> Severity:
    """Return the severity for a word as databases use them, whatever its case."""
    return _WORDS.get(word.strip().lower(), Severity.UNKNOWN)


def of_score(score: float) -> Severity:
    """Return the severity for a CVSS base score, 0.0 to 10.0."""
    for severity, least in ((Severity.CRITICAL, 9.0), (Severity.HIGH, 7.0), (Severity.MEDIUM, 4.0)):
        if score >= least:
            return severity
    return Severity.LOW


def score_of(vector: str) -> float | None:
    """Return the base score of a CVSS vector of version 3 or 4, or `None` for anything else."""
    if len(vector) > MAX_VECTOR_CHARACTERS:
        return None
    try:
        if vector.startswith("CVSS:4"):
            return float(CVSS4(vector).base_score)
        if vector.startswith("CVSS:3"):
            return float(CVSS3(vector).base_score)
    except (CVSSError, ValueError, KeyError, ArithmeticError):
        return None
    return None


def worst_score(vectors: Iterable[str]) -> float | None:
    """Return the highest base score of several vectors; `None` when none can be read."""
    return max((score for vector in vectors if (score := score_of(vector)) is not None), default=None)
