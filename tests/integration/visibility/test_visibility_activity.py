"""The overview's counts: everything once, whatever they are added up from."""

import importlib
import itertools

import pytest
from django.db import connection
from tests.visibility_material import ALLOWED, HELD, NOW, REFUSED
from tests.visibility_record import decisions_log, index_all, write

from ostiary.config.places import Instance
from ostiary.visibility.facade import get_activity, get_refusals, prune_index
from ostiary.visibility.models import HourCount, LogPosition

pytestmark = pytest.mark.django_db


def test_activity_counts_everything_once(recorded: Instance) -> None:
    activity = get_activity(NOW - 10, NOW + 40, bucket_seconds=10)
    assert (activity.allowed, activity.held, activity.refused) == (10, 10, 10)
    assert activity.refusals == (("conditions_unmet", 10), ("denied_by_rule", 10))
    assert [(app.app, app.total) for app in activity.apps] == [("wiki", 30)]
    assert sum(bucket.allowed + bucket.held + bucket.refused for bucket in activity.buckets) == 30
    starts = [bucket.at for bucket in activity.buckets]
    assert starts == sorted(starts)
    assert {after - before for before, after in itertools.pairwise(starts)} == {10.0}
    assert get_activity(NOW, NOW + 12).per_second == 1.0
    assert len(get_activity(NOW - 400 * 86_400, NOW).buckets) <= 402


def test_the_counts_of_minutes_agree_with_the_rows(recorded: Instance) -> None:
    start = NOW - NOW % 60
    fine, coarse = (
        get_activity(start, start + 120, bucket_seconds=1),
        get_activity(start, start + 120, bucket_seconds=60),
    )
    assert (fine.allowed, fine.held, fine.refused) == (coarse.allowed, coarse.held, coarse.refused) == (10, 10, 10)
    assert fine.refusals == coarse.refusals
    assert fine.apps == coarse.apps
    assert get_refusals(start, start + 120) == coarse.refusals == (("conditions_unmet", 10), ("denied_by_rule", 10))
    assert coarse.bucket_seconds == 60
    assert [bucket.allowed for bucket in coarse.buckets] == [
        sum(bucket.allowed for bucket in fine.buckets[at : at + 60]) for at in (0, 60)
    ]
    assert get_activity(start, start + 120, bucket_seconds=61).bucket_seconds == 120


def test_the_counts_of_hours_agree_with_those_of_minutes(instance: Instance) -> None:
    start = NOW - NOW % 3600
    log = decisions_log(instance)
    for number, minute in enumerate((0, 20, 59, 60, 61, 119)):
        write(log, number, (ALLOWED, HELD, REFUSED)[number % 3], at=start + minute * 60)
    log.close()
    index_all()
    minutes, hours = (get_activity(start, start + 7200, bucket_seconds=size) for size in (60, 3600))
    assert [(bucket.at, bucket.allowed, bucket.held, bucket.refused) for bucket in hours.buckets] == [
        (start, 1, 1, 1),
        (start + 3600, 1, 1, 1),
    ]
    assert (hours.allowed, hours.held, hours.refused) == (minutes.allowed, minutes.held, minutes.refused) == (2, 2, 2)
    assert (hours.refusals, hours.apps) == (minutes.refusals, minutes.apps)
    assert get_activity(start, start + 7200, bucket_seconds=3601).bucket_seconds == 7200
    days = instance.configuration.record.retention_days
    prune_index(start + 3600 + days * 86_400)
    assert [bucket.allowed for bucket in get_activity(start, start + 7200, bucket_seconds=3600).buckets] == [0, 1]


def test_an_index_from_before_there_were_hours_gets_them_from_its_minutes(recorded: Instance) -> None:
    kinds = ("hour", "stream", "app", "outcome", "reason", "number")
    counted = set(HourCount.objects.values_list(*kinds))
    assert counted
    HourCount.objects.all().delete()
    migration = importlib.import_module("ostiary.visibility.migrations.0003_hour_counts")
    with connection.cursor() as cursor:
        cursor.execute(migration.MINUTES_TOGETHER)
    assert set(HourCount.objects.values_list(*kinds)) == counted


def test_the_counts_survive_being_made_again(recorded: Instance) -> None:
    LogPosition.objects.filter(stream="decisions").update(segment=1, offset=10**9, seq=10**6)
    index_all()
    for size in (60, 3600):
        assert get_activity(NOW - 3600, NOW + 3600, bucket_seconds=size).allowed == 10


def test_an_empty_record_has_no_activity(instance: Instance) -> None:
    activity = get_activity(NOW - 60, NOW)
    assert (activity.allowed, activity.per_second, activity.refusals, activity.apps) == (0, 0.0, (), ())
