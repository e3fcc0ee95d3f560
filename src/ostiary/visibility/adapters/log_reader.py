"""Reads a stream on from a position, and single lines by their place. Never writes; a half-written last line waits."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Final

from ostiary.errors import OstiaryError
from ostiary.visibility.adapters.segments import list_segments, segment_path
from ostiary.visibility.domain.chain import BrokenLine, ChainLine, read_line

MAX_BATCH_BYTES: Final = 16 * 1024 * 1024


class LineGone(OstiaryError):
    """A line of the record is no longer where it was."""


@dataclass(frozen=True, slots=True)
class Position:
    """Where to read on: segment 0 means from the oldest line there is.

    Args:
        segment: the segment's number.
        offset: in bytes, the beginning of the next line.
        seq: the number of the last line that was read.
    """

    segment: int = 0
    offset: int = 0
    seq: int = -1


@dataclass(frozen=True, slots=True)
class PlacedLine:
    """A line and where it is. `line` is `None` when it cannot be read."""

    segment: int
    offset: int
    length: int
    line: ChainLine | None


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """Where a line was indexed: its segment's number, where it begins and how long it is, with its end, in bytes."""

    segment: int
    offset: int
    length: int


@dataclass(frozen=True, slots=True)
class Batch:
    """What was read, and where to go on.

    Args:
        lines: whole lines, in order.
        position: where the next batch begins.
        lost: the file is shorter than the position, so the stream is not the one that was read before; nothing was read.
    """

    lines: tuple[PlacedLine, ...]
    position: Position
    lost: bool = False


def read_on(folder: Path, stream: str, position: Position, *, limit: int) -> Batch:
    """Read whole lines from a position.

    Args:
        folder: the audit folder.
        stream: the stream's name.
        position: where to begin.
        limit: how many lines at most.

    Raises:
        OSError: when a segment cannot be read.
    """
    place = folder / stream
    numbers = list_segments(place)
    following = [number for number in numbers if number >= max(position.segment, 1)]
    if not following:
        return Batch((), position, lost=position.segment > 0 and bool(numbers))
    number = following[0]
    offset = position.offset if number == position.segment else 0
    path = segment_path(place, number)
    if path.stat().st_size < offset:
        return Batch((), position, lost=True)
    lines, end = _read_lines(path, number, offset, limit)
    last = next((line.line.seq for line in reversed(lines) if line.line is not None), position.seq)
    if not lines and len(following) > 1 and path.stat().st_size == end:
        return read_on(folder, stream, Position(following[1], 0, position.seq), limit=limit)
    return Batch(tuple(lines), Position(number, end, last))


def _read_lines(path: Path, number: int, offset: int, limit: int) -> tuple[list[PlacedLine], int]:
    lines: list[PlacedLine] = []
    start = offset
    with path.open("rb") as file:
        file.seek(offset)
        while len(lines) < limit and offset - start < MAX_BATCH_BYTES:
            raw = file.readline()
            if not raw.endswith(b"\n"):
                break
            lines.append(PlacedLine(number, offset, len(raw), _read(raw)))
            offset += len(raw)
    return lines, offset


def read_at(folder: Path, stream: str, *, segment: int, offset: int, length: int) -> ChainLine:
    """Return one line by its place.

    Args:
        folder: the audit folder.
        stream: the stream's name.
        segment: the segment's number.
        offset: where the line begins, in bytes.
        length: with its end, in bytes.

    Raises:
        LineGone: when the segment was removed or holds something else there.
    """
    try:
        with segment_path(folder / stream, segment).open("rb") as file:
            file.seek(offset)
            line = _read(file.read(length))
    except OSError as error:
        raise LineGone(
            f"Segment {segment} of the stream {stream!r} cannot be read ({error.strerror}).",
            hint="It may have been removed by retention; look in your backups.",
        ) from None
    if line is None:
        raise LineGone(
            f"Segment {segment} of the stream {stream!r} is not what it was when it was indexed.",
            hint="Check the audit log with: ostiary audit verify",
        )
    return line


def read_several(folder: Path, stream: str, places: Iterable[Place]) -> Iterator[tuple[Place, ChainLine]]:
    """Yield lines by their places, in the order of the files, each file opened once; what is gone is left out.

    Args:
        folder: the audit folder.
        stream: the stream's name.
        places: where the lines begin.
    """
    for segment, wanted in groupby(sorted(set(places)), key=lambda place: place.segment):
        try:
            with segment_path(folder / stream, segment).open("rb") as file:
                for place in wanted:
                    file.seek(place.offset)
                    line = _read(file.read(place.length))
                    if line is not None:
                        yield place, line
        except OSError:
            continue


def _read(raw: bytes) -> ChainLine | None:
    try:
        return read_line(raw.removesuffix(b"\n"))
    except BrokenLine:
        return None
