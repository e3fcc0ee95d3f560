"""Moments as they are written in tests: `2026-11-23 09:00 Europe/Berlin`.

A wall clock that is put back shows an hour twice; the first of the two is meant. UTC says either.
"""

import re
from datetime import UTC, datetime
from typing import Final
from zoneinfo import ZoneInfo

from ostiary.policy.rules.hours import DAYS, MalformedHours, parse_zone
from ostiary.policy.validation import LAST_MOMENT

_TEXT: Final = re.compile(
    r"(?:(?P<day>[A-Za-z]+) +)?(?P<date>\d{4}-\d\d-\d\d) +(?P<clock>\d\d:\d\d(?::\d\d)?)(?: +(?P<zone>\S+))?", re.ASCII
)
_EXAMPLE: Final = "write, for instance, `2026-11-23 09:00 Europe/Berlin`"
_FIRST_YEAR, _LAST_YEAR = 1970, 2999


class MalformedMoment(ValueError):
    """A text that is not a moment. The first argument says why, the second what to write."""


def parse_moment(text: str) -> float:
    """Read `2026-11-23 09:00 Europe/Berlin`, with seconds if need be, and with the day of the week in front if wished.

    Returns:
        Seconds since the epoch.

    Raises:
        MalformedMoment: with what is wrong and what to write instead.
    """
    match = _TEXT.fullmatch(text.strip())
    if match is None:
        raise MalformedMoment("not a moment", _EXAMPLE)
    if match["zone"] is None:
        raise MalformedMoment("the time zone is missing", "add it at the end, for instance `Europe/Berlin` or `UTC`")
    local = _wall_clock(f"{match['date']} {match['clock']}")
    if match["day"]:
        _check_day(match["day"], local)
    moment = _on_the_clock_of(_zone(match["zone"]), local)
    if not 0 <= moment < LAST_MOMENT:
        raise MalformedMoment("too far from today", f"stay between the years {_FIRST_YEAR} and {_LAST_YEAR}")
    return moment


def moment_text(moment: float) -> str:
    """Return a moment as `parse_moment` reads it, to the second, in UTC.

    Args:
        moment: seconds since the epoch, years 1970 to 2999.
    """
    at = datetime.fromtimestamp(int(moment), UTC)
    return f"{DAYS[at.weekday()]} {at:%Y-%m-%d} {at:%H:%M:%S}".removesuffix(":00") + " UTC"


def _wall_clock(text: str) -> datetime:
    try:
        local = datetime.fromisoformat(text)
    except ValueError:
        raise MalformedMoment("there is no such day or time", _EXAMPLE) from None
    if _FIRST_YEAR <= local.year <= _LAST_YEAR:
        return local
    raise MalformedMoment("too far from today", f"stay between the years {_FIRST_YEAR} and {_LAST_YEAR}")


def _check_day(day: str, local: datetime) -> None:
    written, is_on = day[:1].upper() + day[1:].lower(), DAYS[local.weekday()]
    if written not in DAYS:
        raise MalformedMoment(f"`{day[:40]}` is not a day", "use " + ", ".join(f"`{one}`" for one in DAYS))
    if written != is_on:
        raise MalformedMoment(f"{local:%Y-%m-%d} is not a {written}", f"write `{is_on}`, or leave the day out")


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(parse_zone(name))
    except MalformedHours as error:
        raise MalformedMoment(*error.args) from None


def _on_the_clock_of(zone: ZoneInfo, local: datetime) -> float:
    """Return the moment at which the zone's wall clock shows `local`; refuse what it never shows."""
    moment = local.replace(tzinfo=zone).timestamp()
    shown = datetime.fromtimestamp(moment, zone).replace(tzinfo=None)
    if shown != local:
        raise MalformedMoment(
            f"the clock in {zone.key} is put forward and never shows {local:%H:%M} on that day",
            f"write `{shown:%Y-%m-%d %H:%M} {zone.key}`",
        )
    return moment
