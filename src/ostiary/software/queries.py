"""Reads of software and its vulnerabilities. They return frozen types and change nothing."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime
from typing import Final

from django.db.models import Exists, OuterRef, Q, QuerySet

from ostiary.identity.domain.stored_text import can_be_stored
from ostiary.software.domain.coverage import STALE_SECONDS
from ostiary.software.domain.findings import (
    Affects,
    DeviceSoftware,
    FeedState,
    Finding,
    KnownAdvisory,
    Mended,
    Progress,
    UnknownAdvisory,
)
from ostiary.software.domain.packages import Package
from ostiary.software.domain.sets import unpack_numbers
from ostiary.software.domain.severity import Severity
from ostiary.software.models import Feed, Holding, Installed, PackageSet, StoredAdvisory, StoredFinding, StoredPackage
from ostiary.software.services.knowledge import generation
from ostiary.software.services.matching import to_package
from ostiary.software.services.telling import feeds_as_of, reasons
from ostiary.visibility.facade import Page

_MOST_PARAMETERS: Final = 800


def search_findings(
    *,
    text: str = "",
    severity: Severity | None = None,
    device: str = "",
    mendable: bool | None = None,
    page: int = 1,
    page_size: int = 50,
) -> Page[Finding]:
    """Return what is vulnerable, by advisory: the worst first, then what is on most devices.

    Args:
        text: occurs in the advisory's names, its summary, or the name of a package it is about.
        severity: only this one.
        device: only what is on this device.
        mendable: only what an update mends, or only what none does yet.
        page: from 1; beyond the end is the last one.
        page_size: how many.
    """
    rows = StoredAdvisory.objects.filter(devices__gt=0)
    if device:
        rows = StoredAdvisory.objects.filter(pk__in=_on_device(device).values("advisory_id"))
    if severity is not None:
        rows = rows.filter(severity=severity)
    if mendable is not None:
        mended = Exists(
            (_on_device(device) if device else _held()).exclude(fixed="").filter(advisory_id=OuterRef("pk"))
        )
        rows = rows.filter(mended if mendable else ~mended)
    for word in text.split()[:5] if can_be_stored(text) else ():
        about = StoredFinding.objects.filter(Q(package__name__icontains=word) | Q(package__source__icontains=word))
        named = Q(uid__icontains=word) | Q(key__icontains=word) | Q(summary__icontains=word)
        rows = rows.filter(named | Q(pk__in=about.values("advisory_id")))
    if not can_be_stored(text):
        rows = rows.none()
    total = rows.count()
    number = min(page, max(1, -(-total // page_size)))
    some = list(rows.order_by("-severity", "-devices", "uid")[(number - 1) * page_size : number * page_size])
    packages = _packages_of([row.pk for row in some], device)
    return Page(
        items=tuple(_finding(row, packages[row.pk]) for row in some), total=total, page=number, page_size=page_size
    )


def get_advisory(uid: str) -> KnownAdvisory:
    """Return an advisory by its identifier, or by a CVE that it alone is about.

    Raises:
        UnknownAdvisory: when there is none here.
    """
    row = StoredAdvisory.objects.filter(uid=uid).first() if can_be_stored(uid) else None
    if row is None:
        raise UnknownAdvisory(
            f"No advisory {uid[:60]!r} was imported.", hint="Look for another name of it: ostiary advisories list"
        )
    about = sorted({f"{one.name} ({one.ecosystem})" for one in row.affected.all()})
    return _advisory(row, about)


def list_advisories(
    *, text: str = "", severity: Severity | None = None, page: int = 1, page_size: int = 50
) -> Page[KnownAdvisory]:
    """Return the advisories that were imported, the newest first. Arguments as for `search_findings`."""
    rows = StoredAdvisory.objects.all() if can_be_stored(text) else StoredAdvisory.objects.none()
    if severity is not None:
        rows = rows.filter(severity=severity)
    for word in text.split()[:5]:
        rows = rows.filter(Q(uid__icontains=word) | Q(key__icontains=word) | Q(summary__icontains=word))
    total = rows.count()
    number = min(page, max(1, -(-total // page_size)))
    some = rows.order_by("-modified", "uid")[(number - 1) * page_size : number * page_size]
    return Page(items=tuple(_advisory(row, ()) for row in some), total=total, page=number, page_size=page_size)


def list_affected(uid: str, *, page: int = 1, page_size: int = 50) -> Page[Affects]:
    """Return the devices on which there is something that an advisory is about, by name. Arguments as for `search_findings`."""
    rows = (
        Installed.objects.filter(packages__holdings__package__findings__advisory__uid=uid)
        .values_list(
            "device_id",
            "device__name",
            "packages__holdings__package__ecosystem",
            "packages__holdings__package__name",
            "packages__holdings__package__version",
            "packages__holdings__package__findings__fixed",
        )
        .order_by("device__name", "device_id", "packages__holdings__package__name")
        .distinct()
    )
    total = rows.count()
    number = min(page, max(1, -(-total // page_size)))
    some = rows[(number - 1) * page_size : number * page_size]
    return Page(
        items=tuple(
            Affects(
                device=device,
                name=name,
                package=Mended(ecosystem=ecosystem, name=package, version=version, fixed=fixed),
            )
            for device, name, ecosystem, package, version, fixed in some
        ),
        total=total,
        page=number,
        page_size=page_size,
    )


def get_device_software(device: str, *, now: float) -> DeviceSoftware | None:
    """Return how what is installed on a device stands, or `None` where nothing is known of it.

    Args:
        device: which.
        now: seconds since the epoch.
    """
    row = Installed.objects.select_related("packages").filter(pk=device).first() if can_be_stored(device) else None
    if row is None:
        return None
    kept = row.packages
    counted = kept.matched == generation()
    counts = {one.word: getattr(kept, one.word) for one in reversed(Severity)} if counted else None
    return DeviceSoftware(
        device=device,
        packages=kept.size,
        system=kept.system,
        taken_at=row.taken_at.timestamp(),
        confirmed_at=row.confirmed_at.timestamp(),
        counts=counts,
        mendable=dict(kept.mendable) if counted else None,
        running=kept.running,
        waiting=kept.waiting,
        not_known=tuple(reasons(kept, known_as_of=feeds_as_of(), now=now)),
    )


def list_packages(device: str) -> tuple[Package, ...]:
    """Return everything installed on a device, sorted; nothing where that is not known."""
    row = Installed.objects.select_related("packages").filter(pk=device).first() if can_be_stored(device) else None
    numbers = unpack_numbers(bytes(row.packages.packages)) if row is not None else []
    found: list[Package] = []
    for at in range(0, len(numbers), _MOST_PARAMETERS):
        found += map(to_package, StoredPackage.objects.filter(pk__in=numbers[at : at + _MOST_PARAMETERS]))
    return tuple(sorted(found))


def list_feeds(*, now: float) -> tuple[FeedState, ...]:
    """Return what is known of each ecosystem."""
    return tuple(
        FeedState(
            ecosystem=one.ecosystem,
            as_of=_seconds(one.as_of),
            imported_at=one.imported_at.timestamp(),
            source=one.source,
            fresh=one.as_of is not None and now - one.as_of.timestamp() <= STALE_SECONDS,
        )
        for one in Feed.objects.order_by("ecosystem")
    )


def get_progress() -> Progress:
    """Return how far the worker is."""
    return Progress(
        advisories=StoredAdvisory.objects.count(),
        packages=StoredPackage.objects.count(),
        packages_to_match=StoredPackage.objects.filter(stale=True).count(),
        inventories=PackageSet.objects.count(),
        inventories_to_count=PackageSet.objects.exclude(matched=generation()).count(),
        devices=Installed.objects.count(),
    )


def _on_device(device: str) -> QuerySet[StoredFinding]:
    if not can_be_stored(device):
        return StoredFinding.objects.none()
    held = Holding.objects.filter(packages__devices__device_id=device)
    return StoredFinding.objects.filter(package_id__in=held.values("package_id"))


def _held() -> QuerySet[StoredFinding]:
    held = Holding.objects.filter(package_id=OuterRef("package_id"), packages__devices__isnull=False)
    return StoredFinding.objects.filter(Exists(held))


def _packages_of(advisories: list[int], device: str) -> dict[int, list[Mended]]:
    rows = _on_device(device) if device else _held()
    found: dict[int, list[Mended]] = defaultdict(list)
    values = ("advisory_id", "package__ecosystem", "package__name", "package__version", "fixed")
    for advisory, ecosystem, name, version, fixed in (
        rows.filter(advisory_id__in=advisories).values_list(*values).distinct().order_by(*values)
    ):
        found[advisory].append(Mended(ecosystem=ecosystem, name=name, version=version, fixed=fixed))
    return found


def _finding(row: StoredAdvisory, packages: Iterable[Mended]) -> Finding:
    return Finding(
        id=row.uid,
        key=row.key,
        severity=Severity(row.severity).word,
        score=row.score,
        summary=row.summary,
        url=row.url,
        devices=row.devices,
        packages=tuple(packages),
    )


def _advisory(row: StoredAdvisory, about: Iterable[str]) -> KnownAdvisory:
    return KnownAdvisory(
        id=row.uid,
        key=row.key,
        aliases=tuple(row.aliases),
        severity=Severity(row.severity).word,
        score=row.score,
        summary=row.summary,
        url=row.url,
        modified=row.modified.timestamp(),
        withdrawn=_seconds(row.withdrawn),
        devices=row.devices,
        about=tuple(about),
    )


def _seconds(at: datetime | None) -> float | None:
    return None if at is None else at.timestamp()
