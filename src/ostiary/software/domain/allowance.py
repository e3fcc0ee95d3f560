"""How much that no other device has one device may bring. Pure.

What is installed on a fleet is mostly the same, so a list brings few packages that are new here. Whoever sends made-up lists
could otherwise fill the database, for a package stays until nobody has had it for a day.
"""

from typing import Final

from ostiary.software.domain.packages import MAX_PACKAGES

MOST: Final = 2 * MAX_PACKAGES
"""Twice everything: a first list, and the next one after the system was made anew."""
EACH_LIST: Final = 200
"""A list that is new here counts like so many packages, whatever is in it: it has to be matched and counted."""
_A_DAY: Final = MAX_PACKAGES
_DAY_SECONDS: Final = 24 * 3600.0


def owed_after(owed: float, *, seconds: float, packages: int) -> float | None:
    """Return how much a device has used up with one more list, or `None` where that is more than it may.

    Args:
        owed: as this function returned it last; 0 for never.
        seconds: since then.
        packages: how many of the list's are new here.
    """
    left = max(owed - max(seconds, 0.0) * _A_DAY / _DAY_SECONDS, 0.0) + packages + EACH_LIST
    return left if left <= MOST else None
