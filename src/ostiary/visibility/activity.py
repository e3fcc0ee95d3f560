"""Counts for the overview, from the index: how much was allowed, held and refused, when, where and why."""

from collections import Counter

from django.db.models import Count, F, QuerySet

from ostiary.visibility.domain.search import Activity, ActivityBucket, AppActivity
from ostiary.visibility.models import IndexedDecision

MAX_BUCKETS = 400
LATELY_SECONDS = 10
_INDEX_LAG_SECONDS = 2


def get_activity(since: float, now: float, *, bucket_seconds: int = 0) -> Activity:
    """Return what went on between two moments, requests on grants included.

    Args:
        since: the beginning, seconds since the epoch.
        now: the end.
        bucket_seconds: length of a slice; 0 chooses one that gives about 96 slices.
    """
    span = max(now - since, 1.0)
    bucket_seconds = max(bucket_seconds or round(span / 96), int(span / MAX_BUCKETS) + 1, 1)
    rows = IndexedDecision.objects.filter(at_ms__gte=int(since * 1000), at_ms__lt=int(now * 1000))
    totals = _by_outcome(rows)
    refusals = rows.exclude(reason="").values_list("reason").annotate(number=Count("pk")).order_by("-number", "reason")
    return Activity(
        since=since,
        until=now,
        bucket_seconds=bucket_seconds,
        buckets=_buckets(rows, since, now, bucket_seconds),
        per_second=_rate(now),
        allowed=totals["allowed"],
        held=totals["held"],
        refused=totals["refused"],
        refusals=tuple((reason, number) for reason, number in refusals[:20]),
        apps=_apps(rows),
        people=rows.exclude(person="").values("person").distinct().count(),
    )


def _by_outcome(rows: "QuerySet[IndexedDecision]") -> Counter[str]:
    return Counter(dict(rows.order_by().values_list("outcome").annotate(number=Count("pk"))))


def _buckets(
    rows: "QuerySet[IndexedDecision]", since: float, now: float, bucket_seconds: int
) -> tuple[ActivityBucket, ...]:
    size_ms = bucket_seconds * 1000
    counted: dict[int, dict[str, int]] = {}
    grouped = rows.order_by().annotate(slice=F("at_ms") / size_ms).values_list("slice", "outcome")
    for number, outcome, count in grouped.annotate(number=Count("pk")):
        counted.setdefault(int(number), {})[outcome] = count
    first, last = int(since * 1000) // size_ms, (int(now * 1000) - 1) // size_ms
    return tuple(
        ActivityBucket(at=float(number * bucket_seconds), **counted.get(number, {}))
        for number in range(first, last + 1)
    )


def _apps(rows: "QuerySet[IndexedDecision]") -> tuple[AppActivity, ...]:
    counted: dict[str, dict[str, int]] = {}
    grouped = rows.exclude(app="").order_by().values_list("app", "outcome").annotate(number=Count("pk"))
    for app, outcome, count in grouped:
        counted.setdefault(app, {})[outcome] = count
    apps = [AppActivity(app=app, **numbers) for app, numbers in counted.items()]
    return tuple(sorted(apps, key=lambda item: (-item.total, item.app))[:50])


def _rate(now: float) -> float:
    """The newest seconds are not indexed yet, so the ten before them are counted."""
    until = int((now - _INDEX_LAG_SECONDS) * 1000)
    rows = IndexedDecision.objects.filter(at_ms__gte=until - LATELY_SECONDS * 1000, at_ms__lt=until)
    return rows.count() / LATELY_SECONDS
