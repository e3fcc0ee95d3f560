"""When to ask for a certificate again, and when to report. Pure: clock and chance are given."""

from typing import Final

HALF: Final = 0.5
JITTER: Final = 0.1
"""Of the time to wait, so that a hundred computers that start at eight do not all come back at once."""
FIRST_PAUSE_SECONDS: Final = 30.0
LONGEST_PAUSE_SECONDS: Final = 3600.0
SOONEST_REPORT_SECONDS: Final = 10.0
WAITING_SECONDS: Final = 60.0
"""While an administrator has yet to approve the device."""


def renewal_moment(*, begins_at: float, ends_at: float, chance: float) -> float:
    """Return when to renew a certificate: at half its life, a little earlier or later.

    Args:
        begins_at: seconds since the epoch, like `ends_at`.
        ends_at: the end of the certificate.
        chance: from 0 to 1.
    """
    life = ends_at - begins_at
    return begins_at + life * (HALF + JITTER * (2 * chance - 1))


def pause_seconds(*, failures: int, chance: float, waiting: bool = False) -> float:
    """Return how long to wait after something failed, longer each time, up to an hour.

    Args:
        failures: how many in a row.
        chance: from 0 to 1.
        waiting: whether nothing failed, and the device has yet to be approved.
    """
    pause = WAITING_SECONDS if waiting else FIRST_PAUSE_SECONDS * 2.0 ** min(failures - 1, 10)
    return min(pause, LONGEST_PAUSE_SECONDS) * (1 - JITTER + 2 * JITTER * chance)


def report_moment(*, now: float, again_in: float, chance: float) -> float:
    """Return when to report again: as the instance said, within bounds, a little earlier or later.

    Args:
        now: seconds since the epoch.
        again_in: seconds, as it was received.
        chance: from 0 to 1.
    """
    pause = min(max(again_in, SOONEST_REPORT_SECONDS), LONGEST_PAUSE_SECONDS)
    return now + pause * (1 - JITTER * chance)
