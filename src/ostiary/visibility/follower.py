"""Takes over what the data plane logged into stream `requests`, each line once.

The place that was reached stands in the last event itself, so that neither a crash nor a restored database can lead to
a line being lost or taken twice.
"""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Final

import structlog

from ostiary.config.places import Instance
from ostiary.visibility.adapters.access_log import FollowedLine, put_aside, read_new_lines
from ostiary.visibility.adapters.audit_log import AuditLog
from ostiary.visibility.adapters.segments import list_segments, segment_path
from ostiary.visibility.domain.chain import BrokenLine, read_line
from ostiary.visibility.domain.request_event import (
    AccessLine,
    NotARequest,
    Source,
    read_access_line,
    read_source,
    request_event,
)
from ostiary.visibility.models import IndexedDecision
from ostiary.visibility.services import open_log

_LOG = structlog.get_logger(__name__)
ACCESS_LOG_NAME: Final = "access.jsonl"
STREAM: Final = "requests"
ASIDE_BYTES: Final = 64 * 1024 * 1024
BATCH_LINES: Final = 500
_APPEND_RECORDS: Final = 256


class RequestFollower:
    """Follows the data plane's log for as long as the worker lives.

    Args:
        instance: whose log.
        reopen: tells the data plane to open its log again.
    """

    def __init__(self, instance: Instance, reopen: Callable[[], None]) -> None:
        self._path = instance.logs / ACCESS_LOG_NAME
        self._audit: Path = instance.audit
        self._log: AuditLog = open_log(instance, STREAM)
        self._reopen = reopen
        self._last: Source | None = None
        self._found_last = False

    def follow(self, *, limit: int = BATCH_LINES, aside_bytes: int = ASIDE_BYTES) -> int:
        """Take over new lines, then put the file aside when it has grown large.

        Args:
            limit: how many lines at most.
            aside_bytes: how large the file may grow.

        Returns:
            How many lines were read.

        Raises:
            RecordUnavailable: when the stream cannot be written; nothing is lost, the lines are read again.
            OSError: when the data plane's log cannot be read.
        """
        if not self._found_last:
            self._log.open()
            self._last, self._found_last = find_last_source(self._audit), True
        lines = read_new_lines(self._path, self._last, limit=limit)
        records = self._records(lines)
        for start in range(0, len(records), _APPEND_RECORDS):
            part = records[start : start + _APPEND_RECORDS]
            self._log.append([event for event, _ in part])
            self._last = part[-1][1]
        if lines:
            self._last = lines[-1].source
        if len(lines) < limit:
            put_aside(self._path, self._last, larger_than=aside_bytes, reopen=self._reopen)
        return len(lines)

    def close(self) -> None:
        """Let go of the stream."""
        self._log.close()

    def _records(self, lines: Sequence[FollowedLine]) -> list[tuple[bytes, Source]]:
        readable = list(_readable(lines))
        people = _people({line.grant_reference for line, _ in readable if line.grant_reference})
        return [
            (request_event(line, source=source, person=people.get(line.grant_reference)), source)
            for line, source in readable
        ]


def find_last_source(audit: Path) -> Source | None:
    """Return the place that stands in the newest event of the stream; `None` when no event has one."""
    place = audit / STREAM
    for number in reversed(list_segments(place)):
        found = None
        with segment_path(place, number).open("rb") as file:
            for raw in file:
                try:
                    found = read_source(read_line(raw.removesuffix(b"\n")).body) or found
                except BrokenLine:
                    continue
        if found is not None:
            return found
    return None


def _readable(lines: Iterable[FollowedLine]) -> Iterable[tuple[AccessLine, Source]]:
    """What only the data plane knows of; what cannot be read is reported and left out."""
    for followed in lines:
        try:
            line = read_access_line(followed.text)
        except NotARequest as error:
            _LOG.warning("access_line_unreadable", offset=followed.source.offset, detail=error.detail)
            continue
        if line.is_new:
            yield line, followed.source


def _people(references: set[str]) -> dict[str, tuple[str, str]]:
    """A grant bears the reference of the decision that gave it, and the decision knows whose it is."""
    if not references:
        return {}
    rows = IndexedDecision.objects.filter(reference__in=references, stream="decisions")
    return {row.reference: (row.person, row.email) for row in rows.only("reference", "person", "email") if row.person}
