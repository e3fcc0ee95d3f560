"""Files of past requests: one a day and stream, only ever added to. What a block holds lives in `domain.past_block`.

They hold nothing that is not in the record; whoever removes the folder has it made again.
"""

import contextlib
import os
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from ostiary.policy.past import PastRequests, from_ticks
from ostiary.visibility.adapters.stream_lock import StreamLock
from ostiary.visibility.domain.past_block import Reached, Row, Tables, read_blocks, tables_of, write_block

_NAME: Final = re.compile(r"(\d{8})\.past", re.ASCII)
_LOCK_NAME: Final = "lock"


def day_of(moment: float) -> int:
    """Return the day of a moment (seconds since the epoch) in UTC, as the number 20261122."""
    return int(f"{datetime.fromtimestamp(moment, UTC):%Y%m%d}")


def day_of_row(row: Row) -> int:
    """Return the day on which a request was decided."""
    return day_of(from_ticks(row.ticks))


class PastWriter:
    """Adds to the files of one stream; one process at a time.

    Args:
        folder: for all streams.
        stream: of the record.
    """

    def __init__(self, folder: Path, stream: str) -> None:
        self._folder = folder / stream
        self._stream = stream
        self._lock = StreamLock(self._folder / _LOCK_NAME, wait_seconds=0)
        self._day = 0
        self._bytes = 0
        self._tables = Tables()
        self.reached = Reached()

    @property
    def is_open(self) -> bool:
        """Whether this process holds the stream."""
        return self._lock.held

    def open(self) -> None:
        """Read the newest file and cut off what was not written whole.

        Raises:
            StreamInUse: when another process writes.
            OSError: when a file cannot be read or cut.
        """
        self._lock.take()
        days = list_days(self._folder)
        self._day = days[-1] if days else 0
        self._bytes, self._tables, self.reached = 0, Tables(), Reached()
        if self._day:
            path = day_path(self._folder, self._day)
            content = path.read_bytes()
            requests, self.reached, self._bytes = read_blocks(content, self._stream)
            self._tables = tables_of(requests)
            if len(content) > self._bytes:
                os.truncate(path, self._bytes)
            if not self._bytes:
                path.unlink()
                self.open()

    def close(self) -> None:
        """Let others write."""
        self._lock.close()

    def append(self, rows: list[Row], reached: Reached, *, day: int) -> None:
        """Write rows and the place they reach, in one block.

        Args:
            rows: none of a day later than `day`.
            reached: the place.
            day: whose file; the newest file's day when that is later.

        Raises:
            OSError: when the disk refuses; nothing was added then.
        """
        if day > self._day:
            self._day, self._bytes, self._tables = day, 0, Tables()
        path = day_path(self._folder, self._day)
        block = write_block(self._tables, rows, reached)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            _write_at(descriptor, block, self._bytes)
        except OSError:
            with contextlib.suppress(OSError):
                os.ftruncate(descriptor, self._bytes)
            self.close()
            raise
        finally:
            os.close(descriptor)
        self._bytes += len(block)
        self.reached = reached

    def forget_before(self, day: int) -> int:
        """Remove the files of earlier days; return how many.

        The place that was reached outlives them.
        """
        old = [one for one in list_days(self._folder) if one < day]
        if old and self._day < day:
            self.append([], self.reached, day=day)
        for one in old:
            day_path(self._folder, one).unlink(missing_ok=True)
        return len(old)

    def forget_all(self) -> int:
        """Remove every file, the newest first, so that the place is never ahead of the rows; return how many."""
        days = list_days(self._folder)
        for one in reversed(days):
            day_path(self._folder, one).unlink(missing_ok=True)
        self._day, self._bytes, self._tables, self.reached = 0, 0, Tables(), Reached()
        return len(days)


def read_file(folder: Path, stream: str, day: int) -> PastRequests:
    """Return the requests of a day; none when the file was removed meanwhile.

    Args:
        folder: for all streams.
        stream: of the record.
        day: as `day_of` returns it.

    Raises:
        OSError: when the file cannot be read.
    """
    try:
        content = day_path(folder / stream, day).read_bytes()
    except FileNotFoundError:
        return PastRequests(stream=stream)
    return read_blocks(content, stream)[0]


def list_days(folder: Path) -> list[int]:
    """Return the days of a stream's folder, in order; a missing folder has none."""
    try:
        names = [entry.name for entry in folder.iterdir()]
    except FileNotFoundError:
        return []
    return sorted(int(match[1]) for name in names if (match := _NAME.fullmatch(name)))


def day_path(folder: Path, day: int) -> Path:
    """Return the file of a day in a stream's folder."""
    return folder / f"{day:08d}.past"


def _write_at(descriptor: int, block: bytes, offset: int) -> None:
    written = 0
    while written < len(block):
        written += os.pwrite(descriptor, block[written:], offset + written)
