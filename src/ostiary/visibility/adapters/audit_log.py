"""Appends records to one stream of the audit log, and says no when it cannot. No Django.

What a line looks like is in `domain.chain`; signing and retention are in `checkpoints`; checking is in `verification`.
"""

import errno
import os
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import msgspec

from ostiary.visibility.adapters.outage import Outage
from ostiary.visibility.adapters.segments import find_end, last_readable_line, list_segments, segment_path
from ostiary.visibility.adapters.stream_lock import StreamLock
from ostiary.visibility.adapters.unavailable import RecordUnavailable, StreamInUse
from ostiary.visibility.domain import chain
from ostiary.visibility.domain.statement import load_signing_key

__all__ = ["AuditLog", "Limits", "RecordUnavailable", "StreamInUse"]

_LOCK_NAME: Final = "writer.lock"
_LOCK_WAIT_SECONDS: Final = 5.0
_GUARD_SECONDS: Final = 1.0
_MIB: Final = 1024 * 1024
SHARED_STREAMS: Final = frozenset({"control"})


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """How large a segment grows and how much space must stay free.

    Args:
        segment_bytes: a segment is closed when it would grow beyond this.
        min_free_bytes: with less free space than this nothing is recorded any more.
    """

    segment_bytes: int = 64 * _MIB
    min_free_bytes: int = 256 * _MIB


DEFAULT_LIMITS: Final = Limits()
_LINE_BYTES_BESIDE_RECORD: Final = 110


def _room_for(records: Sequence[bytes]) -> int:
    return sum(map(len, records)) + len(records) * _LINE_BYTES_BESIDE_RECORD


