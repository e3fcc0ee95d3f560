"""Carries new lines of the record into the index: once each, also after a crash, and never more than the index may hold."""

from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

import structlog
from django.conf import settings
from django.db import transaction
from django.db.models import F

from ostiary.policy.identifiers import SessionId
from ostiary.visibility.adapters.log_reader import Batch, PlacedLine, Position, read_on
from ostiary.visibility.domain.index_entry import DecisionEntry, EventEntry, index_entry
from ostiary.visibility.domain.session_use import session_use
from ostiary.visibility.last_use import LastUse
from ostiary.visibility.models import HourCount, IndexedDecision, IndexedEvent, LogPosition, MinuteCount
from ostiary.visibility.seen import forget_seen, note_seen

_LOG = structlog.get_logger(__name__)
BATCH_LINES: Final = 500
MAX_LINES: Final = {"decisions": 2_000_000, "control": 1_000_000, "requests": 500_000}
_DELETE_ROWS: Final = 20_000
_DAY_MS: Final = 86_400_000
_MINUTE_MS: Final = 60_000
_HOUR_MS: Final = 3_600_000


def index_new_decisions(now: float, *, limit: int = BATCH_LINES, last_use: LastUse | None = None) -> int:
    """Index what was decided, and what passed on grants, since the last time.

    Args:
        now: seconds since the epoch; kept for the log's sake, nothing depends on it.
        limit: how many lines of each stream at most.
        last_use: is told which sessions were used, once their lines are indexed.

    Returns:
        How many lines were indexed.
    """
    done = sum(index_stream(stream, limit=limit, last_use=last_use) for stream in ("decisions", "requests"))
    if done:
        _LOG.debug("record_indexed", lines=done, at=now)
    return done


def index_new_events(now: float, *, limit: int = BATCH_LINES) -> int:
    """Index sign-ins and administrators' actions since the last time; see `index_new_decisions`."""
    done = index_stream("control", limit=limit)
    if done:
        _LOG.debug("record_indexed", lines=done, at=now)
    return done


def index_stream(stream: str, *, limit: int = BATCH_LINES, last_use: LastUse | None = None) -> int:
    """Index the next lines of one stream, in one transaction with the position.

    Args:
        stream: the stream's name.
        limit: how many lines at most.
        last_use: as for `index_new_decisions`.

    Returns:
        How many lines were read.
    """
    folder: Path = settings.INSTANCE.audit
    if _nothing_new(folder, stream):
        return 0
    with transaction.atomic():
        LogPosition.objects.get_or_create(stream=stream)
        stored = LogPosition.objects.select_for_update().get(stream=stream)
        batch = read_on(folder, stream, Position(stored.segment, stored.offset, stored.seq), limit=limit)
        if batch.lost or not _continues(batch, stored.seq):
            _LOG.warning("record_index_restarted", stream=stream, indexed_seq=stored.seq)
            _forget(stream)
            batch = read_on(folder, stream, Position(), limit=limit)
        if not batch.lines:
            return 0
        _store(stream, batch.lines)
        _advance(stored, batch)
    if last_use is not None:
        last_use.note(_uses(batch.lines))
    return len(batch.lines)


