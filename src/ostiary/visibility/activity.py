"""Counts for the overview, from the index: how much was allowed, held and refused, when, where and why.

Long spans add up the counts of hours or minutes; short ones, with slices under a minute, read the rows themselves.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from django.db.models import Aggregate, Count, F, Q, QuerySet, Sum

from ostiary.visibility.domain.search import Activity, ActivityBucket, AppActivity
from ostiary.visibility.models import HourCount, IndexedDecision, MinuteCount

MAX_BUCKETS: Final = 400
LATELY_SECONDS: Final = 10
_USUAL_BUCKETS: Final = 96
_INDEX_LAG_SECONDS: Final = 2
_MOST_REASONS: Final = 20
_MOST_APPS: Final = 50
_OUTCOMES: Final = ("allowed", "held", "refused")

Amount = Callable[..., Aggregate]


@dataclass(frozen=True, slots=True)
class _Span:
    """What is counted: the model, its field that numbers the spans since the epoch, and how long one is."""

    model: type[MinuteCount | HourCount]
    field: str
    seconds: int


_MINUTE: Final = _Span(MinuteCount, "minute", 60)
_HOUR: Final = _Span(HourCount, "hour", 3600)


def get_activity(since: float, now: float, *, bucket_seconds: int = 0) -> Activity:
    """Return what went on between two moments, requests on grants included.

    Args:
        since: the beginning, seconds since the epoch; with slices of a minute or an hour, or more, of its whole minute or
            hour.
        now: the end.
        bucket_seconds: length of a slice; 0 chooses one that gives about 96 slices.
    """
    length = max(now - since, 1.0)
    size = max(bucket_seconds or round(length / _USUAL_BUCKETS), int(length / MAX_BUCKETS) + 1, 1)
    if size >= _MINUTE.seconds:
        span = _HOUR if size >= _HOUR.seconds else _MINUTE
        size = -(-size // span.seconds) * span.seconds
        rows, amount = _counted(span, since, now)
        rows = rows.annotate(slice=F(span.field) / (size // span.seconds))
    else:
        rows, amount = _single(since, now)
        rows = rows.annotate(slice=F("at_ms") / (size * 1000))
    outcomes = {outcome: amount(filter=Q(outcome=outcome)) for outcome in _OUTCOMES}
    slices = {row.pop("slice"): row for row in rows.values("slice").annotate(**outcomes)}
    buckets = tuple(
        ActivityBucket(at=float(number * size), **slices.get(number, {}))
        for number in range(int(since) // size, int(max(now, since + 1) - 0.001) // size + 1)
    )
    apps = [AppActivity(app=app, total=total) for app, total in _by(rows.exclude(app=""), "app", amount)]
    return Activity(
        since=since,
        until=now,
        bucket_seconds=size,
        buckets=buckets,
        per_second=_rate(now),
        allowed=sum(row["allowed"] for row in slices.values()),
        held=sum(row["held"] for row in slices.values()),
        refused=sum(row["refused"] for row in slices.values()),
        refusals=_refusals(rows, amount),
        apps=tuple(sorted(apps, key=lambda one: (-one.total, one.app))[:_MOST_APPS]),
    )


def get_refusals(since: float, now: float) -> tuple[tuple[str, int], ...]:
    """Return reason and count of what was held or refused between two moments, the most frequent first.

    Args:
        since: the beginning, seconds since the epoch; of its whole minute.
        now: the end.
    """
    return _refusals(*_counted(_MINUTE, since, now))


def _refusals(rows: "QuerySet[Any]", amount: Amount) -> tuple[tuple[str, int], ...]:
    counted = _by(rows.exclude(reason=""), "reason", amount)
    return tuple(sorted(counted, key=lambda item: (-item[1], item[0]))[:_MOST_REASONS])


def _by(rows: "QuerySet[Any]", field: str, amount: Amount) -> Iterator[tuple[str, int]]:
    yield from rows.values_list(field).annotate(total=amount())


def _counted(span: _Span, since: float, now: float) -> "tuple[QuerySet[Any], Amount]":
    """The counts of whole spans, and how they are added up."""
    first, after = int(since) // span.seconds, -(-int(now) // span.seconds)
    rows = span.model.objects.filter(**{f"{span.field}__gte": first, f"{span.field}__lt": after})
    return rows.order_by(), partial(Sum, "number", default=0)


def _single(since: float, now: float) -> "tuple[QuerySet[Any], Amount]":
    """The rows themselves, and how they are counted."""
    rows = IndexedDecision.objects.filter(at_ms__gte=int(since * 1000), at_ms__lt=int(now * 1000))
    return rows.order_by(), partial(Count, "pk")


def _rate(now: float) -> float:
    """The newest seconds are not indexed yet, so the ten before them are counted."""
    until = int((now - _INDEX_LAG_SECONDS) * 1000)
    rows = IndexedDecision.objects.filter(at_ms__gte=until - LATELY_SECONDS * 1000, at_ms__lt=until)
    return rows.count() / LATELY_SECONDS
