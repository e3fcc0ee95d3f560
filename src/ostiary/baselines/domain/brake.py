"""When too many devices would be blocked at once for it to be their owners' fault.

A change by hand is asked about, with the number; facts that turn many at once are held for an hour, with the administrators told.
"""

from collections.abc import Iterable
from typing import Final

from ostiary.errors import OstiaryError

LEAST: Final = 4
"""Fewer than so many are never too many."""
WINDOW_SECONDS: Final = 600.0
"""Those that turn within this time count together."""
HOLD_SECONDS: Final = 3600.0
"""What is held is let happen after this time by itself."""
LONGEST_HOLD_SECONDS: Final = 24 * 3600.0
"""And an administrator can keep it held for so long."""


class TooManyBlocked(OstiaryError):
    """A change would block many devices at once, and nobody said that number."""

    def __init__(self, blocked: int, of: int) -> None:
        super().__init__(
            f"This blocks {blocked} of {of} devices at once.",
            hint=f"See whose: simulate it first. If that is meant, say the number: {blocked}.",
        )
        self.blocked = blocked
        self.of = of


def is_too_many(turned: int, of: int, percent: int) -> bool:
    """Tell whether so many of the devices are more than may turn at once.

    Args:
        turned: how many are blocked at once.
        of: how many devices there are.
        percent: the share that may, 0 to 100.
    """
    return turned >= LEAST and turned * 100 > of * percent


def refuse_unsaid(turned: int, of: int, percent: int, said: int | None) -> None:
    """Stop a change by hand that blocks too many, unless the number was said.

    Raises:
        TooManyBlocked: when it was not, or another one.
    """
    if is_too_many(turned, of, percent) and said != turned:
        raise TooManyBlocked(turned, of)


def turned_lately(moments: Iterable[float], now: float) -> int:
    """Return how many of these moments count together with one that is now."""
    return sum(1 for at in moments if now - WINDOW_SECONDS < at <= now)


def held_until(now: float, last_until: float) -> float:
    """Return until when a device's last verdict may stand in for the one that is held.

    It stands no longer than an hour beyond its own end: what was known too long ago is not stretched.

    Args:
        now: seconds since the epoch.
        last_until: until when the last verdict was known to be so.
    """
    return min(now, last_until) + HOLD_SECONDS
