"""Whether an advisory is about an installed version, and which version mends it: the evaluation of the OSV schema. Pure.

What cannot be compared counts as affected: nobody is told that something is mended which nobody could check.
Source: OSV schema 1.7.4, "Evaluation".
"""

from collections.abc import Iterable, Iterator
from typing import Any, Final

import msgspec

from ostiary.software.domain.ecosystems import PYPI, Ordering, is_by_source, one_package_name, ordering_of
from ostiary.software.domain.ordering import readable
from ostiary.software.domain.osv import Affected, Event
from ostiary.software.domain.packages import Package
from ostiary.software.domain.signed import signed_from

BEGINNING: Final = "0"
NO_LIMIT: Final = "*"
_FIRST: Final = {"fixed": 0, "last_affected": 1, "introduced": 2, "limit": 3}
"""Of events at one version, what says that it is affected comes last, and holds."""


class Subject(msgspec.Struct, frozen=True, kw_only=True):
    """What advisories call a package, and which version of that is there."""

    ecosystem: str
    name: str
    version: str


class Match(msgspec.Struct, frozen=True, kw_only=True):
    """An advisory is about what is installed. `fixed`: the first version that is not affected any more; empty for none."""

    fixed: str = ""


def subjects_of(package: Package) -> tuple[Subject, ...]:
    """Return under which names and versions advisories may be about a package; none where nothing can be matched."""
    ordering = ordering_of(package.ecosystem)
    if ordering is None:
        return ()
    own = Subject(
        ecosystem=package.ecosystem,
        name=one_package_name(package.ecosystem, package.name),
        version=package.version.partition("+")[0] if package.ecosystem == PYPI else package.version,
    )
    if not package.source:
        return (own,)
    source = Subject(
        ecosystem=package.ecosystem, name=package.source, version=package.source_version or package.version
    )
    if is_by_source(package.ecosystem) or (source.name, source.version) == (own.name, own.version):
        signed = signed_from(package.ecosystem, source.name, source.version, package.version)
        if signed is None:
            return (source,)
        return (source, Subject(ecosystem=package.ecosystem, name=signed[0], version=signed[1]))
    return (own, source)


def match(subject: Subject, affected: Iterable[Affected]) -> Match | None:
    """Return whether, and how, the parts of one advisory are about something installed.

    Args:
        subject: what is installed.
        affected: the parts of the advisory on that very package.
    """
    ordering = ordering_of(subject.ecosystem)
    parts = list(affected)
    if ordering is None or not any(_is_affected(ordering, subject.version, one) for one in parts):
        return None
    return Match(fixed=_first_fix(ordering, subject.version, parts))


def _is_affected(ordering: Ordering, version: str, affected: Affected) -> bool:
    return version in affected.versions or any(_in_range(ordering, version, one) for one in affected.ranges)


def _in_range(ordering: Ordering, version: str, events: tuple[Event, ...]) -> bool:
    installed = readable(ordering, version)
    if installed is None:
        return True
    if not _before_limits(ordering, installed, events):
        return False
    affected = False
    for event, at in _in_order(ordering, events):
        if event.kind == "introduced":
            affected = affected or at is None or installed >= at
        elif at is None:
            continue
        elif event.kind == "fixed":
            affected = affected and installed < at
        elif event.kind == "last_affected":
            affected = affected and installed <= at
    return affected


def _before_limits(ordering: Ordering, installed: Any, events: tuple[Event, ...]) -> bool:
    limits = [one.version for one in events if one.kind == "limit"]
    return not limits or any(
        one == NO_LIMIT or (at := readable(ordering, one)) is None or installed < at for one in limits
    )


def _in_order(ordering: Ordering, events: tuple[Event, ...]) -> list[tuple[Event, Any]]:
    """Return the events by version, each with what its version is; `None` for the beginning, and for what nobody can read.

    What nobody can read stays behind the event before it, so that no fix from before closes it.
    """
    from_start: list[tuple[Event, Any]] = []
    later: list[tuple[Any, Event, Any]] = []
    place: Any = None
    for one in events:
        at = None if one.version == BEGINNING else readable(ordering, one.version)
        place = place if at is None else at
        if one.version == BEGINNING or place is None:
            from_start.append((one, at))
        else:
            later.append((place, one, at))
    later.sort(key=lambda item: _FIRST[item[1].kind])
    later.sort(key=lambda item: item[0])
    return from_start + [(one, at) for _place, one, at in later]


def _first_fix(ordering: Ordering, version: str, parts: Iterable[Affected]) -> str:
    """Return the oldest version that is newer than the installed one and that no part is about."""
    installed, every = readable(ordering, version), list(parts)
    said = {event.version for part in every for range_ in part.ranges for event in range_ if event.kind == "fixed"}
    fixes: Iterator[tuple[Any, str]] = ((at, one) for one in said if (at := readable(ordering, one)) is not None)
    newer = sorted((pair for pair in fixes if installed is None or pair[0] > installed), key=lambda pair: pair[0])
    return next((one for _at, one in newer if not any(_is_affected(ordering, one, part) for part in every)), "")
