"""Of which ecosystems an archive holds everything that is known, and what is missing for a device. Pure.

OSV publishes an archive for each ecosystem, or for all releases of a system together. An advisory on one release often speaks of
others too, and those others are not complete by that: only what every entry is about counts as whole.
"""

from collections.abc import Collection, Iterable, Mapping
from typing import Final

from ostiary.software.domain.ecosystems import ordering_of

STALE_SECONDS: Final = 14 * 24 * 3600.0
"""From then on nobody can tell what is vulnerable."""


class Coverage:
    """What the entries of one archive are about, looked at one by one."""

    def __init__(self) -> None:
        self.seen: set[str] = set()
        self._every: set[str] | None = None
        self._families: set[str] | None = None

    def see(self, ecosystems: Collection[str]) -> None:
        """Take note of one entry; one that is about nothing here says nothing."""
        if not ecosystems:
            return
        families = {_family(one) for one in ecosystems}
        self.seen |= set(ecosystems)
        self._every = set(ecosystems) if self._every is None else self._every & set(ecosystems)
        self._families = families if self._families is None else self._families & families

    def whole(self) -> set[str]:
        """Return the ecosystems that the archive is one of: those every entry is about, or else every release of such a system."""
        if self._every:
            return self._every
        return {one for one in self.seen if _family(one) in (self._families or ())}


def gaps(ecosystems: Iterable[str], *, system: str, known_as_of: Mapping[str, float | None], now: float) -> list[str]:
    """Return why nobody can tell how many vulnerabilities there are, each reason in words; none when it can be told.

    Args:
        ecosystems: of what is installed.
        system: of the operating system.
        known_as_of: for each ecosystem when everything on it was known; `None` for never.
        now: seconds since the epoch, like those moments.
    """
    if ordering_of(system) is None:
        return ["No advisories in OSV's form speak of this operating system."]
    needed = sorted({system} | {one for one in ecosystems if ordering_of(one) is not None})
    missing = [one for one in needed if known_as_of.get(one) is None]
    stale = [one for one in needed if (at := known_as_of.get(one)) is not None and now - at > STALE_SECONDS]
    words = [f"No advisories on {', '.join(missing)} were imported."] if missing else []
    return words + ([f"The advisories on {', '.join(stale)} are older than 14 days."] if stale else [])


def _family(ecosystem: str) -> str:
    return ecosystem.partition(":")[0]
