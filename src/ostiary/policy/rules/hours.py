"""Weekly windows on the wall clock of a time zone: when one is open, and when that next changes.

A window is open at a moment exactly when the wall clock in its zone then shows a time inside it. So a clock that
is put forward skips what it skips, and a clock that is put back shows an hour twice and opens it twice.
A window that ends before it begins runs over midnight and belongs to the day on which it begins.

Source: IANA time zone database through `zoneinfo` (PEP 615).
"""

import bisect
import difflib
import re
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo, available_timezones

import msgspec

DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
MINUTES_A_DAY = 24 * 60
_DAY_SECONDS = 86400
_BLOCK_SECONDS = 14 * _DAY_SECONDS
_LOOK_AHEAD_SECONDS = 16 * _DAY_SECONDS
_TEXT = re.compile(r"(?:(?P<days>[A-Za-z,-]+) +)?(?P<start>\d{1,2}:\d\d) ?- ?(?P<end>\d{1,2}:\d\d)(?: +(?P<zone>\S+))?")
_CLOCK = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)|24:00", re.ASCII)


class Window(msgspec.Struct, frozen=True):
    """A span of wall-clock time on some days of the week.

    Args:
        days: which days it begins on, 0 for Monday to 6 for Sunday, ascending.
        start: the first minute of the day that is inside, 0 to 1439.
        end: the first minute that is outside, 1 to 1440; before `start` it means the next day.
        zone: an IANA time zone name.
    """

    days: tuple[int, ...]
    start: int
    end: int
    zone: str

    def __str__(self) -> str:
        return f"{_days_text(self.days)} {_clock_text(self.start)}-{_clock_text(self.end)} {self.zone}"


class MalformedHours(ValueError):
    """A text that is not a window. The first argument says why, the second what to write."""


def parse_window(text: str) -> Window:
    """Read `Mon-Fri 07:00-20:00 Europe/Berlin`; without days it means every day.

    Raises:
        MalformedHours: with what is wrong and what to write instead.
    """
    match = _TEXT.fullmatch(text.strip())
    if match is None:
        raise MalformedHours("not a span of hours", "write, for instance, `Mon-Fri 07:00-20:00 Europe/Berlin`")
    if match["zone"] is None:
        raise MalformedHours("the time zone is missing", "add it at the end, for instance `Europe/Berlin` or `UTC`")
    start, end = _minutes(match["start"]), _minutes(match["end"])
    if start in {end, MINUTES_A_DAY}:
        raise MalformedHours("begins where it ends", "write `00:00-24:00` for the whole day")
    return Window(_parse_days(match["days"]), start, end or MINUTES_A_DAY, parse_zone(match["zone"]))