class AuditLog:
    """The writing end of one stream.

    A line that was once whole is never taken back. When a batch could only be written in part, its whole lines stay,
    although they were not acknowledged; the record of the gap says how many.

    Streams that several processes write (`control`) are locked for each append; all others have one writer, which
    keeps the lock as long as it lives. Opening is done by the first append and again after every failure, so that
    the log recovers by itself.

    Args:
        folder: the audit folder; the stream has a folder of its own in it.
        stream: the stream's name.
        signing_key: Ed25519 private key in PEM. It signs nothing here, but nothing is written that could not be signed.
        limits: see `Limits`.

    Raises:
        UnusableKey: when the key is none.
    """

    def __init__(self, folder: Path, stream: str, signing_key: bytes, limits: Limits = DEFAULT_LIMITS) -> None:
        self.stream = stream
        load_signing_key(signing_key)
        self.folder = folder / stream
        self._limits = limits
        self._shared = stream in SHARED_STREAMS
        self._mutex = threading.Lock()
        self._lock = StreamLock(self.folder / _LOCK_NAME, wait_seconds=_LOCK_WAIT_SECONDS if self._shared else 0.0)
        self._outage = Outage(stream)
        self._descriptor: int | None = None
        self._segment = 0
        self._offset = 0
        self._seq = -1
        self._hash = b""
        self._guard_after = 0.0

    def append(self, records: Sequence[bytes], *, durable: bool = False) -> None:
        """Write records, in order, after everything written before; return only when they are written.

        Args:
            records: each one line of JSON without the line's end.
            durable: return only when they are on the disk, not just with the kernel: they then survive a power cut,
                not only the death of the process.

        Raises:
            RecordUnavailable: when they could not be written; none of them counts as recorded.
            ValueError: when a record contains a line's end.
        """
        for record in records:
            if b"\n" in record:
                raise ValueError("a record must be one line")
        with self._mutex:
            try:
                self._lock.take()
                try:
                    self._write(records, durable=durable)
                finally:
                    if self._shared:
                        self._lock.let_go()
            except OSError as error:
                self._fail(f"{error.strerror or error}", len(records))
                raise RecordUnavailable(
                    f"The audit log cannot be written ({error.strerror or error}).",
                    hint="Free space or mend the permissions of the audit folder; until then requests are refused.",
                    detail=f"{self.folder}: {error}",
                ) from error
            except RecordUnavailable as error:
                self._fail(error.message, len(records))
                raise

    def open(self) -> None:
        """Take the stream now rather than with the first record.

        Raises:
            RecordUnavailable: when that is not possible; `StreamInUse` when another process has it.
        """
        self.append(())

    def close(self) -> None:
        """Let go of the stream."""
        with self._mutex:
            self._close_segment()
            self._lock.close()

    @property
    def available(self) -> bool:
        """Whether the last append succeeded."""
        return not self._outage.lasts

    @property
    def head(self) -> tuple[int, bytes]:
        """The number and hash of the last line written here; -1 before the first."""
        return self._seq, self._hash

    def _write(self, records: Sequence[bytes], *, durable: bool) -> None:
        self._guard()
        self._open_segment()
        if self._outage.untold:
            records = (*self._outage.records(), *records)
        if not records:
            self._outage.end()
            return
        if self._offset + _room_for(records) > self._limits.segment_bytes and self._has_events():
            self._begin_segment(self._segment + 1)
        data, seq, digest = self._lines(records)
        self._write_through(data, durable=durable)
        self._offset += len(data)
        self._seq, self._hash = seq, digest
        if self._outage.untold:
            self._outage.end()

    def _lines(self, records: Sequence[bytes]) -> tuple[bytes, int, bytes]:
        lines = []
        seq, digest = self._seq, self._hash
        for record in records:
            seq += 1
            line, digest = chain.write_line(seq, digest, "event", record)
            lines.append(line)
        return b"".join(lines), seq, digest

    def _write_through(self, data: bytes, *, durable: bool, header: bool = False) -> None:
        descriptor = self._descriptor
        if descriptor is None:
            raise RecordUnavailable("The audit log is not open.")
        written = 0
        try:
            written = os.write(descriptor, data)
            if written != len(data):
                raise OSError(errno.ENOSPC, "no space left for a whole record")
            if durable:
                os.fdatasync(descriptor)
        except OSError:
            if written and not header:
                self._outage.keep(data[:written].count(b"\n"))
            self._close_segment()
            raise

    def _guard(self) -> None:
        """Once a second: is there space, and is the open file still the one in the folder."""
        now = time.monotonic()
        if now < self._guard_after:
            return
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        space = os.statvfs(self.folder)
        free = space.f_bavail * space.f_frsize
        if free < self._limits.min_free_bytes:
            raise RecordUnavailable(
                f"The disk of the audit log has {free // _MIB} MiB left, less than the {self._limits.min_free_bytes // _MIB}"
                " MiB that must stay free.",
                hint="Free space on that disk, or lower record.min_free_mib.",
            )
        if self._descriptor is not None and not self._still_in_place(self._descriptor):
            self._close_segment()
        self._guard_after = now + _GUARD_SECONDS

    def _still_in_place(self, descriptor: int) -> bool:
        try:
            named = segment_path(self.folder, self._segment).stat()
        except FileNotFoundError:
            return False
        opened = os.fstat(descriptor)
        return (named.st_ino, named.st_dev) == (opened.st_ino, opened.st_dev)

    def _open_segment(self) -> None:
        if self._descriptor is not None:
            if not self._shared or self._is_current(self._descriptor):
                return
            self._close_segment()
        numbers = list_segments(self.folder)
        if not numbers:
            self._seq, self._hash = -1, chain.chain_start(self.stream)
            self._begin_segment(1)
            return
        self._continue_segment(numbers)

    def _is_current(self, descriptor: int) -> bool:
        """Whether no other process wrote since we did."""
        following = segment_path(self.folder, self._segment + 1)
        return os.fstat(descriptor).st_size == self._offset and not following.exists()

    def _continue_segment(self, numbers: list[int]) -> None:
        number = numbers[-1]
        path = segment_path(self.folder, number)
        descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CLOEXEC)
        try:
            end = find_end(descriptor)
            if end.torn_bytes:
                os.ftruncate(descriptor, end.good_bytes)
                self._outage.repair(path.name, end.torn_bytes, "the last line was not finished")
            line = chain.read_line(end.last_line) if end.last_line is not None else None
        except chain.BrokenLine:
            os.close(descriptor)
            self._begin_after_unreadable(numbers)
            return
        except OSError:
            os.close(descriptor)
            raise
        self._descriptor, self._segment, self._offset = descriptor, number, end.good_bytes
        if line is not None:
            self._seq, self._hash = line.seq, line.hash
            return
        self._seq, self._hash = last_readable_line(self.folder, self.stream, numbers[:-1])
        self._write_header(number, unreadable_end=False)

    def _begin_after_unreadable(self, numbers: list[int]) -> None:
        """The end of the newest segment is no line of ours: leave it as evidence and go on in a new one."""
        self._seq, self._hash = last_readable_line(self.folder, self.stream, numbers)
        name = segment_path(self.folder, numbers[-1]).name
        self._begin_segment(numbers[-1] + 1, unreadable_end=True)
        self._outage.repair(name, 0, "the last line cannot be read, a new segment was begun")

    def _begin_segment(self, number: int, *, unreadable_end: bool = False) -> None:
        flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        descriptor = os.open(segment_path(self.folder, number), flags, 0o600)
        self._close_segment()
        self._descriptor, self._segment, self._offset = descriptor, number, 0
        self._write_header(number, unreadable_end=unreadable_end)
        directory = os.open(self.folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)

    def _write_header(self, number: int, *, unreadable_end: bool) -> None:
        header = chain.SegmentHeader(
            stream=self.stream,
            segment=number,
            created_at=time.time(),
            previous_hash=self._hash.hex(),
            unreadable_end=unreadable_end,
        )
        line, digest = chain.write_line(self._seq + 1, self._hash, "segment", msgspec.json.encode(header))
        self._write_through(line, durable=True, header=True)
        self._offset += len(line)
        self._seq, self._hash = self._seq + 1, digest

    def _has_events(self) -> bool:
        return self._offset > 1024

    def _fail(self, reason: str, refused: int) -> None:
        self._guard_after = 0.0
        self._outage.refuse(reason, refused)

    def _close_segment(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None
