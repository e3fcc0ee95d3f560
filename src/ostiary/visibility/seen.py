"""Browsers on devices that nobody enrolled: added up while the record is indexed, so that nobody reads it to list them."""

from collections.abc import Iterable

from django.db.models import F

from ostiary.visibility.domain.index_entry import DecisionEntry
from ostiary.visibility.domain.unknown_devices import SeenBrowser, network_of
from ostiary.visibility.models import SeenBrowser as SeenRow


def note_seen(entries: Iterable[DecisionEntry]) -> None:
    """Add up what decisions say of them, inside the transaction that indexes these decisions."""
    seen: dict[tuple[str, str], list[DecisionEntry]] = {}
    for entry in entries:
        if entry.unknown_browser:
            seen.setdefault((entry.person, entry.unknown_browser), []).append(entry)
    for (person, browser), found in seen.items():
        newest = max(found, key=lambda one: one.at_ms)
        first_ms = min(one.at_ms for one in found)
        told = {"email": newest.email, "network": network_of(newest.address), "last_ms": newest.at_ms}
        rows = SeenRow.objects.filter(person=person, browser=browser)
        if not rows.update(requests=F("requests") + len(found), **told):
            SeenRow.objects.create(person=person, browser=browser, first_ms=first_ms, requests=len(found), **told)


def forget_seen(*, before_ms: int | None = None) -> int:
    """Forget those that were seen last before a moment (milliseconds since the epoch), or all; return how many."""
    rows = SeenRow.objects.all() if before_ms is None else SeenRow.objects.filter(last_ms__lt=before_ms)
    return rows.delete()[0]


def list_seen_browsers() -> tuple[SeenBrowser, ...]:
    """Return who was seen with which browser on no enrolled device, the latest first."""
    return tuple(
        SeenBrowser(
            id=row.pk,
            person=row.person,
            email=row.email,
            browser=row.browser,
            network=row.network,
            first_at=row.first_ms / 1000,
            last_at=row.last_ms / 1000,
            requests=row.requests,
        )
        for row in SeenRow.objects.order_by("-last_ms", "pk")
    )
