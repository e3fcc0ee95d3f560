"""Keeps what decisions read, so that other rules can be tried on it: each line of the record once, also after a crash.

The place that was reached stands in the same block as the requests, so neither is on the disk without the other. Where
the record is not the one that was read before, everything is made again. Deciding again lives in `rulebook.replaying`.
"""

import os
from collections import OrderedDict
from collections.abc import Iterable
from errno import ENOSPC
from pathlib import Path
from typing import Final

import msgspec
import structlog

from ostiary.config.places import Instance
from ostiary.policy.past import ANSWERED, NOTHING, TICKS_A_SECOND, Situation, to_ticks
from ostiary.visibility.adapters.log_reader import (
    Batch,
    LineGone,
    Place,
    PlacedLine,
    Position,
    read_at,
    read_on,
    read_several,
)
from ostiary.visibility.adapters.past_files import PastWriter, day_of
from ostiary.visibility.adapters.segments import list_segments
from ostiary.visibility.domain.past_block import Reached, Row
from ostiary.visibility.domain.past_request import Kept, Passed, kept_decision, passed_request
from ostiary.visibility.models import IndexedDecision, LogPosition

_LOG = structlog.get_logger(__name__)
DECISIONS: Final = "decisions"
REQUESTS: Final = "requests"
STREAMS: Final = (DECISIONS, REQUESTS)
BATCH_LINES: Final = 2000
_REMEMBERED_GRANTS: Final = 20_000
_DAY_SECONDS: Final = 86_400.0
_MIB: Final = 1024 * 1024


def replay_folder(instance: Instance) -> Path:
    """Return where past requests are kept."""
    return instance.state / "replay"


class PastKeeper:
    """Follows the record for as long as the worker lives.

    Args:
        instance: whose record.
    """

    def __init__(self, instance: Instance) -> None:
        self._instance = instance
        self._writers = {stream: PastWriter(replay_folder(instance), stream) for stream in STREAMS}
        self._granted: OrderedDict[str, Situation] = OrderedDict()

    def keep(self, now: float, *, limit: int = BATCH_LINES) -> int:
        """Take over the next lines of the record, and forget what is older than is to be kept.

        Args:
            now: seconds since the epoch.
            limit: how many lines of each stream at most.

        Returns:
            How many lines were taken over.

        Raises:
            StreamInUse: when another process does the same.
            OSError: when a file cannot be read or written.
        """
        days = self._instance.configuration.record.replay_days
        if not days:
            self.forget()
            return 0
        since = now - days * _DAY_SECONDS
        done = sum(self._take_over(stream, since, now, limit) for stream in STREAMS)
        for writer in self._writers.values():
            writer.forget_before(day_of(max(since, 0.0)))
        return done

    def forget(self) -> None:
        """Remove everything that is kept."""
        for stream, writer in self._writers.items():
            if (replay_folder(self._instance) / stream).exists():
                writer.open()
                if writer.forget_all():
                    _LOG.info("past_requests_removed", stream=stream)
        self._granted.clear()

    def close(self) -> None:
        """Let another process do it."""
        for writer in self._writers.values():
            writer.close()

    def _take_over(self, stream: str, since: float, now: float, limit: int) -> int:
        writer, folder = self._writers[stream], self._instance.audit
        if not writer.is_open:
            removed = writer.open()
            if removed:
                _LOG.warning("past_requests_damaged", stream=stream, files_removed=removed)
            if not _is_same_record(folder, stream, writer.reached):
                self._start_over(writer, stream)
        if writer.day > day_of(now + _DAY_SECONDS):
            self._start_over(writer, stream)
        batch = self._read(writer, stream, limit)
        if not batch.lines:
            return 0
        self._check_space()
        return self._write(writer, stream, batch, since, now)

    def _read(self, writer: PastWriter, stream: str, limit: int) -> Batch:
        reached = writer.reached
        position = Position(reached.segment, reached.offset, reached.seq)
        batch = read_on(self._instance.audit, stream, position, limit=limit)
        first = next((placed.line.seq for placed in batch.lines if placed.line is not None), None)
        if batch.lost or (first is not None and first <= reached.seq):
            self._start_over(writer, stream)
            batch = read_on(self._instance.audit, stream, Position(), limit=limit)
        return batch

    def _write(self, writer: PastWriter, stream: str, batch: Batch, since: float, now: float) -> int:
        """Write what belongs to one day; the lines of the next one come with the next step.

        A moment that has not come yet, as the clock was wrong then, belongs to today: its file is removed in time like any other.
        """
        kept = self._kept_decisions(batch.lines) if stream == DECISIONS else self._kept_requests(batch.lines)
        rows: list[Row] = []
        taken, day = 0, 0
        for placed, one in zip(batch.lines, kept, strict=False):
            if one is not None and one.at >= since:
                its_day = day_of(min(one.at, now))
                day = day or its_day
                if its_day > day:
                    break
                rows.append(Row(one.situation, to_ticks(one.at), one.outcome, placed.segment, placed.offset))
            taken += 1
        rows = _with_counts(rows)
        if taken:
            writer.append(rows, _reached(writer.reached, batch.lines[:taken]), day=day or day_of(since))
        return taken

    def _kept_decisions(self, lines: Iterable[PlacedLine]) -> list[Kept | None]:
        found: list[Kept | None] = []
        for placed in lines:
            kept = kept_decision(placed.line.body) if _is_event(placed) and placed.line else None
            found.append(kept)
            if kept is not None and kept.reference:
                self._remember(kept.reference, kept.situation)
        return found

    def _kept_requests(self, lines: Iterable[PlacedLine]) -> list[Kept | None]:
        """Stop before the first request whose grant's decision is not indexed yet."""
        passed = [passed_request(one.line.body) if _is_event(one) and one.line else None for one in lines]
        self._look_up({one.grant for one in passed if one is not None})
        found: list[Kept | None] = []
        indexed_until: float | None = None
        for one in passed:
            if one is not None and one.grant and one.grant not in self._granted:
                indexed_until = _indexed_until(self._instance.audit) if indexed_until is None else indexed_until
                if one.at >= indexed_until:
                    break
            found.append(self._kept_request(one))
        return found

    def _kept_request(self, one: Passed | None) -> Kept | None:
        return one.on(self._granted.get(one.grant)) if one is not None else None

    def _look_up(self, references: set[str]) -> None:
        """Find what the decisions read that gave these grants; those that are known are not the next to be forgotten."""
        references.discard("")
        for reference in references & self._granted.keys():
            self._granted.move_to_end(reference)
        references -= self._granted.keys()
        if not references:
            return
        rows = IndexedDecision.objects.filter(stream=DECISIONS, reference__in=sorted(references))
        places = [Place(*place) for place in rows.values_list("segment", "offset", "length")]
        for _, line in read_several(self._instance.audit, DECISIONS, places):
            kept = kept_decision(line.body)
            if kept is not None and kept.situation is not NOTHING:
                self._remember(kept.reference, kept.situation)

    def _remember(self, reference: str, situation: Situation) -> None:
        self._granted[reference] = situation
        if len(self._granted) > _REMEMBERED_GRANTS:
            self._granted.popitem(last=False)

    def _start_over(self, writer: PastWriter, stream: str) -> None:
        if writer.reached.segment:
            _LOG.warning("past_requests_restarted", stream=stream, reached_seq=writer.reached.seq)
        writer.forget_all()

    def _check_space(self) -> None:
        """The record goes first: nothing is added where it would soon be full."""
        space = os.statvfs(self._instance.state)
        if space.f_bavail * space.f_frsize < self._instance.configuration.record.min_free_mib * _MIB:
            raise OSError(ENOSPC, os.strerror(ENOSPC), str(replay_folder(self._instance)))


