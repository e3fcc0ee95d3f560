"""Finds out which packages advisories are about, and what devices have of those: by parts, as the worker has time."""

import time
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Final

from django.db import transaction
from django.db.models import Count

from ostiary.software.domain.matching import Subject, match, subjects_of
from ostiary.software.domain.osv import Affected
from ostiary.software.domain.packages import Package
from ostiary.software.domain.sets import unpack_numbers
from ostiary.software.domain.severity import Severity
from ostiary.software.domain.stored import unpack_affected
from ostiary.software.journal import record_found
from ostiary.software.models import (
    AffectedPackage,
    Holding,
    Installed,
    Knowledge,
    PackageSet,
    StoredAdvisory,
    StoredFinding,
    StoredPackage,
)
from ostiary.software.services.knowledge import generation, knowledge, recount_soon
from ostiary.software.services.matcher import match_anew

PACKAGES_AT_ONCE: Final = 200
SETS_AT_ONCE: Final = 25
_MOST_PARAMETERS: Final = 800
_AT_ONCE: Final = 200
RESTS: Final = 20.0
"""How many times as long as counting took nothing is counted again."""


def match_step(*, now: float) -> int:
    """Do the next part of what there is to do: packages first, then the sets that have them, then the counts of each advisory.

    Before all that it is seen to that everything is matched anew that was matched by the rules of another release.

    Args:
        now: seconds since the epoch.

    Returns:
        How much was done; 0 when nothing is left.
    """
    return match_anew() or match_packages() or match_sets() or count_devices(now=now)


@transaction.atomic
def match_packages(limit: int = PACKAGES_AT_ONCE) -> int:
    """Match some packages that were not matched since advisories on them came; return how many."""
    rows = list(StoredPackage.objects.filter(stale=True).order_by("pk")[:limit])
    if not rows:
        return 0
    wanted = {row.pk: subjects_of(to_package(row)) for row in rows}
    about = _affected_by_name({one for subjects in wanted.values() for one in subjects})
    found = []
    for package, subjects in wanted.items():
        fixes: dict[int, str] = {}
        for subject in subjects:
            for advisory, parts in about.get((subject.ecosystem, subject.name), {}).items():
                if (matched := match(subject, parts)) is not None:
                    fixes.setdefault(advisory, matched.fixed)
        found += [
            StoredFinding(package_id=package, advisory_id=advisory, fixed=fixed[:120])
            for advisory, fixed in fixes.items()
        ]
    StoredFinding.objects.filter(package_id__in=list(wanted)).delete()
    StoredFinding.objects.bulk_create(found, ignore_conflicts=True)
    StoredPackage.objects.filter(pk__in=list(wanted)).update(stale=False)
    return len(rows)


@transaction.atomic
def match_sets(limit: int = SETS_AT_ONCE) -> int:
    """Count what is vulnerable in some sets that were not counted since advisories came; return how many sets.

    None while packages wait to be matched: what is in a set may be among them.
    """
    now_known = generation()
    rows = list(PackageSet.objects.exclude(matched=now_known).order_by("pk")[:limit])
    if not rows or StoredPackage.objects.filter(stale=True).exists():
        return 0
    contents = {row.pk: set(unpack_numbers(bytes(row.packages))) for row in rows}
    flaws = _flaws_of(set().union(*contents.values()))
    Holding.objects.filter(packages_id__in=list(contents)).delete()
    Holding.objects.bulk_create(
        Holding(packages_id=one, package_id=package)
        for one, numbers in contents.items()
        for package in sorted(numbers & flaws.keys())
    )
    for row in rows:
        counts = count_flaws(flaws[package] for package in contents[row.pk] & flaws.keys())
        for severity, count in counts.items():
            setattr(row, severity.word, count)
        row.matched = now_known
    PackageSet.objects.bulk_update(rows, [*(one.word for one in Severity), "matched"])
    Installed.objects.filter(packages_id__in=list(contents)).update(told_at=None)
    recount_soon()
    return len(rows)


