"""Finds out which packages advisories are about, and what devices have of those: by parts, as the worker has time."""

import time
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Final, TypeVar

from django.db import transaction
from django.db.models import Count, Q

from ostiary.software.domain.counting import Flaw, count_flaws, named_flaws, worse
from ostiary.software.domain.kernels import is_idle
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
_T = TypeVar("_T")
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

    What belongs to a kernel that does not run is left out. None while packages wait to be matched: what is in a set may be among them.
    """
    now_known = generation()
    rows = list(PackageSet.objects.exclude(matched=now_known).order_by("pk")[:limit])
    if not rows or StoredPackage.objects.filter(stale=True).exists():
        return 0
    contents = {row.pk: set(unpack_numbers(bytes(row.packages))) for row in rows}
    flaws = _flaws_of(set().union(*contents.values()))
    kernels = _kernels_of(flaws)
    for row in rows:
        idle = {package for package, one in kernels.items() if is_idle(one, row.running)}
        contents[row.pk] = (contents[row.pk] & flaws.keys()) - idle
    Holding.objects.filter(packages_id__in=list(contents)).delete()
    Holding.objects.bulk_create(
        Holding(packages_id=one, package_id=package) for one, numbers in contents.items() for package in sorted(numbers)
    )
    for row in rows:
        counts, mendable = count_flaws(flaws[package] for package in contents[row.pk])
        for severity, count in counts.items():
            setattr(row, severity.word, count)
        row.mendable = {one.word: count for one, count in mendable.items()}
        row.matched = now_known
    PackageSet.objects.bulk_update(rows, [*(one.word for one in Severity), "mendable", "matched"])
    Installed.objects.filter(packages_id__in=list(contents)).update(told_at=None)
    recount_soon()
    return len(rows)


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


def _flaws_of(packages: Iterable[int]) -> dict[int, dict[str, Flaw]]:
    """Return the flaws of those packages that have any: by what advisories on one flaw have in common."""
    rows: list[tuple[int, int, str, int, str]] = []
    for some in _in_parts(sorted(packages), _MOST_PARAMETERS):
        found = StoredFinding.objects.filter(package_id__in=some)
        rows += found.values_list("package_id", "advisory_id", "advisory__key", "advisory__severity", "fixed")
    named = _named_by({advisory for _package, advisory, _key, severity, _fixed in rows if not severity})
    flaws: dict[int, dict[str, Flaw]] = {}
    for package, advisory, key, severity, fixed in rows:
        of_package = flaws.setdefault(package, {})
        for one, how_bad in named.get(advisory, {key: Severity(severity)}).items():
            of_package[one] = worse(of_package.get(one), Flaw(how_bad, bool(fixed)))
    return flaws


def _named_by(advisories: Iterable[int]) -> dict[int, dict[str, Severity]]:
    """Return the flaws of advisories that do not say how bad they are."""
    said: list[tuple[int, str, list[str]]] = []
    for some in _in_parts(sorted(advisories), _MOST_PARAMETERS):
        said += StoredAdvisory.objects.filter(pk__in=some).values_list("pk", "key", "aliases")
    rated: dict[str, Severity] = {}
    for names in _in_parts(sorted({one for _pk, key, aliases in said for one in (key, *aliases)}), _MOST_PARAMETERS):
        known = StoredAdvisory.objects.filter(key__in=names, withdrawn__isnull=True, severity__gt=Severity.UNKNOWN)
        for key, severity in known.values_list("key", "severity"):
            rated[key] = max(rated.get(key, Severity.UNKNOWN), Severity(severity))
    return {pk: named_flaws(key, aliases, rated) for pk, key, aliases in said}


def _kernels_of(packages: Iterable[int]) -> dict[int, Package]:
    """Return those of some packages that may belong to one kernel among several."""
    found: dict[int, Package] = {}
    for some in _in_parts(sorted(packages), _MOST_PARAMETERS):
        named = Q(name__startswith="linux-") | Q(name__startswith="kernel")
        found |= {row.pk: to_package(row) for row in StoredPackage.objects.filter(named, pk__in=some)}
    return found


def _in_parts(numbers: Sequence[_T], size: int) -> Iterable[Sequence[_T]]:
    return (numbers[at : at + size] for at in range(0, len(numbers), size))
