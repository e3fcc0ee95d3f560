"""How moments are written at the terminal: absolute, in UTC; and how people may write them there."""

from datetime import UTC, datetime, timedelta
from typing import Annotated, Final

import typer

from ostiary.errors import OstiaryError

SinceOption = Annotated[
    str,
    typer.Option(
        "--since", help="A date or a moment (ISO 8601, in UTC unless it names a zone), or a span: 90m, 24h, 30d."
    ),
]
UntilOption = Annotated[str, typer.Option("--until", help="As above; only what was before it.", show_default=False)]
_UNITS: Final = {"m": "minutes", "h": "hours", "d": "days"}

TermOption = Annotated[
    str, typer.Option("--until", help="Until when: a day (included), a moment, or a span such as 90m, 24h, 30d.")
]


class BadMoment(OstiaryError):
    """A moment on the command line cannot be read."""


def day_and_time(at: float | None) -> str | None:
    """Return a moment as `2026-03-01 14:05 UTC`, or `None` where there is none.

    Args:
        at: seconds since the epoch.
    """
    return None if at is None else datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M UTC")


def second_of(at: float) -> str:
    """Return a moment as `2026-03-01 14:05:09 UTC`.

    Args:
        at: seconds since the epoch.
    """
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def until_when(text: str) -> float | None:
    """Return what `--until` says, in seconds since the epoch; `None` when it was not given.

    Raises:
        BadMoment: when it cannot be read.
    """
    return end_of(text, datetime.now(UTC)) if text else None


def until_words(end: float | None) -> str:
    """Return ` until …` for the end of a sentence; nothing where there is no end."""
    return f" until {day_and_time(end)}" if end is not None else ""


def end_of(text: str, now: datetime) -> float:
    """Return until when something is to last, in seconds since the epoch.

    Args:
        text: a day, which is included; a moment (ISO 8601); or a span from now: `90m`, `24h`, `30d`.
        now: the present.

    Raises:
        BadMoment: when it is none of these.
    """
    if text[-1:] in _UNITS:
        return 2 * now.timestamp() - moment_of(text, now)
    moment = moment_of(text, now)
    return moment + timedelta(days=1).total_seconds() if len(text) == len("2026-11-01") else moment


def moment_of(text: str, now: datetime) -> float:
    """Return a moment on the command line, in seconds since the epoch.

    Args:
        text: a date, a moment (ISO 8601; in UTC, as moments are shown, unless it names a zone), or a span before now: `90m`, `24h`, `30d`.
        now: the present.

    Raises:
        BadMoment: when it is none of these.
    """
    try:
        if text[-1:] in _UNITS and text[:-1].isascii() and text[:-1].isdigit():
            return (now - timedelta(**{_UNITS[text[-1]]: int(text[:-1])})).timestamp()
        moment = datetime.fromisoformat(text)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError, OSError):
        raise BadMoment(f"{text!r} is no moment.", hint="Write 2026-11-01, 2026-11-01T08:00, or a span: 24h.") from None
