"""Checks a stream of the record line by line and says what is wrong, where, and what is certain all the same. Pure.

Reading the files is in `adapters.verification`; the form of a line is in `chain`, of a signature in `statement`, of what is found in `verification_forms`.
"""

from collections.abc import Iterable
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from ostiary.visibility.domain.chain import BrokenLine, ChainLine, chain_start, link, read_header, read_line
from ostiary.visibility.domain.statement import ForgedStatement, Statement, read_statement
from ostiary.visibility.domain.verification_forms import (
    ExpectedHead,
    Finding,
    FindingKind,
    SegmentSource,
    StreamReport,
)

__all__ = ["ExpectedHead", "Finding", "FindingKind", "SegmentSource", "StreamReport", "verify_stream"]

MAX_FINDINGS: Final = 200


def verify_stream(
    *,
    stream: str,
    segments: Iterable[SegmentSource],
    removals: Iterable[bytes],
    key: Ed25519PublicKey,
    expected: ExpectedHead | None = None,
) -> StreamReport:
    """Check one stream from its first segment to its last.

    Args:
        stream: its name.
        segments: its segments in the order of their numbers.
        removals: the signed lines that say what retention removed.
        key: the only key whose signatures count.
        expected: a line that must be there with that hash.
    """
    checker = _Checker(stream, key, expected)
    checker.read_removals(removals)
    for source in segments:
        checker.read_segment(source)
    return checker.report()


