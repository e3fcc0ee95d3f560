"""What goes into the check of a stream and what comes out: segments, findings, the report. The check itself is in `verification`."""

from collections.abc import Iterable
from enum import StrEnum

import msgspec


class FindingKind(StrEnum):
    """What is wrong. Stable names."""

    CHANGED = "changed"
    REMOVED = "removed"
    REORDERED = "reordered"
    TRUNCATED = "truncated"
    REWRITTEN = "rewritten"
    FORGED = "forged"
    ADDED = "added"
    UNREADABLE = "unreadable"
    EXPECTED_HEAD = "expected_head"


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that is wrong.

    Args:
        kind: see `FindingKind`.
        segment: the segment's number.
        line: the line in its file, from 1; 0 when it is about the whole file.
        words: what was found, one sentence.
    """

    kind: FindingKind
    segment: int
    line: int
    words: str


class StreamReport(msgspec.Struct, frozen=True, kw_only=True):
    """What was found in one stream.

    Args:
        stream: its name.
        segments: how many segments were read.
        records: how many records they hold.
        first_seq: number of the first line read; -1 when there is none.
        last_seq: number of the last line read; -1 when there is none.
        head: hash of that line, hexadecimal; empty when there is none.
        signed_seq: up to this line all is as it was signed; -1 when nothing is signed or that much is damaged.
        signed_at: when that was signed, seconds since the epoch; 0 when it was not.
        findings: what is wrong, in the order of the files.
        notes: what is unusual and yet in order.
    """

    stream: str
    segments: int = 0
    records: int = 0
    first_seq: int = -1
    last_seq: int = -1
    head: str = ""
    signed_seq: int = -1
    signed_at: float = 0.0
    findings: tuple[Finding, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def intact(self) -> bool:
        """Whether nothing is wrong."""
        return not self.findings


class SegmentSource(msgspec.Struct, frozen=True, kw_only=True):
    """One segment to check.

    Args:
        number: the number in its file's name.
        lines: its lines with their ends, in order; read once.
        statements: the lines of the file beside it, without their ends.
    """

    number: int
    lines: Iterable[bytes]
    statements: tuple[bytes, ...]


class ExpectedHead(msgspec.Struct, frozen=True):
    """A line remembered from an earlier check: its number and its hash in hexadecimal."""

    seq: int
    hash: str
