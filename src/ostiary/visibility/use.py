"""How often who used which app: added up from the index, for deciding whether access is needed."""

from collections.abc import Iterator

import msgspec
from django.db.models import Count, Max, Min

from ostiary.visibility.models import IndexedDecision


class UseCount(msgspec.Struct, frozen=True):
    """Requests of one person to one app by one method that passed, those on grants included.

    Args:
        person: who.
        app: where.
        method: of HTTP.
        count: how many.
        last_at: the latest, seconds since the epoch.
    """

    person: str
    app: str
    method: str
    count: int
    last_at: float


def count_uses(*, since: float) -> Iterator[UseCount]:
    """Yield what passed since a moment (seconds since the epoch), by person, app and method."""
    rows = IndexedDecision.objects.filter(at_ms__gte=int(since * 1000), outcome="allowed").exclude(person="")
    found = rows.order_by().values_list("person", "app", "method").annotate(number=Count("pk"), last_ms=Max("at_ms"))
    for person, app, method, number, last_ms in found.iterator():
        yield UseCount(person, app, method, number, last_ms / 1000)


def recorded_since() -> float | None:
    """Return the moment of the oldest decision in the index, seconds since the epoch; `None` when there is none."""
    oldest = IndexedDecision.objects.filter(stream="decisions").aggregate(at_ms=Min("at_ms"))["at_ms"]
    return None if oldest is None else oldest / 1000
