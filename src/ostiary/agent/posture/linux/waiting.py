"""How many updates wait and how long the oldest has, where nothing says when they came out: since they were first seen to wait."""

from collections.abc import Iterable, Mapping

from ostiary.agent.posture.computer import Computer
from ostiary.agent.posture.finding import Value

DAY = 86400.0
STALE_DAYS = 7
"""Lists that nobody refreshed for longer tell nothing."""


def whole_days(seconds: float) -> int:
    """Return how many days have passed, whatever the clocks say at least none."""
    return max(0, int(seconds / DAY))


def first_seen(computer: Computer, kind: str, names: Iterable[str], *, listed_at: float) -> Mapping[str, Value]:
    """Return the facts about updates that wait.

    Args:
        computer: with what was seen before.
        kind: whose updates.
        names: the packages that one waits for: without versions, for the next one does not make the wait shorter.
        listed_at: of when the list is that tells of them, in seconds since the epoch.
    """
    waiting = sorted(set(names))
    since = computer.memory.waiting_since(kind, waiting, at_latest=min(computer.now, listed_at))
    oldest = min(since.values(), default=computer.now)
    return {
        "security_updates_pending": len(waiting),
        "security_update_age_days": whole_days(computer.now - oldest),
    }
