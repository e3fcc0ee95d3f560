"""Moments that stand for all others: between two of them no window opens or closes, for any offset of the clocks.

Source: IANA time zone database through `zoneinfo` (PEP 615).
"""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from itertools import pairwise
from typing import Final
from zoneinfo import ZoneInfo

from ostiary.policy.rules.hours import DAYS, MINUTES_A_DAY, Window

FIRST_YEAR: Final = 2020
LAST_YEAR: Final = 2049
USUAL_MOMENT: Final = datetime(2026, 11, 18, 10, tzinfo=UTC).timestamp()
"""A Wednesday at ten in the morning, UTC."""

_DAY: Final = 86400
_WEEK: Final = 7 * _DAY
_A_MONDAY: Final = 4 * _DAY  # the epoch was a Thursday
_BEGIN: Final = int(datetime(FIRST_YEAR, 1, 1, tzinfo=UTC).timestamp())
_END: Final = int(datetime(LAST_YEAR + 1, 1, 1, tzinfo=UTC).timestamp())


def representative_moments(windows: Iterable[Window]) -> tuple[float, ...]:
    """Return moments such that at any moment of the years covered the windows stand as at one of these.

    While no clock is changed, the windows repeat every week. So a week is looked at for every combination of
    the zones' offsets, and every shorter span between two changes of clocks in full, once for the same span of the
    week. The nearest to the usual moment
    comes first.
    """
    windows = tuple(windows)
    zones = sorted({window.zone for window in windows})
    changes = sorted({moment for zone in zones for moment in _clock_changes(zone)})
    found = {USUAL_MOMENT}
    whole: set[tuple[int, ...]] = set()
    partly: set[tuple[tuple[int, ...], int, int]] = set()
    for begin, end in sorted(pairwise([_BEGIN, *changes, _END]), key=lambda span: abs(span[0] - USUAL_MOMENT)):
        offsets = tuple(_offset_seconds(zone, begin) for zone in zones)
        span = (offsets, begin % _WEEK, end - begin)
        if offsets in whole or span in partly:
            continue
        partly.add(span)
        first = begin
        if end - begin >= _WEEK:
            whole.add(offsets)
            first = min(max(begin, int(USUAL_MOMENT)), end - _WEEK)
        edges = {first, *_edges(windows, dict(zip(zones, offsets, strict=True)), first)}
        found |= {float(edge) for edge in edges if edge < end}
    return tuple(sorted(found, key=lambda moment: (abs(moment - USUAL_MOMENT), moment)))


def _edges(windows: tuple[Window, ...], offsets: dict[str, int], begin: int) -> set[int]:
    """Every moment in the week from `begin` at which a wall clock shows a window's first or last minute, or midnight."""
    clocks = {(minute, window.zone) for window in windows for minute in (window.start, window.end, MINUTES_A_DAY)}
    return {
        begin + (_A_MONDAY + (day * MINUTES_A_DAY + minute) * 60 - offsets[zone] - begin) % _WEEK
        for minute, zone in clocks
        for day in range(len(DAYS))
    }


@lru_cache(maxsize=256)
def _clock_changes(zone: str) -> tuple[int, ...]:
    """Every second, in the years covered, from which the zone's offset is another than before."""
    return tuple(
        _first_with_other_offset(zone, low, high)
        for low, high in pairwise(range(_BEGIN, _END + 1, _DAY))
        if _offset_seconds(zone, low) != _offset_seconds(zone, high)
    )


def _first_with_other_offset(zone: str, low: int, high: int) -> int:
    before = _offset_seconds(zone, low)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if _offset_seconds(zone, middle) == before else (low, middle)
    return high


def _offset_seconds(zone: str, moment: int) -> int:
    offset = datetime.fromtimestamp(moment, ZoneInfo(zone)).utcoffset() or timedelta()
    return int(offset.total_seconds())
