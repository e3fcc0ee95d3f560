"""Reads past requests back, for deciding them again, finds the decisions that they were, and says what is not kept yet."""

from collections.abc import Iterable, Iterator
from itertools import groupby
from pathlib import Path
from typing import Final

import msgspec
from django.conf import settings

from ostiary.config.places import Instance
from ostiary.policy.past import PastRequests
from ostiary.policy.replay_report import Example
from ostiary.visibility.adapters.log_reader import Position, read_on
from ostiary.visibility.adapters.past_files import day_of, day_path, list_days, read_file, read_reached
from ostiary.visibility.adapters.segments import segment_path
from ostiary.visibility.domain.chain import BrokenLine, read_line
from ostiary.visibility.domain.past_request import kept_decision, passed_request, reference_of
from ostiary.visibility.keeping import DECISIONS, STREAMS, replay_folder

_ON_ITS_WAY_SECONDS: Final = 120.0
_LINES_LOOKED_AT: Final = 100


def read_past_requests(*, since: float) -> Iterator[tuple[float, PastRequests]]:
    """Yield past requests, a day of a stream at a time, each with how much of all has then been read: 0 to 1.

    Args:
        since: days that ended before are left out; the first day may hold earlier requests. Seconds since the epoch.

    Raises:
        PastDamaged: when a file is damaged, so that requests would be missing.
        OSError: when a file cannot be read.
    """
    instance: Instance = settings.INSTANCE
    folder = replay_folder(instance)
    first_day = day_of(max(since, 0.0))
    days = {stream: list_days(folder / stream) for stream in STREAMS}
    files = [(day, stream) for stream in STREAMS for day in days[stream] if day >= first_day]
    sizes = [_size(day_path(folder / stream, day)) for day, stream in files]
    done, whole = 0, max(sum(sizes), 1)
    for (day, stream), size in zip(files, sizes, strict=True):
        done += size
        yield done / whole, read_file(folder, stream, day, newest=day == days[stream][-1])


def missing_from(*, since: float, until: float) -> float | None:
    """Return from when on requests of a time are on record and not kept yet; `None` when they are all kept.

    What was decided in the last two minutes is always on its way, and does not count.

    Args:
        since: seconds since the epoch.
        until: seconds since the epoch.

    Raises:
        OSError: when a file cannot be read.
    """
    instance: Instance = settings.INSTANCE
    waiting = [_first_waiting(instance, stream) for stream in STREAMS]
    return min((max(at, since) for at in waiting if at is not None and at < until - _ON_ITS_WAY_SECONDS), default=None)


def with_references(examples: Iterable[Example]) -> dict[Example, str]:
    """Return the reference of the decision behind each example; those whose line is gone are left out.

    A request that passed on a grant has the reference of the decision that gave the grant.

    Args:
        examples: as a replay found them.
    """
    instance: Instance = settings.INSTANCE
    found: dict[Example, str] = {}
    wanted = sorted(set(examples), key=lambda one: (one.stream, one.segment, one.offset))
    for (stream, segment), some in groupby(wanted, key=lambda one: (one.stream, one.segment)):
        try:
            with segment_path(instance.audit / stream, segment).open("rb") as file:
                for example in some:
                    file.seek(example.offset)
                    reference = _reference(file.readline())
                    if reference:
                        found[example] = reference
        except OSError:
            continue
    return found


def referenced(example: Example, references: dict[Example, str]) -> Example:
    """Return the example with its reference."""
    return msgspec.structs.replace(example, reference=references.get(example, ""))


def _first_waiting(instance: Instance, stream: str) -> float | None:
    """Return when the first request on record was made that is not kept yet."""
    reached = read_reached(replay_folder(instance), stream)
    position = Position(reached.segment, reached.offset, reached.seq)
    batch = read_on(instance.audit, stream, position, limit=_LINES_LOOKED_AT)
    if batch.lost:
        return 0.0
    events = (one.line.body for one in batch.lines if one.line is not None and one.line.kind == "event")
    found = map(kept_decision if stream == DECISIONS else passed_request, events)
    return next((one.at for one in found if one is not None), None)


def _reference(raw: bytes) -> str:
    try:
        return reference_of(read_line(raw.removesuffix(b"\n")).body)
    except BrokenLine:
        return ""


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0