class _Checker:
    """Walks the lines of one stream, holding only the tip of the chain."""

    def __init__(self, stream: str, key: Ed25519PublicKey, expected: ExpectedHead | None) -> None:
        self._stream = stream
        self._key = key
        self._expected = expected
        self._findings: list[Finding] = []
        self._more_findings = 0
        self._notes: list[str] = []
        self._removed_to: dict[int, Statement] = {}
        self._segments = 0
        self._records = 0
        self._first_seq = -1
        self._tip_seq = -1
        self._tip_hashes: tuple[bytes, ...] = (chain_start(stream),)
        self._head = b""
        self._last_readable: tuple[int, tuple[bytes, ...]] = (self._tip_seq, self._tip_hashes)
        self._damaged_from: int | None = None
        self._signed_seq = -1
        self._signed_at = 0.0
        self._missing: dict[int, Finding] = {}
        self._segment = 0
        self._line = 0
        self._torn = False
        self._sealed = True
        self._unsealed: list[int] = []
        self._signed_segment = 0
        self._head_seen = False

    def read_removals(self, lines: Iterable[bytes]) -> None:
        for number, line in enumerate(lines, 1):
            try:
                statement = read_statement(line, self._key)
            except ForgedStatement as error:
                self._find(FindingKind.FORGED, f"Line {number} of the removals: {error.message}")
                continue
            if statement.kind == "removal" and statement.stream == self._stream:
                self._removed_to[statement.segment] = statement

    def read_segment(self, source: SegmentSource) -> None:
        self._begin(source.number)
        signed = self._statements(source.statements)
        for self._line, raw in enumerate(source.lines, 1):
            self._read_raw(raw, signed)
        if self._line == 0:
            self._find(FindingKind.UNREADABLE, "The segment is empty.")
        self._end(signed)

    def report(self) -> StreamReport:
        if self._expected is not None and not self._head_seen:
            words = f"Line {self._expected.seq}, remembered from an earlier check, is not there with that hash."
            self._find(FindingKind.EXPECTED_HEAD, words)
        for number in self._unsealed:
            self._judge_unsealed(number)
        if self._more_findings:
            self._notes.append(f"{self._more_findings} more findings are not shown.")
        if self._torn:
            self._notes.append("The last line was never finished; no record in it was acknowledged.")
        intact_to = self._tip_seq if self._damaged_from is None else self._damaged_from - 1
        certain = self._signed_seq <= intact_to
        empty = self._first_seq < 0
        return StreamReport(
            stream=self._stream,
            segments=self._segments,
            records=self._records,
            first_seq=self._first_seq,
            last_seq=-1 if empty else self._tip_seq,
            head=self._head.hex(),
            signed_seq=self._signed_seq if certain else -1,
            signed_at=self._signed_at if certain else 0.0,
            findings=tuple(self._findings),
            notes=tuple(self._notes),
        )

    def _judge_unsealed(self, number: int) -> None:
        """The signer seals closed segments before it signs anything newer."""
        if number < self._signed_segment:
            self._segment, self._line = number, 0
            self._find(FindingKind.REMOVED, "The seal of this segment is missing.")
        else:
            self._notes.append(f"Segment {number} is closed and not sealed yet.")

    def _begin(self, number: int) -> None:
        if self._segments == 0:
            self._begin_first(number)
        elif number != self._segment + 1:
            self._segment = number
            words = "The segments before this one are missing."
            self._find(FindingKind.REMOVED, words)
            self._tip_hashes = ()
        elif not self._sealed:
            self._unsealed.append(self._segment)
        if self._torn:
            self._find(FindingKind.CHANGED, "The segment before this one ends in the middle of a line.")
            self._torn = False
        self._segments += 1
        self._segment, self._line = number, 0

    def _begin_first(self, number: int) -> None:
        self._segment = number
        if number == 1:
            return
        removal = self._removed_to.get(number - 1)
        if removal is None:
            self._find(
                FindingKind.REMOVED, "Earlier segments are missing, and no signed statement says they were removed."
            )
            self._tip_hashes = ()
        else:
            self._tip_seq, self._tip_hashes = removal.seq, (bytes.fromhex(removal.head),)
            self._notes.append(f"Segments up to {number - 1} were removed by retention, as was signed.")

    def _statements(self, lines: tuple[bytes, ...]) -> dict[int, Statement]:
        """Return the signed statements by the line they speak of."""
        signed: dict[int, Statement] = {}
        for number, line in enumerate(lines, 1):
            if not line:
                continue
            try:
                statement = read_statement(line, self._key)
            except ForgedStatement as error:
                self._find(FindingKind.FORGED, f"Line {number} of the signatures: {error.message}")
                continue
            if (statement.stream, statement.segment) != (self._stream, self._segment):
                self._find(FindingKind.FORGED, f"Line {number} of the signatures is about another segment.")
                continue
            before = signed.get(statement.seq)
            if before is not None and before.head != statement.head:
                self._find(FindingKind.REWRITTEN, f"Two different histories were signed for line {statement.seq}.")
            signed[statement.seq] = statement
        return signed

    def _read_raw(self, raw: bytes, signed: dict[int, Statement]) -> None:
        if not raw.endswith(b"\n"):
            self._torn = True
            return
        try:
            line = read_line(raw[:-1])
        except BrokenLine as error:
            self._find(FindingKind.UNREADABLE, error.message)
            self._tip_seq, self._tip_hashes = self._tip_seq + 1, ()
            return
        if line.kind == "event":
            self._records += 1
        elif self._continues_unreadable(line):
            self._tip_seq, self._tip_hashes = self._last_readable
        self._read_line(line)
        self._check_header(line)
        self._check_signature(line, signed)

    def _continues_unreadable(self, line: ChainLine) -> bool:
        """A writer that finds no line at the end goes on from the last one it can read."""
        try:
            return read_header(line).unreadable_end
        except BrokenLine:
            return False

    def _read_line(self, line: ChainLine) -> None:
        follows = [link(tip, line.kind, line.body) for tip in self._tip_hashes]
        if line.hash in follows:
            if line.seq != self._tip_seq + 1:
                self._find(FindingKind.CHANGED, f"The number of line {self._tip_seq + 1} was changed to {line.seq}.")
            self._advance(self._tip_seq + 1, (line.hash,))
            return
        if line.seq <= self._tip_seq:
            self._out_of_place(line)
            return
        if line.seq > self._tip_seq + 1 and self._first_seq >= 0:
            self._gap(self._tip_seq + 1, line.seq - 1)
            self._advance(line.seq, (line.hash,))
            return
        if follows:
            self._find(FindingKind.CHANGED, f"Line {line.seq} is not what was written.", seq=line.seq)
        self._advance(line.seq, (line.hash, *follows))

    def _advance(self, seq: int, hashes: tuple[bytes, ...]) -> None:
        if self._first_seq < 0:
            self._first_seq = seq
        self._tip_seq, self._tip_hashes, self._head = seq, hashes, hashes[0]
        self._last_readable = (seq, hashes)
        expected = self._expected
        if expected is not None and seq == expected.seq and hashes[0].hex() == expected.hash:
            self._head_seen = True

    def _gap(self, first: int, last: int) -> None:
        words = f"Line {first} is missing." if first == last else f"Lines {first} to {last} are missing."
        self._find(FindingKind.REMOVED, words, seq=first)
        if first == last and self._findings[-1].words == words:
            self._missing[first] = self._findings[-1]

    def _out_of_place(self, line: ChainLine) -> None:
        missing = self._missing.pop(line.seq, None)
        if missing is not None:
            self._findings.remove(missing)
        self._find(FindingKind.REORDERED, f"Line {line.seq} stands in the wrong place, or twice.", seq=line.seq)

    def _check_header(self, line: ChainLine) -> None:
        if (line.kind == "segment") != (self._line == 1):
            self._find(FindingKind.CHANGED, "A header stands where a record should be, or the other way round.")
            return
        if line.kind == "event":
            return
        try:
            header = read_header(line)
        except BrokenLine as error:
            self._find(FindingKind.UNREADABLE, error.message)
            return
        if (header.stream, header.segment) != (self._stream, self._segment):
            self._find(
                FindingKind.CHANGED,
                f"This is segment {header.segment} of stream {header.stream!r}, put in another's place.",
            )

    def _check_signature(self, line: ChainLine, signed: dict[int, Statement]) -> None:
        statement = signed.get(line.seq)
        if statement is None:
            return
        if statement.head != line.hash.hex():
            words = (
                f"Line {line.seq} is not the one that was signed: lines after {self._signed_seq} were changed"
                " and the chain was made again."
            )
            self._find(FindingKind.REWRITTEN, words, seq=self._signed_seq + 1)
        elif self._damaged_from is None:
            self._signed_seq, self._signed_at = line.seq, statement.at

    def _end(self, signed: dict[int, Statement]) -> None:
        if signed:
            self._signed_segment = self._segment
        last = max(signed, default=-1)
        if last > self._tip_seq:
            words = f"The segment ends at line {self._tip_seq}, but it was signed up to line {last}."
            self._find(FindingKind.TRUNCATED, words, seq=self._tip_seq + 1)
        self._sealed = any(statement.kind == "seal" for statement in signed.values())
        seal = max((seq for seq, statement in signed.items() if statement.kind == "seal"), default=None)
        if seal is not None and seal < self._tip_seq:
            self._find(FindingKind.ADDED, f"Lines were added after line {seal}, where the segment was sealed.")

    def _find(self, kind: FindingKind, words: str, *, seq: int | None = None) -> None:
        seq = self._tip_seq + 1 if seq is None else seq
        if kind is not FindingKind.FORGED:
            self._damaged_from = seq if self._damaged_from is None else min(self._damaged_from, seq)
        if len(self._findings) >= MAX_FINDINGS:
            self._more_findings += 1
            return
        self._findings.append(Finding(kind=kind, segment=self._segment, line=self._line, words=words))