def state_at(window: Window, now: float) -> tuple[bool, float | None]:
    """Return whether the wall clock in the window's zone shows a time inside it, and when that changes next, if ever.

    Args:
        window: the window.
        now: seconds since the epoch, years 1970 to 2999.
    """
    table = _timetable(window, int(now // _BLOCK_SECONDS))
    passed = bisect.bisect_right(table.edges, now)
    is_open = table.open_first ^ (passed % 2 == 1)
    return is_open, float(table.edges[passed]) if passed < len(table.edges) else None


class _Timetable(msgspec.Struct, frozen=True):
    """Whether a window is open when a block of days begins, and every opening and closing after that."""

    open_first: bool
    edges: tuple[int, ...]


@lru_cache(maxsize=4096)
def _timetable(window: Window, block: int) -> _Timetable:
    """Return the openings and closings in a block of days and in the weeks after it, in order."""
    first = block * _BLOCK_SECONDS
    last = first + _BLOCK_SECONDS + _LOOK_AHEAD_SECONDS
    open_first = state = _shows_inside(window, first)
    edges = []
    for moment in sorted(_candidates(window, first, last)):
        if first < moment <= last and _shows_inside(window, moment) != state:
            edges.append(moment)
            state = not state
    return _Timetable(open_first, tuple(edges))


def _shows_inside(window: Window, moment: int) -> bool:
    local = datetime.fromtimestamp(moment, ZoneInfo(window.zone))
    minute, today = local.hour * 60 + local.minute, local.weekday()
    if window.start < window.end:
        return today in window.days and window.start <= minute < window.end
    yesterday = (today - 1) % 7
    return (today in window.days and minute >= window.start) or (yesterday in window.days and minute < window.end)


def _candidates(window: Window, first: int, last: int) -> set[int]:
    """Moments at which the window could change: its wall-clock limits, and every change of the clock itself."""
    zone = ZoneInfo(window.zone)
    clock_times = {time(minute // 60, minute % 60) for minute in (window.start, window.end % MINUTES_A_DAY, 0)}
    moments = set()
    for offset in range(-2, (last - first) // _DAY_SECONDS + 3):
        day = _utc_date(first) + timedelta(days=offset)
        moments |= {
            int(datetime.combine(day, clock, zone).replace(fold=fold).timestamp())
            for clock in clock_times
            for fold in (0, 1)
        }
        begin = first + offset * _DAY_SECONDS
        if _utc_offset(zone, begin) != _utc_offset(zone, begin + _DAY_SECONDS):
            moments.add(_transition(zone, begin, begin + _DAY_SECONDS))
    return moments


def _transition(zone: ZoneInfo, low: int, high: int) -> int:
    """The second in (low, high] at which the zone's clock is changed."""
    before = _utc_offset(zone, low)
    while high - low > 1:
        middle = (low + high) // 2
        if _utc_offset(zone, middle) == before:
            low = middle
        else:
            high = middle
    return high


def _utc_offset(zone: ZoneInfo, moment: int) -> timedelta | None:
    return datetime.fromtimestamp(moment, zone).utcoffset()


def _utc_date(moment: int) -> date:
    return datetime.fromtimestamp(moment, UTC).date()


def _minutes(text: str) -> int:
    if not _CLOCK.fullmatch(text):
        raise MalformedHours(f"`{text}` is not a time of day", "write hours and minutes from `00:00` to `24:00`")
    hours, minutes = text.split(":")
    return int(hours) * 60 + int(minutes)


def _parse_days(text: str | None) -> tuple[int, ...]:
    if text is None:
        return tuple(range(7))
    days: set[int] = set()
    for part in text.split(","):
        first, dash, last = part.partition("-")
        begin = _day(first)
        span = (_day(last) - begin) % 7 if dash else 0
        days |= {(begin + step) % 7 for step in range(span + 1)}
    return tuple(sorted(days))


def _day(text: str) -> int:
    try:
        return DAYS.index(text[:1].upper() + text[1:].lower())
    except ValueError:
        raise MalformedHours(f"`{text}` is not a day", "use " + ", ".join(f"`{day}`" for day in DAYS)) from None


def parse_zone(name: str) -> str:
    """Return `name` if it is a time zone.

    Raises:
        MalformedHours: with the zone that may be meant.
    """
    if name in time_zones():
        return name
    matching = [zone for zone in time_zones() if zone.lower().rpartition("/")[2] == name.lower().rpartition("/")[2]]
    close = sorted(matching, key=len)[:1] or difflib.get_close_matches(name[:60], time_zones(), n=1)
    hint = f"did you mean `{close[0]}`?" if close else "use a name such as `Europe/Berlin` or `UTC`"
    raise MalformedHours(f"`{name[:60]}` is not a time zone", hint)


@lru_cache(maxsize=1)
def time_zones() -> frozenset[str]:
    """The names of the time zones that this machine knows."""
    return frozenset(available_timezones())


def _days_text(days: tuple[int, ...]) -> str:
    runs: list[list[int]] = []
    for day in days:
        if runs and runs[-1][-1] == day - 1:
            runs[-1].append(day)
        else:
            runs.append([day])
    return ",".join(DAYS[run[0]] + (f"-{DAYS[run[-1]]}" if len(run) > 1 else "") for run in runs)


def _clock_text(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"
