"""Puts events on record before their requests are answered: all requests of one turn of the loop in one write.

What an event says lives in `visibility.domain.decision_event`; how it is kept in `visibility.adapters.audit_log`.
"""

import asyncio
from collections.abc import Sequence
from typing import Final, Protocol

from ostiary.gateway.decider.alarms import Alarms
from ostiary.visibility.adapters.audit_log import RecordUnavailable

ALARM: Final = "record_unavailable"


class Log(Protocol):
    """Where records go; `AuditLog` is one."""

    def append(self, records: Sequence[bytes]) -> None:
        """Write all of them or raise `RecordUnavailable`."""


class Recorder:
    """Collects records until the loop has served every request that was waiting, then writes them at once."""

    def __init__(self, audit: Log, alarms: Alarms, loop: asyncio.AbstractEventLoop) -> None:
        self._audit = audit
        self._alarms = alarms
        self._loop = loop
        self._records: list[bytes] = []
        self._waiting: list[asyncio.Future[None]] = []

    def write(self, record: bytes) -> asyncio.Future[None]:
        """Return a future that is done when `record` is on record, or fails with `RecordUnavailable`."""
        future = self._loop.create_future()
        if not self._records:
            self._loop.call_soon(self._flush)
        self._records.append(record)
        self._waiting.append(future)
        return future

    def _flush(self) -> None:
        records, waiting = self._records, self._waiting
        self._records, self._waiting = [], []
        failure: RecordUnavailable | None = None
        try:
            self._audit.append(records)
        except RecordUnavailable as error:
            failure = error
        except Exception as error:
            failure = RecordUnavailable("The audit log cannot be written.", detail=repr(error))
        if failure is None:
            self._alarms.silence(ALARM)
        else:
            self._alarms.sound(ALARM, str(failure), detail=failure.detail)
        for future in waiting:
            if not future.done():
                if failure is None:
                    future.set_result(None)
                else:
                    future.set_exception(failure)
