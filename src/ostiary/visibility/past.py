"""Reads past requests back, for deciding them again, and finds the decisions that they were."""

from collections.abc import Iterable, Iterator
from itertools import groupby
from pathlib import Path

import msgspec
from django.conf import settings

from ostiary.config.places import Instance
from ostiary.policy.past import PastRequests
from ostiary.policy.replay_report import Example
from ostiary.visibility.adapters.past_files import day_of, day_path, list_days, read_file
from ostiary.visibility.adapters.segments import segment_path
from ostiary.visibility.domain.chain import BrokenLine, read_line
from ostiary.visibility.domain.past_request import reference_of
from ostiary.visibility.keeping import STREAMS, replay_folder


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