def count_flaws(of_packages: Iterable[Mapping[str, Severity]]) -> dict[Severity, int]:
    """Return how many flaws of each severity there are: one that two databases or three packages speak of is one.

    Args:
        of_packages: for each package its flaws, by what their advisories have in common.
    """
    worst: dict[str, Severity] = {}
    for flaws in of_packages:
        for key, severity in flaws.items():
            worst[key] = max(worst.get(key, Severity.UNKNOWN), severity)
    counts = dict.fromkeys(Severity, 0)
    for severity in worst.values():
        counts[severity] += 1
    return counts


def count_devices(*, now: float) -> int:
    """Count for each advisory on how many devices there is something it is about, not too often; return 1 when it was done."""
    state, moment = knowledge(), datetime.fromtimestamp(now, UTC)
    if not state.uncounted:
        return 0
    rest = RESTS * state.counting_seconds
    if state.counted_at is not None and abs((moment - state.counted_at).total_seconds()) < rest:
        return 0
    began = time.monotonic()
    Knowledge.objects.filter(pk=1).update(uncounted=False, counted_at=moment)
    try:
        _count()
    except Exception:
        recount_soon()
        raise
    Knowledge.objects.filter(pk=1).update(counting_seconds=time.monotonic() - began)
    return 1


def _count() -> None:
    path = "package__holdings__packages__devices__device"
    counted = dict(
        StoredFinding.objects.filter(**{f"{path}__isnull": False})
        .values_list("advisory")
        .annotate(found=Count(path, distinct=True))
        .values_list("advisory", "found")
    )
    before = dict(StoredAdvisory.objects.filter(devices__gt=0).values_list("pk", "devices"))
    changed = [pk for pk in sorted(counted.keys() | before.keys()) if counted.get(pk, 0) != before.get(pk, 0)]
    rows = [StoredAdvisory(pk=pk, devices=counted.get(pk, 0)) for pk in changed]
    with transaction.atomic():
        StoredAdvisory.objects.bulk_update(rows, ["devices"], batch_size=_AT_ONCE)
        found = _bad([pk for pk in changed if pk not in before])
        over = _bad([pk for pk in changed if pk not in counted])
        if found or over:
            record_found(found=found, over=over)


def _bad(advisories: Sequence[int]) -> list[str]:
    """Return which of these advisories are bad enough to be on record."""
    return sorted(
        uid
        for some in _in_parts(advisories, _MOST_PARAMETERS)
        for uid in StoredAdvisory.objects.filter(pk__in=some, severity__gte=Severity.HIGH).values_list("uid", flat=True)
    )


def to_package(row: StoredPackage) -> Package:
    """Return the stored package as the rest of Ostiary sees it."""
    return Package(
        ecosystem=row.ecosystem,
        name=row.name,
        version=row.version,
        source=row.source,
        source_version=row.source_version,
    )


def _affected_by_name(subjects: Iterable[Subject]) -> dict[tuple[str, str], dict[int, list[Affected]]]:
    """Return what advisories that hold say, by package and advisory."""
    names: dict[str, set[str]] = defaultdict(set)
    for one in subjects:
        names[one.ecosystem].add(one.name)
    found: dict[tuple[str, str], dict[int, list[Affected]]] = {}
    for ecosystem, several in names.items():
        rows = AffectedPackage.objects.filter(
            ecosystem=ecosystem, name__in=several, advisory__withdrawn__isnull=True
        ).values_list("name", "advisory_id", "content")
        for name, advisory, content in rows.iterator():
            parts = found.setdefault((ecosystem, name), {}).setdefault(advisory, [])
            parts.append(unpack_affected(bytes(content)))
    return found


def _flaws_of(packages: Iterable[int]) -> dict[int, dict[str, Severity]]:
    """Return the flaws of those packages that have any: by what advisories on one flaw have in common, how bad."""
    found: dict[int, dict[str, Severity]] = {}
    for some in _in_parts(sorted(packages), _MOST_PARAMETERS):
        rows = StoredFinding.objects.filter(package_id__in=some)
        for package, key, severity in rows.values_list("package_id", "advisory__key", "advisory__severity"):
            flaws = found.setdefault(package, {})
            flaws[key] = max(flaws.get(key, Severity.UNKNOWN), Severity(severity))
    return found


def _in_parts(numbers: Sequence[int], size: int) -> Iterable[Sequence[int]]:
    return (numbers[at : at + size] for at in range(0, len(numbers), size))
