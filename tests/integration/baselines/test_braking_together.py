"""The brake where facts of a crowd come in at the same moment, each in a transaction of its own."""

from concurrent.futures import ThreadPoolExecutor
from threading import Event

import pytest
from django.db import connection, transaction
from tests.baseline_fleet import make_device, says
from tests.identity_people import make_person

from ostiary.baselines.facade import list_verdicts
from ostiary.policy.identifiers import DeviceId

pytestmark = pytest.mark.django_db(transaction=True)
A_MOMENT = 0.3
"""The first waits for the second so long at most: where it counts as it should, it is the second that waits."""


def test_those_who_do_not_see_each_other_yet_are_counted_together() -> None:
    owner = make_person()
    fleet = [make_device(owner, number) for number in range(10)]
    for one in fleet:
        says(one)
    begun, ended = Event(), Event()

    def turn(devices: list[DeviceId], *, first: bool) -> None:
        try:
            if not first:
                assert begun.wait(60)
            with transaction.atomic():
                for one in devices:
                    says(one, firewall_on=None)
                if first:
                    begun.set()
                    ended.wait(A_MOMENT)
        finally:
            (begun if first else ended).set()
            connection.close()

    at_once = 2 if connection.vendor == "postgresql" else 1
    """SQLite has one writer: whoever comes second sees the first."""
    with ThreadPoolExecutor(at_once) as threads:
        turns = [threads.submit(turn, fleet[:3], first=True), threads.submit(turn, fleet[3:4], first=False)]
        for one in turns:
            one.result(60)
    assert {one.device for one in list_verdicts().values() if one.held} == set(fleet[:4])
