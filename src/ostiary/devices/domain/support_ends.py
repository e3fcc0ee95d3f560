"""Until when operating systems get security updates, as their makers say. What is not here is not known, and never counts as supported. Pure.

Free updates that come by themselves count; paid or asked-for extensions (Ubuntu Pro, Red Hat ELS, Windows ESU) do not.
Where a maker names only a month, its last day stands here. `READ_ON` says when the list was last compared with its sources.
"""

from datetime import date
from typing import Final

import msgspec

READ_ON: Final = date(2026, 11, 22)
OPEN_DAYS: Final = 365
"""How long after `READ_ON` an entry without an end counts: makers who name no end stop without saying so."""
SOURCES: Final = {
    "debian": "https://wiki.debian.org/LTS (with LTS) and the package distro-info-data",
    "ubuntu": "https://ubuntu.com/about/release-cycle (standard support) and the package distro-info-data",
    "fedora": "https://fedorapeople.org/groups/schedule/",
    "rhel": "https://access.redhat.com/support/policy/updates/errata (maintenance support)",
    "rocky": "https://wiki.rockylinux.org/rocky/version/",
    "almalinux": "https://wiki.almalinux.org/release-notes/",
    "opensuse-leap": "https://en.opensuse.org/Lifetime",
    "opensuse-tumbleweed": "https://en.opensuse.org/Lifetime",
    "arch": "https://archlinux.org/about/",
    "macos": "https://support.apple.com/100100 (the releases that still get security updates; Apple names no ends)",
    "windows": "https://learn.microsoft.com/lifecycle/products/ (Home and Pro)",
    "windows-enterprise": "https://learn.microsoft.com/lifecycle/products/ (Enterprise and Education)",
}


class Support(msgspec.Struct, frozen=True, kw_only=True):
    """Whether a system is supported; `days` until that ends, negative once it has, `None` where no end is known."""

    supported: bool
    days: int | None


NO_END: Final = "no end is said"
ROLLING: Final = frozenset({"arch", "opensuse-tumbleweed"})
"""These have no releases: whoever updates is supported."""
ENDS: Final[dict[str, dict[str, str]]] = {
    "debian": {"9": "2022-06-30", "10": "2024-06-30", "11": "2026-08-31", "12": "2028-06-30", "13": "2030-06-30"},
    "ubuntu": {
        "18.04": "2023-05-31",
        "20.04": "2025-05-29",
        "22.04": "2027-06-01",
        "24.04": "2029-05-31",
        "24.10": "2025-07-10",
        "25.04": "2026-01-15",
        "25.10": "2026-07-09",
        "26.04": "2031-05-29",
        "26.10": "2027-07-15",
    },
    "fedora": {"39": "2024-11-26", "40": "2025-05-13", "41": "2025-12-15", "42": "2026-05-27", "43": "2026-12-09"},
    "rhel": {"7": "2024-06-30", "8": "2029-05-31", "9": "2032-05-31", "10": "2035-05-31"},
    "rocky": {"8": "2029-05-31", "9": "2032-05-31", "10": "2035-05-31"},
    "almalinux": {"8": "2029-03-01", "9": "2032-05-31", "10": "2035-05-31"},
    "opensuse-leap": {"15.4": "2023-12-07", "15.5": "2024-12-31", "15.6": "2026-04-30", "16.0": "2027-10-31"},
    "macos": {"11": "2023-09-26", "12": "2024-09-16", "13": "2025-09-15", "15": NO_END, "26": NO_END},
    "windows": {
        "19045": "2025-10-14",
        "22000": "2023-10-10",
        "22621": "2024-10-08",
        "22631": "2025-11-11",
        "26100": "2026-10-13",
        "26200": "2027-10-12",
    },
    "windows-enterprise": {
        "19045": "2025-10-14",
        "22000": "2024-10-08",
        "22621": "2025-10-14",
        "22631": "2026-11-10",
        "26100": "2027-10-12",
        "26200": "2028-10-10",
    },
}
"""By maker and release: the day on which support ends. Windows is told by its build."""


def support_of(system: str, release: str, *, today: date, says: str = "") -> Support | None:
    """Return how a release is supported, or `None` where that is not known.

    Args:
        system: as in `ENDS`.
        release: `12`, `24.04`; of some systems the part before the point is the release.
        today: in UTC.
        says: what the system says itself (`SUPPORT_END` of os-release, a date); it counts, for updates keep it right.
    """
    if system in ROLLING:
        return Support(supported=True, days=None)
    known = ENDS.get(system, {})
    on_file = next((known[name] for name in (release, release.partition(".")[0]) if name in known), "")
    if on_file == NO_END and not _date(says):
        return Support(supported=True, days=None) if (today - READ_ON).days <= OPEN_DAYS else None
    end = _date(says) or _date(on_file)
    if end is None:
        return None
    days = (end - today).days
    return Support(supported=days >= 0, days=days)


def _date(text: str) -> date | None:
    try:
        return date.fromisoformat(text.strip())
    except ValueError:
        return None
