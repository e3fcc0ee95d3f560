"""What was found to be installed, kept until it may have changed: looking takes longer than a report may."""

from collections.abc import Callable
from pathlib import Path
from typing import Final

import msgspec

from ostiary.agent.inventory.collect import collect_inventory
from ostiary.software.domain.packages import Inventory, digest_of, pack_inventory

LOOK_AGAIN_SECONDS: Final = 3600.0
"""For what leaves no trace where the packages of the system do."""
SETTLED_SECONDS: Final = 60.0
"""How long nothing has come or gone before that is news: an upgrade is many changes, and looking in its midst is for nothing."""
LONGEST_UNREST_SECONDS: Final = 300.0
"""When it is news all the same."""

_TRACES: Final = (
    "var/lib/dpkg/status",
    "var/lib/rpm/rpmdb.sqlite",
    "usr/lib/sysimage/rpm/rpmdb.sqlite",
    "var/lib/rpm/Packages",
    "lib/apk/db/installed",
)
"""Files that change with every package that is installed or removed."""


class _Unrest(msgspec.Struct, frozen=True, kw_only=True):
    """Packages come and go: what it looks like, since when, and when that last changed (seconds since the epoch)."""

    traces: tuple[int, ...]
    since: float
    last_at: float


class InventoryKeeper:
    """The newest inventory of this computer.

    Args:
        root: where the files of the system begin.
        collect: looks.
    """

    def __init__(self, root: Path = Path("/"), collect: Callable[[Path], Inventory] = collect_inventory) -> None:
        self._root, self._collect = root, collect
        self._found: Inventory | None = None
        self._digest = ""
        self._looked_at = 0.0
        self._traces: tuple[int, ...] = ()
        self._noted: tuple[int, ...] = ()
        self._unrest: _Unrest | None = None

    def has_news(self, *, now: float) -> bool:
        """Tell whether packages came or went since the last look or `note`, and it is calm again or has lasted long enough.

        Args:
            now: seconds since the epoch.

        Returns:
            Always no before the first look.
        """
        traces = self._now()
        if self._found is None or traces == self._noted:
            self._unrest = None
            return False
        if self._unrest is None:
            self._unrest = _Unrest(traces=traces, since=now, last_at=now)
        elif self._unrest.traces != traces:
            self._unrest = _Unrest(traces=traces, since=self._unrest.since, last_at=now)
        moving = 0 <= now - self._unrest.last_at < SETTLED_SECONDS
        return not (moving and 0 <= now - self._unrest.since < LONGEST_UNREST_SECONDS)

    def note(self) -> None:
        """Remember how things are, so that they are no news any more; the next `look` looks nevertheless."""
        self._noted, self._unrest = self._now(), None

    def look(self, *, now: float) -> Inventory:
        """Return what is installed; looks again when a package came or went, or an hour later.

        Args:
            now: seconds since the epoch.
        """
        traces = self._now()
        fresh = traces == self._traces and 0 <= now - self._looked_at < LOOK_AGAIN_SECONDS
        if self._found is None or not fresh:
            self._found = self._collect(self._root)
            self._digest = digest_of(self._found)
            self._looked_at, self._traces = now, traces
            self._noted, self._unrest = traces, None
        return self._found

    def digest(self, *, now: float) -> str:
        """Return the digest of what is installed, for a report. Arguments as for `look`."""
        self.look(now=now)
        return self._digest

    def packed(self) -> bytes:
        """Return what was found last, as it is sent: it fits the digest that was given out."""
        if self._found is None:
            raise ValueError("look first")
        return pack_inventory(self._found)

    def _now(self) -> tuple[int, ...]:
        return tuple(_changed_at(self._root / one) for one in _TRACES)


def _changed_at(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0
