"""Remembers what a stream could not record, and turns it into the records that say so once it can."""

import contextlib
import time
import uuid
from collections.abc import Sequence

import structlog

from ostiary.visibility.domain.log_event import log_gap_event, log_repair_event

_LOG = structlog.get_logger(__name__)


class Outage:
    """What is to be said about a stream with its next record. Holds nothing while all is well.

    Args:
        stream: the stream's name.
    """

    def __init__(self, stream: str) -> None:
        self._stream = stream
        self._since: float | None = None
        self._reason = ""
        self._refused = 0
        self._kept = 0
        self._repairs: list[bytes] = []

    @property
    def lasts(self) -> bool:
        """Whether the last append failed."""
        return self._since is not None

    @property
    def untold(self) -> bool:
        """Whether there is anything to say."""
        return self._since is not None or bool(self._repairs)

    def refuse(self, reason: str, records: int) -> None:
        """Note that records could not be written.

        Args:
            reason: why, as the system said.
            records: how many.
        """
        if self._since is None or reason != self._reason:
            _tell("audit_log_unavailable", stream=self._stream, reason=reason)
        if self._since is None:
            self._since = time.time()
        self._reason = reason
        self._refused += records

    def keep(self, lines: int) -> None:
        """Note that the disk took so many whole lines of a batch that was refused."""
        self._kept += lines

    def repair(self, file: str, removed_bytes: int, cause: str) -> None:
        """Note that the end of a segment was mended; what our own failed writes left behind is told with the gap.

        Args:
            file: the segment's file name.
            removed_bytes: how much was cut off.
            cause: what was seen.
        """
        if self.lasts:
            return
        _tell("audit_log_repaired", stream=self._stream, file=file, removed_bytes=removed_bytes, cause=cause)
        event = log_repair_event(
            at=time.time(),
            uid=uuid.uuid4().hex,
            stream=self._stream,
            file=file,
            removed_bytes=removed_bytes,
            cause=cause,
        )
        self._repairs.append(event.encoded)

    def records(self) -> Sequence[bytes]:
        """Return what is to be written before anything else."""
        if self._since is None or not self._refused:
            return tuple(self._repairs)
        gap = log_gap_event(
            at=time.time(),
            uid=uuid.uuid4().hex,
            stream=self._stream,
            since=self._since,
            refused=self._refused,
            kept=self._kept,
            reason=self._reason,
        )
        return (*self._repairs, gap.encoded)

    def end(self) -> None:
        """Forget everything: it is on record now."""
        if self._since is not None:
            _tell("audit_log_recovered", stream=self._stream, refused=self._refused)
        self._since, self._reason, self._refused, self._kept = None, "", 0, 0
        self._repairs.clear()


def _tell(event: str, **facts: str | int) -> None:
    """The disk that refuses a record may refuse the log of it too: that must not hide the refusal."""
    with contextlib.suppress(OSError, ValueError):
        _LOG.error(event, **facts)
