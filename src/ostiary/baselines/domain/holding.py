"""What a hold covers: the failing that turned a crowd, and nothing that a device fails besides. Pure.

A hold is on single checks of one device, with an end. A device counts as it did before while everything that blocks it is held.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping

ALIKE = 2
"""What turned so many devices may be one fault; what only one device fails is its own and never held."""


def counts_until(blocking: Collection[str], held: Collection[str], ends: float, now: float) -> float:
    """Return until when a device counts as it did before; 0 where it does not.

    Args:
        blocking: names of the required checks that block it.
        held: names of the checks whose failing is held.
        ends: when the hold is over (seconds since the epoch); 0 for none.
        now: seconds since the epoch.
    """
    return ends if blocking and ends > now and set(blocking) <= set(held) else 0.0


def still_met(lost: Mapping[str, Collection[str]], held: Collection[str]) -> tuple[str, ...]:
    """Return the baselines that a device counts as meeting although it does not: all that it lacks of them is held.

    Args:
        lost: by baseline that it met before, the names of the checks that do not hold now.
        held: names of the checks whose failing is held.
    """
    return tuple(name for name, checks in lost.items() if checks and set(checks) <= set(held))


def fault_of(turned: Iterable[Iterable[str]]) -> frozenset[str]:
    """Return the checks that more than one of a crowd fails.

    Args:
        turned: for each device of it, the names of the checks that turned it.
    """
    count = Counter(name for checks in turned for name in set(checks))
    return frozenset(name for name, devices in count.items() if devices >= ALIKE)
