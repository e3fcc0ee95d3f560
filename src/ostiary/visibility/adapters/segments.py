"""A stream's folder: how its files are called, and where the last whole line of a segment is. Writing is in `audit_log`."""

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ostiary.visibility.domain.chain import BrokenLine, ChainLine, chain_start, read_line

STREAMS: Final = ("decisions", "control", "requests")
_NAME: Final = re.compile(r"(\d{8})\.jsonl")
_CHUNK_BYTES: Final = 64 * 1024


def segment_path(folder: Path, number: int) -> Path:
    """Return the file of a segment in a stream's folder."""
    return folder / f"{number:08d}.jsonl"


def statements_path(folder: Path, number: int) -> Path:
    """Return the file beside a segment that holds what was signed about it."""
    return folder / f"{number:08d}.signed.jsonl"


def list_segments(folder: Path) -> list[int]:
    """Return the numbers of the segments in a stream's folder, in order; a missing folder has none."""
    try:
        names = [entry.name for entry in folder.iterdir()]
    except FileNotFoundError:
        return []
    return sorted(int(match[1]) for name in names if (match := _NAME.fullmatch(name)))


@dataclass(frozen=True, slots=True)
class SegmentEnd:
    """Where a segment ends.

    Args:
        good_bytes: length up to and including the last line end.
        torn_bytes: what follows it: a line that was never finished.
        last_line: the last finished line; `None` when there is none.
    """

    good_bytes: int
    torn_bytes: int
    last_line: bytes | None


def find_end(descriptor: int) -> SegmentEnd:
    """Find the last whole line of a segment, reading from its end.

    Args:
        descriptor: the segment, open for reading.

    Raises:
        OSError: when it cannot be read.
    """
    size = os.fstat(descriptor).st_size
    start, tail = size, b""
    end = -1
    while start > 0:
        step = min(_CHUNK_BYTES, start)
        start -= step
        tail = os.pread(descriptor, step, start) + tail
        end = tail.rfind(b"\n")
        if end >= 0 and (before := tail.rfind(b"\n", 0, end)) >= 0:
            return SegmentEnd(start + end + 1, len(tail) - end - 1, tail[before + 1 : end])
    if end < 0:
        return SegmentEnd(0, size, None)
    return SegmentEnd(end + 1, size - end - 1, tail[:end])


def last_readable_line(folder: Path, stream: str, numbers: list[int]) -> tuple[int, bytes]:
    """Return the number and hash of the last line that can be read in any of the segments, newest first.

    Only needed when the newest segment ends in something that is no line: normally its last line says it all.

    Raises:
        OSError: when a segment cannot be read.
    """
    for number in reversed(numbers):
        found: ChainLine | None = None
        with segment_path(folder, number).open("rb") as file:
            for line in file:
                try:
                    found = read_line(line.removesuffix(b"\n"))
                except BrokenLine:
                    continue
        if found is not None:
            return found.seq, found.hash
    return -1, chain_start(stream)
