"""How many requests of nobody in particular are written down: enough to see an attack, too few to fill the disk.

Requests of known people are always on record; this is only for those that prove no session.
"""

from typing import Final

RECORDS_PER_SECOND: Final = 20.0
BURST: Final = 400.0


class Budget:
    """A bucket that fills steadily."""

    def __init__(self, *, per_second: float = RECORDS_PER_SECOND, burst: float = BURST) -> None:
        """Start full.

        Args:
            per_second: how fast it fills.
            burst: how much it holds.
        """
        self._per_second = per_second
        self._burst = burst
        self._left = burst
        self._at: float | None = None

    def take(self, now: float) -> bool:
        """Take one, if there is one.

        Args:
            now: seconds on a clock that only goes forward.
        """
        if self._at is not None:
            self._left = min(self._burst, self._left + max(0.0, now - self._at) * self._per_second)
        self._at = now
        if self._left < 1.0:
            return False
        self._left -= 1.0
        return True
