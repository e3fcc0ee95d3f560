"""Which of two versions is the newer one, by the rules of whoever made them. Pure.

Source: Debian policy 5.6.12 (dpkg), rpm-version(7), PEP 440, Semantic Versioning 2.0.0, as `univers` has them; apk: see there.
"""

from collections.abc import Callable
from functools import lru_cache
from typing import Any, Final

from univers.versions import (
    DebianVersion,
    InvalidVersion,
    PypiVersion,
    RpmVersion,
    SemverVersion,
)

from ostiary.software.domain import apk
from ostiary.software.domain.ecosystems import Ordering

_KINDS: Final[dict[Ordering, Callable[[str], Any]]] = {
    Ordering.DPKG: DebianVersion,
    Ordering.RPM: RpmVersion,
    Ordering.APK: apk.sort_key,
    Ordering.PEP440: PypiVersion,
    Ordering.SEMVER: SemverVersion,
}


@lru_cache(maxsize=50_000)
def readable(ordering: Ordering, text: str) -> Any | None:
    """Return a version that can be compared with others of its kind, or `None` when its rules know no such version.

    Args:
        ordering: whose rules.
        text: as a package manager or an advisory writes it.
    """
    try:
        return _KINDS[ordering](text)
    except (InvalidVersion, ValueError, TypeError, AttributeError, IndexError, OverflowError):
        return None


def newer(ordering: Ordering, one: str, than: str) -> bool | None:
    """Tell whether a version is newer than another; `None` when either cannot be read."""
    left, right = readable(ordering, one), readable(ordering, than)
    return None if left is None or right is None else bool(left > right)
