"""How moments are written at the terminal: absolute, in UTC."""

from datetime import UTC, datetime


def day_and_time(at: float | None) -> str | None:
    """Return a moment as `2026-03-01 14:05 UTC`, or `None` where there is none.

    Args:
        at: seconds since the epoch.
    """
    return None if at is None else datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M UTC")
