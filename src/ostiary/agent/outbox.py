"""What is remembered of reports: the last answer, and what could not be sent yet. Pure; where it lies is in `folder`.

While the instance cannot be reached only changes are kept, fifty at most: the oldest goes first, and how many went is counted.
"""

from collections.abc import Sequence
from typing import Final

import msgspec

from ostiary.devices.domain.answers import Failing
from ostiary.devices.domain.posture import Reported, Value

MAX_WAITING: Final = 50


class Looked(msgspec.Struct, frozen=True, kw_only=True):
    """What was seen at one moment (seconds since the epoch)."""

    taken_at: int
    facts: tuple[Reported, ...]

    def values(self) -> dict[str, Value | None]:
        """Return the value of each fact."""
        return {one.name: one.value for one in self.facts}


class Answered(msgspec.Struct, frozen=True, kw_only=True):
    """What the instance said to the last report; `at` by this computer's clock."""

    at: float
    compliant: bool | None = None
    failing: tuple[Failing, ...] = ()
    mend: str = ""


class Reports(msgspec.Struct, frozen=True, kw_only=True):
    """All that is remembered.

    Args:
        waiting: what could not be sent, the oldest first.
        dropped: how many were given up since the instance was last reached.
        answered: the last answer.
        first_seen: since when each update waits that was seen (seconds since the epoch).
    """

    waiting: tuple[Looked, ...] = ()
    dropped: int = 0
    answered: Answered | None = None
    first_seen: dict[str, float] = {}


def keep_waiting(reports: Reports, looked: Looked, *, known: Sequence[Reported] | None) -> Reports:
    """Return the same with one more that could not be sent, unless it says nothing new.

    Args:
        reports: what is remembered.
        looked: what was seen.
        known: what the instance was told last; `None` where nobody remembers.
    """
    before = reports.waiting[-1].facts if reports.waiting else known
    if before is not None and {one.name: one.value for one in before} == looked.values():
        return reports
    waiting = (*reports.waiting, looked)
    over = max(0, len(waiting) - MAX_WAITING)
    return msgspec.structs.replace(reports, waiting=waiting[over:], dropped=reports.dropped + over)


def was_sent(reports: Reports, looked: Looked) -> Reports:
    """Return the same without one that the instance has taken."""
    left = tuple(one for one in reports.waiting if one != looked)
    return msgspec.structs.replace(reports, waiting=left, dropped=reports.dropped if left else 0)
