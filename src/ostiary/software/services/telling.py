"""Makes facts about devices of what is vulnerable on them. Where that cannot be told it is not known, and never none."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Final

from django.conf import settings
from django.db.models import F, Q

from ostiary.devices.facade import Evidence, Reported, UnknownDevice, UnusableDevice, take_facts
from ostiary.software.domain.coverage import gaps
from ostiary.software.domain.severity import Severity
from ostiary.software.models import Feed, Installed, PackageSet
from ostiary.software.services.knowledge import generation

SOURCE: Final = "software"
AT_ONCE: Final = 50
TOLD_AGAIN_PART: Final = 2
"""Facts are made anew after this part of the time for which they count."""
_MOST_WORDS: Final = 200


def tell_facts(*, now: float, limit: int = AT_ONCE) -> int:
    """Say of some devices anew how many vulnerabilities they have; return of how many.

    Only what the device confirmed since is said again, so that what is known of one that is silent ends.

    Args:
        now: seconds since the epoch.
        limit: of how many at once.
    """
    lasts = settings.INSTANCE.configuration.devices.facts_minutes * 60.0
    due = datetime.fromtimestamp(now, UTC) - timedelta(seconds=lasts / TOLD_AGAIN_PART)
    again = Q(told_at__isnull=True) | Q(told_at__lte=due, confirmed_at__gt=F("told_at"))
    counted = Installed.objects.filter(again, packages__matched=generation()).select_related("packages")
    rows = list(counted.order_by(F("told_at").asc(nulls_first=True), "pk")[:limit])
    known_as_of = feeds_as_of() if rows else {}
    for row in rows:
        facts = facts_of(row.packages, at=row.confirmed_at.timestamp(), known_as_of=known_as_of, now=now)
        try:
            take_facts(
                device=row.device_id,
                source=SOURCE,
                evidence=Evidence.SELF_REPORTED,
                facts=facts,
                taken_at=row.confirmed_at.timestamp(),
                lasts=lasts,
                now=now,
            )
        except (UnknownDevice, UnusableDevice):
            """It ended meanwhile; nobody asks what is on it."""
        Installed.objects.filter(pk=row.pk, packages=row.packages_id).update(told_at=datetime.fromtimestamp(now, UTC))
    return len(rows)


def facts_of(kept: PackageSet, *, at: float, known_as_of: dict[str, float | None], now: float) -> Iterable[Reported]:
    """Return the facts that a set makes: of flaws that an update mends, since nobody can do anything about others.

    Args:
        kept: what is installed, counted.
        at: when the device said so, seconds since the epoch.
        known_as_of: how old the advisories are, by ecosystem.
        now: seconds since the epoch.
    """
    why = reasons(kept, known_as_of=known_as_of, now=now)
    for name, severity in (("vulnerable_critical", Severity.CRITICAL), ("vulnerable_high", Severity.HIGH)):
        count = kept.mendable.get(severity.word)
        yield Reported(name=name, value=None if why else count, at=at, problem=why[0][:_MOST_WORDS] if why else "")


def reasons(kept: PackageSet, *, known_as_of: dict[str, float | None], now: float) -> list[str]:
    """Return why nobody can tell how many vulnerabilities there are, in words; none where it can be told."""
    why = gaps(kept.ecosystems, system=kept.system, known_as_of=known_as_of, now=now)
    why += [f"The list of what is installed may be incomplete: {one}" for one in kept.incomplete]
    if unrated := kept.mendable.get(Severity.UNKNOWN.word, 0):
        why.append(f"Nobody says how bad these flaws are: {unrated}. Updates mend them.")
    return why


def feeds_as_of() -> dict[str, float | None]:
    """Return for each ecosystem when everything on it was known, seconds since the epoch."""
    return {one.ecosystem: one.as_of.timestamp() if one.as_of else None for one in Feed.objects.all()}
