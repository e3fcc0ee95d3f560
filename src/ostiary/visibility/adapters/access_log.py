"""Follows the data plane's own log of requests: a file that grows and is put aside when it is large.

It is read here and handed on; what becomes of a line lives in `domain.request_event`.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ostiary.visibility.domain.request_event import Source

ASIDE_SUFFIX: Final = ".1"
MAX_LINE_BYTES: Final = 256 * 1024
_FINGERPRINT_CHARACTERS: Final = 16


@dataclass(frozen=True, slots=True)
class FollowedLine:
    """One line and the place after it."""

    text: bytes
    source: Source


def read_new_lines(path: Path, last: Source | None, *, limit: int) -> list[FollowedLine]:
    """Return the whole lines after the last one that was taken over, of the file put aside first.

    Args:
        path: the file that grows; the one put aside has `.1` added.
        last: the place after the last line taken over; `None` begins with the oldest line there is.
        limit: how many lines at most.

    Raises:
        OSError: when a file cannot be read.
    """
    aside = path.with_name(path.name + ASIDE_SUFFIX)
    old, current = fingerprint(aside), fingerprint(path)
    lines: list[FollowedLine] = []
    if old is not None and (last is None or last.file != current):
        start = last.offset if last is not None and last.file == old else 0
        lines = _read(aside, old, start, limit)
    if current is not None and len(lines) < limit:
        start = last.offset if last is not None and last.file == current else 0
        lines += _read(path, current, start, limit - len(lines))
    return lines


def put_aside(path: Path, last: Source | None, *, larger_than: int, reopen: Callable[[], None]) -> bool:
    """Rename a file that has grown large and have the data plane begin a new one; drop the one before when it is done with.

    Args:
        path: the file that grows.
        last: the place after the last line taken over.
        larger_than: in bytes; smaller files stay.
        reopen: tells the data plane to open `path` again; it may fail and is then tried again with the next call.

    Returns:
        Whether a file was put aside.

    Raises:
        OSError: when it cannot be renamed.
    """
    aside = path.with_name(path.name + ASIDE_SUFFIX)
    if aside.exists():
        if not path.exists():
            reopen()
            return False
        if last is None or last.file != fingerprint(path):
            return False
        aside.unlink()
    if not path.exists() or path.stat().st_size <= larger_than:
        return False
    path.rename(aside)
    reopen()
    return True


def fingerprint(path: Path) -> str | None:
    """Return what tells this file from every other: a digest of its first line; `None` before it has one."""
    try:
        with path.open("rb") as file:
            first = file.readline(MAX_LINE_BYTES)
    except FileNotFoundError:
        return None
    return hashlib.sha256(first).hexdigest()[:_FINGERPRINT_CHARACTERS] if first.endswith(b"\n") else None


def _read(path: Path, name: str, start: int, limit: int) -> list[FollowedLine]:
    lines: list[FollowedLine] = []
    offset = start
    with path.open("rb") as file:
        file.seek(start)
        while len(lines) < limit:
            text = file.readline()
            if not text.endswith(b"\n"):
                break
            offset += len(text)
            lines.append(FollowedLine(text[:-1], Source(name, offset)))
    return lines