def _is_event(placed: PlacedLine) -> bool:
    return placed.line is not None and placed.line.kind == "event"


def _is_same_record(folder: Path, stream: str, reached: Reached) -> bool:
    """Whether the last line that was taken over is still what it was; one that retention removed is not asked."""
    if not reached.last_segment:
        return True
    numbers = list_segments(folder / stream)
    if numbers and reached.last_segment < numbers[0]:
        return True
    try:
        line = read_at(
            folder, stream, segment=reached.last_segment, offset=reached.last_offset, length=reached.last_length
        )
    except LineGone:
        return False
    return line.hash == reached.last_hash


def _with_counts(rows: list[Row]) -> list[Row]:
    """Return the rows with those of one minute that cannot be replayed as one: nobody may fill the disk with them."""
    found: dict[object, Row] = {}
    for number, row in enumerate(rows):
        key = number if row.outcome in ANSWERED else (row.outcome, row.ticks // (60 * TICKS_A_SECOND))
        before = found.get(key)
        found[key] = row if before is None else msgspec.structs.replace(before, count=before.count + 1)
    return list(found.values())


def _reached(before: Reached, lines: tuple[PlacedLine, ...]) -> Reached:
    end = lines[-1]
    last = next((placed for placed in reversed(lines) if placed.line is not None), None)
    if last is None or last.line is None:
        return Reached(end.segment, end.offset + end.length, before.seq)
    return Reached(
        end.segment,
        end.offset + end.length,
        last.line.seq,
        last.segment,
        last.offset,
        last.length,
        last.line.hash,
    )


def _indexed_until(folder: Path) -> float:
    """Return up to when all decisions are indexed, seconds since the epoch; endless when no line waits."""
    stored = LogPosition.objects.filter(stream=DECISIONS).first()
    position = Position() if stored is None else Position(stored.segment, stored.offset, stored.seq)
    if not read_on(folder, DECISIONS, position, limit=1).lines:
        return float("inf")
    newest = IndexedDecision.objects.filter(stream=DECISIONS).order_by("-at_ms", "-seq").first()
    return newest.at_ms / 1000 if newest is not None else 0.0
