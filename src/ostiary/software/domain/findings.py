"""What is vulnerable, as the rest of Ostiary sees it: by advisory, and by device. Pure."""

import msgspec

from ostiary.errors import OstiaryError
from ostiary.software.domain.severity import Severity


class UnknownAdvisory(OstiaryError):
    """There is no such advisory here."""


class UnusableQuestion(OstiaryError):
    """This cannot be asked for."""


class Mended(msgspec.Struct, frozen=True, kw_only=True):
    """A package in a version that an advisory is about; `fixed`: the version that mends it, empty for none yet."""

    ecosystem: str
    name: str
    version: str
    fixed: str


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """An advisory with what it is about here.

    Args:
        id: of the advisory.
        key: the CVE, or the advisory's identifier.
        severity: how bad: `critical`, `high`, `medium`, `low` or `unknown`.
        score: the CVSS base score, where there is one.
        summary: one line.
        url: where to read more.
        devices: on how many devices, as last counted.
        packages: what it is about there.
    """

    id: str
    key: str
    severity: str
    score: float | None
    summary: str
    url: str
    devices: int
    packages: tuple[Mended, ...] = ()

    @property
    def fixes(self) -> str:
        """Which versions mend it, in one line; empty where none does yet."""
        return ", ".join(dict.fromkeys(one.fixed for one in self.packages if one.fixed))

    @property
    def names(self) -> str:
        """What it is about, in one line."""
        return ", ".join(dict.fromkeys(one.name for one in self.packages))


class Affects(msgspec.Struct, frozen=True, kw_only=True):
    """A device on which there is something that an advisory is about."""

    device: str
    name: str
    package: Mended


class KnownAdvisory(msgspec.Struct, frozen=True, kw_only=True):
    """An advisory as it is kept. Moments are seconds since the epoch."""

    id: str
    key: str
    aliases: tuple[str, ...]
    severity: str
    score: float | None
    summary: str
    url: str
    modified: float
    withdrawn: float | None
    devices: int
    about: tuple[str, ...] = ()


class DeviceSoftware(msgspec.Struct, frozen=True, kw_only=True):
    """What is installed on one device, counted.

    Args:
        device: which.
        packages: how many.
        system: the operating system's ecosystem; empty for one that is not known.
        taken_at: since when it is as it is, seconds since the epoch, like `confirmed_at`.
        confirmed_at: when the device last said so.
        counts: how many flaws of each severity, by its word; `None` while they are being counted.
        mendable: likewise, those that an update mends; these make the facts.
        running: the release of the kernel that runs; empty where that is not known: then every installed one counts.
        waiting: a newer kernel, which runs from the next restart on; empty for none.
        not_known: why the counts cannot be relied on, in words; empty where they can.
    """

    device: str
    packages: int
    system: str
    taken_at: float
    confirmed_at: float
    counts: dict[str, int] | None
    mendable: dict[str, int] | None = None
    running: str = ""
    waiting: str = ""
    not_known: tuple[str, ...] = ()


class FeedState(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of one ecosystem. `as_of`: when that was everything; `None` for single advisories only."""

    ecosystem: str
    as_of: float | None
    imported_at: float
    source: str
    fresh: bool


class Progress(msgspec.Struct, frozen=True, kw_only=True):
    """How far the worker is with what there is to match."""

    advisories: int
    packages: int
    packages_to_match: int
    inventories: int
    inventories_to_count: int
    devices: int


def read_severity(word: str) -> Severity | None:
    """Return the severity that somebody asks for, or `None` for every one.

    Raises:
        UnusableQuestion: for a word that is none.
    """
    if not word:
        return None
    try:
        return Severity[word.upper()]
    except KeyError:
        choices = ", ".join(one.word for one in reversed(Severity))
        raise UnusableQuestion(f"No severity is called {word[:40]!r}.", hint=f"Say one of: {choices}.") from None