def prune_index(now: float) -> int:
    """Remove what is older than the record is kept, or more than the index may hold, a part at a time.

    Args:
        now: seconds since the epoch.

    Returns:
        How many rows were removed.
    """
    before_ms = int(now * 1000) - settings.INSTANCE.configuration.record.retention_days * _DAY_MS
    removed = MinuteCount.objects.filter(minute__lt=before_ms // _MINUTE_MS).delete()[0]
    removed += HourCount.objects.filter(hour__lt=before_ms // _HOUR_MS).delete()[0]
    removed += forget_seen(before_ms=before_ms)
    for model in (IndexedDecision, IndexedEvent):
        rows = model.objects.filter(at_ms__lt=before_ms).values_list("pk", flat=True)[:_DELETE_ROWS]
        removed += model.objects.filter(pk__in=list(rows)).delete()[0] if rows else 0
        for stream, most in MAX_LINES.items():
            position = LogPosition.objects.filter(stream=stream).first()
            if position is None or position.seq < most:
                continue
            spare = model.objects.filter(stream=stream, seq__lte=position.seq - most)
            pks = list(spare.values_list("pk", flat=True)[:_DELETE_ROWS])
            removed += model.objects.filter(pk__in=pks).delete()[0] if pks else 0
    return removed


def _nothing_new(folder: Path, stream: str) -> bool:
    """Look before taking the database's write lock, which everybody else waits for."""
    stored = LogPosition.objects.filter(stream=stream).first()
    position = Position() if stored is None else Position(stored.segment, stored.offset, stored.seq)
    batch = read_on(folder, stream, position, limit=1)
    return not batch.lines and not batch.lost


def _continues(batch: Batch, seq: int) -> bool:
    """Whether the first line that can be read follows the last one indexed."""
    first = next((placed.line.seq for placed in batch.lines if placed.line is not None), None)
    return first is None or seq < 0 or first > seq


def _forget(stream: str) -> None:
    if stream == "decisions":
        forget_seen()
    IndexedDecision.objects.filter(stream=stream).delete()
    IndexedEvent.objects.filter(stream=stream).delete()
    MinuteCount.objects.filter(stream=stream).delete()
    HourCount.objects.filter(stream=stream).delete()


def _uses(lines: Iterable[PlacedLine]) -> Iterable[tuple[SessionId, float]]:
    for placed in lines:
        if placed.line is not None and placed.line.kind == "event" and (use := session_use(placed.line.body)):
            yield use


def _store(stream: str, lines: Iterable[PlacedLine]) -> None:
    decisions: list[IndexedDecision] = []
    events: list[IndexedEvent] = []
    entries: list[DecisionEntry] = []
    for placed in lines:
        if placed.line is None or placed.line.kind != "event":
            continue
        entry = index_entry(placed.line.body)
        place = {
            "stream": stream,
            "seq": placed.line.seq,
            "segment": placed.segment,
            "offset": placed.offset,
            "length": placed.length,
        }
        match entry:
            case DecisionEntry():
                decisions.append(IndexedDecision(**place, **_fields(entry)))
                entries.append(entry)
            case EventEntry():
                events.append(IndexedEvent(**place, **_fields(entry)))
            case None:
                _LOG.warning("record_line_not_indexed", stream=stream, seq=placed.line.seq)
    IndexedDecision.objects.bulk_create(decisions, batch_size=500, ignore_conflicts=True)
    _count(stream, decisions)
    note_seen(entries)
    IndexedEvent.objects.bulk_create(events, batch_size=500, ignore_conflicts=True)


def _count(stream: str, decisions: Sequence[IndexedDecision]) -> None:
    """Add to the counts of minutes and hours; the transaction that stores the rows makes sure that it happens once."""
    for model, span, length_ms in ((MinuteCount, "minute", _MINUTE_MS), (HourCount, "hour", _HOUR_MS)):
        kinds = Counter((row.at_ms // length_ms, row.app, row.outcome, row.reason) for row in decisions)
        for (number_of_span, app, outcome, reason), number in kinds.items():
            kind = {"stream": stream, span: number_of_span, "app": app, "outcome": outcome, "reason": reason}
            if not model.objects.filter(**kind).update(number=F("number") + number):
                model.objects.create(**kind, number=number)


def _fields(entry: DecisionEntry | EventEntry) -> dict[str, str | int | bool]:
    return {name: getattr(entry, name) for name in entry.__struct_fields__ if name != "unknown_browser"}


def _advance(stored: LogPosition, batch: Batch) -> None:
    last = next((placed.line for placed in reversed(batch.lines) if placed.line is not None), None)
    stored.segment, stored.offset, stored.seq = batch.position.segment, batch.position.offset, batch.position.seq
    stored.head = last.hash.hex() if last is not None else stored.head
    stored.save()
