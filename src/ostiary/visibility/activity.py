"""Counts for the overview, from the index: how much was allowed, held and refused, when, where and why.

Long spans add up the counts of minutes; short ones, with slices under a minute, read the rows themselves.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import Final

from django.db.models import Count, F, Sum

from ostiary.visibility.domain.search import Activity, ActivityBucket, AppActivity
from ostiary.visibility.models import IndexedDecision, MinuteCount

MAX_BUCKETS: Final = 400
LATELY_SECONDS: Final = 10
_USUAL_BUCKETS: Final = 96
_INDEX_LAG_SECONDS: Final = 2
_MINUTE_SECONDS: Final = 60
_MOST_REASONS: Final = 20
_MOST_APPS: Final = 50


def get_activity(since: float, now: float, *, bucket_seconds: int = 0) -> Activity:
    """Return what went on between two moments, requests on grants included.

    Args:
        since: the beginning, seconds since the epoch; with slices of a minute or more, of its whole minute.
        now: the end.
        bucket_seconds: length of a slice; 0 chooses one that gives about 96 slices.
    """
    span = max(now - since, 1.0)
    size = max(bucket_seconds or round(span / _USUAL_BUCKETS), int(span / MAX_BUCKETS) + 1, 1)
    if size >= _MINUTE_SECONDS:
        size = -(-size // _MINUTE_SECONDS) * _MINUTE_SECONDS
        groups = _minutes(since, now, size)
    else:
        groups = _rows(since, now, size)
    slices: defaultdict[int, Counter[str]] = defaultdict(Counter)
    apps: defaultdict[str, Counter[str]] = defaultdict(Counter)
    reasons: Counter[str] = Counter()
    totals: Counter[str] = Counter()
    for number, outcome, app, reason, count in groups:
        slices[number][outcome] += count
        apps[app][outcome] += count
        reasons[reason] += count
        totals[outcome] += count
    apps.pop("", None)
    reasons.pop("", None)
    busiest = sorted((AppActivity(app=app, **counts) for app, counts in apps.items()), key=lambda a: (-a.total, a.app))
    return Activity(
        since=since,
        until=now,
        bucket_seconds=size,
        buckets=tuple(
            ActivityBucket(at=float(number * size), **slices[number])
            for number in range(int(since) // size, int(max(now, since + 1) - 0.001) // size + 1)
        ),
        per_second=_rate(now),
        allowed=totals["allowed"],
        held=totals["held"],
        refused=totals["refused"],
        refusals=tuple(sorted(reasons.items(), key=lambda item: (-item[1], item[0]))[:_MOST_REASONS]),
        apps=tuple(busiest[:_MOST_APPS]),
        people=_people(since, now),
    )


def _minutes(since: float, now: float, size: int) -> Iterator[tuple[int, str, str, str, int]]:
    """Slice, outcome, app, reason and count, from the counts of minutes."""
    rows = MinuteCount.objects.filter(
        minute__gte=int(since) // _MINUTE_SECONDS, minute__lt=-(-int(now) // _MINUTE_SECONDS)
    )
    grouped = rows.order_by().annotate(slice=F("minute") / (size // _MINUTE_SECONDS))
    counted = grouped.values_list("slice", "outcome", "app", "reason").annotate(total=Sum("number"))
    yield from counted


def _rows(since: float, now: float, size: int) -> Iterator[tuple[int, str, str, str, int]]:
    """Slice, outcome, app, reason and count, from the rows themselves."""
    rows = IndexedDecision.objects.filter(at_ms__gte=int(since * 1000), at_ms__lt=int(now * 1000))
    grouped = rows.order_by().annotate(slice=F("at_ms") / (size * 1000))
    yield from grouped.values_list("slice", "outcome", "app", "reason").annotate(total=Count("pk"))


def _people(since: float, now: float) -> int:
    rows = IndexedDecision.objects.filter(at_ms__gte=int(since * 1000), at_ms__lt=int(now * 1000))
    return rows.exclude(person="").order_by().values("person").distinct().count()


def _rate(now: float) -> float:
    """The newest seconds are not indexed yet, so the ten before them are counted."""
    until = int((now - _INDEX_LAG_SECONDS) * 1000)
    rows = IndexedDecision.objects.filter(at_ms__gte=until - LATELY_SECONDS * 1000, at_ms__lt=until)
    return rows.count() / LATELY_SECONDS
