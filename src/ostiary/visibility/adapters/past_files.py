"""Files of past requests: one a day and stream, only ever added to. What a block holds lives in `domain.past_block`.

They hold nothing that is not in the record; whoever removes the folder has it made again.
"""

import contextlib
import os
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from ostiary.errors import OstiaryError
from ostiary.policy.past import PastRequests
from ostiary.visibility.adapters.stream_lock import StreamLock
from ostiary.visibility.domain.past_block import (
    Reached,
    Row,
    Tables,
    is_unfinished,
    is_whole,
    read_blocks,
    tables_of,
    write_block,
)

_NAME: Final = re.compile(r"(\d{8})\.past", re.ASCII)
_LOCK_NAME: Final = "lock"


class PastDamaged(OstiaryError):
    """A file of past requests cannot be read to its end."""


def day_of(moment: float) -> int:
    """Return the day of a moment (seconds since the epoch) in UTC, as the number 20261122."""
    return int(f"{datetime.fromtimestamp(moment, UTC):%Y%m%d}")


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

    @property
    def day(self) -> int:
        """The day of the newest file, as `day_of` returns it; 0 without one."""
        return self._day

    def open(self) -> int:
        """Read the newest file and cut off what was not written whole.

        A file that is not the newest is always whole. Where one is not, the disk or somebody damaged it: it is removed with
        all after it, so that they are made again.

        Returns:
            How many damaged files, and files after them, were removed.

        Raises:
            StreamInUse: when another process writes.
            OSError: when a file cannot be read, cut or removed.
        """
        self._lock.take()
        removed = self._remove_damaged()
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
        return removed

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
            OSError: when the disk refuses; nothing was added then. Another process may write, and the file is read
                again before the next block: the tables in memory know entries that it lacks.
        """
        try:
            if day > self._day:
                self._settle()
                self._day, self._bytes, self._tables = day, 0, Tables()
            block = write_block(self._tables, rows, reached)
            self._write(block)
        except BaseException:
            self.close()
            raise
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
        """Remove every file; return how many."""
        days = list_days(self._folder)
        self._remove(days)
        self._day, self._bytes, self._tables, self.reached = 0, 0, Tables(), Reached()
        return len(days)

    def _remove_damaged(self) -> int:
        days = list_days(self._folder)
        for day in days[:-1]:
            if not is_whole(day_path(self._folder, day).read_bytes()):
                self._remove(days[days.index(day) :])
                return len(days) - days.index(day)
        return 0

    def _remove(self, days: list[int]) -> None:
        """The newest first, so that the place is never ahead of the rows."""
        for one in reversed(days):
            day_path(self._folder, one).unlink(missing_ok=True)

    def _settle(self) -> None:
        """Have the last file on the disk before the next one begins: only the newest may lack its end after a power cut."""
        if self._day:
            descriptor = os.open(day_path(self._folder, self._day), os.O_RDONLY | os.O_CLOEXEC)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)

    def _write(self, block: bytes) -> None:
        path = day_path(self._folder, self._day)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            _write_at(descriptor, block, self._bytes)
        except OSError:
            with contextlib.suppress(OSError):
                os.ftruncate(descriptor, self._bytes)
            raise
        finally:
            os.close(descriptor)


def read_file(folder: Path, stream: str, day: int, *, newest: bool) -> PastRequests:
    """Return the requests of a day; none when the file was removed meanwhile.

    Args:
        folder: for all streams.
        stream: of the record.
        day: as `day_of` returns it.
        newest: whether a writer may be adding to it; a block whose end is missing then is not kept yet.

    Raises:
        PastDamaged: when it holds something else than whole blocks.
        OSError: when the file cannot be read.
    """
    path = day_path(folder / stream, day)
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return PastRequests(stream=stream)
    requests, _, end = read_blocks(content, stream)
    if (content and end == len(content)) or (newest and is_unfinished(content, end)):
        return requests
    raise PastDamaged(
        f"{path} is damaged from byte {end} on, so that requests of that day are missing.",
        hint="Start Ostiary again: the worker makes what is damaged again from the record.",
    )


def read_reached(folder: Path, stream: str) -> Reached:
    """Return how far a stream of the record was taken over.

    Args:
        folder: for all streams.
        stream: of the record.

    Raises:
        OSError: when a file cannot be read.
    """
    for day in reversed(list_days(folder / stream)):
        with contextlib.suppress(FileNotFoundError):
            reached = read_blocks(day_path(folder / stream, day).read_bytes(), stream)[1]
            if reached.segment:
                return reached
    return Reached()


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
