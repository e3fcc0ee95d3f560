"""How long to wait before a process that died is started again."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Backoff:
    """Exponential back-off with jitter.

    Args:
        first_seconds: the wait after the first death.
        longest_seconds: no wait is longer.
        stable_seconds: whoever lived so long starts again as if it had never died.
    """

    first_seconds: float = 0.2
    longest_seconds: float = 30.0
    stable_seconds: float = 60.0

    def delay_seconds(self, deaths: int, chance: float) -> float:
        """Return the wait after `deaths` deaths in a row (from 1); `chance` in [0, 1) spreads it over its second half."""
        whole = min(self.longest_seconds, self.first_seconds * 2.0 ** min(deaths - 1, 32))
        return whole * (0.5 + chance / 2)

    def deaths_after(self, deaths: int, lived_seconds: float) -> int:
        """Return the deaths in a row, after one more that came `lived_seconds` after the start."""
        return 1 if lived_seconds >= self.stable_seconds else deaths + 1
