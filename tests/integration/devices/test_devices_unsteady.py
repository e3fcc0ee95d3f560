"""What comes late, what changes all the time, and what nobody says any more: none of it makes a device better or work without end."""

import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.conf import settings as now_in_force
from tests.baseline_fleet import make_device, says
from tests.device_asking import Laptop
from tests.identity_people import make_person
from tests.integration.devices.test_devices_enrol import configured

from ostiary.baselines.facade import get_held, list_verdicts, settle_compliance
from ostiary.devices.domain.flapping import CHANGES_AT_ONCE
from ostiary.devices.facade import (
    Evidence,
    Reported,
    get_posture,
    list_fact_changes,
    posture_changed,
    ready_authority,
    refresh_postures,
    take_facts,
)

pytestmark = pytest.mark.django_db(transaction=True)
HOUR = 3600.0


@pytest.fixture(autouse=True)
def _authority(settings: Any) -> Iterator[None]:
    configured(settings, approval="person")
    ready_authority(now=time.time())
    yield
    shutil.rmtree(now_in_force.INSTANCE.device_certificates)


@pytest.fixture
def laptop() -> Laptop:
    one = Laptop()
    one.enrolled_for(make_person())
    return one


@contextmanager
def heard() -> Iterator[list[tuple[str, bool]]]:
    found: list[tuple[str, bool]] = []

    def hear(devices: tuple[str, ...], by_time: bool, **_: Any) -> None:
        found.extend((one, by_time) for one in devices)

    posture_changed.connect(hear)
    try:
        yield found
    finally:
        posture_changed.disconnect(hear)


def known(laptop: Laptop, now: float | None = None) -> dict[str, Any]:
    return get_posture(laptop.device, now=time.time() if now is None else now).for_rules()


def told(laptop: Laptop, now: float, **facts: Any) -> bool:
    said = [Reported(name=name, value=value, at=now) for name, value in facts.items()]
    return take_facts(
        device=laptop.device,
        source="agent",
        evidence=Evidence.SELF_REPORTED,
        facts=said,
        taken_at=now,
        lasts=HOUR,
        now=now,
    )


def waited(laptop: Laptop, seconds: int, **facts: Any) -> Any:
    """Send what was looked at so long ago, as an agent does first that could not reach the instance."""
    at = int(time.time()) - seconds
    said = tuple(Reported(name=name, value=value, at=at) for name, value in facts.items())
    return laptop.report(more={"taken_at": at, "facts": said})


def test_what_had_to_wait_counts_for_nothing_and_stands_in_the_history(laptop: Laptop) -> None:
    told(laptop, time.time() - 3000, disk_encrypted=True, firewall_on=True)
    with heard() as changes:
        assert waited(laptop, 2000, disk_encrypted=False, firewall_on=True).status_code == 200
        assert waited(laptop, 1000, disk_encrypted=True, firewall_on=True).status_code == 200
        assert known(laptop) == {"disk_encrypted": True, "firewall_on": True}
        assert not changes, "a device that is well now is not cut off by what was an hour ago"
        laptop.report(disk_encrypted=True, firewall_on=False)
    assert changes == [(laptop.device, False)]
    assert known(laptop) == {"disk_encrypted": True, "firewall_on": False}
    disk = [(one.before, one.value) for one in list_fact_changes(laptop.device) if one.name == "disk_encrypted"]
    assert disk == [(False, True), (True, False), (None, True)]


def test_an_older_better_word_lets_nobody_in_and_a_clock_that_is_off_is_no_age(laptop: Laptop) -> None:
    assert waited(laptop, 2000, disk_encrypted=True).status_code == 200
    assert known(laptop) == {}
    slow = int(time.time()) - 290
    said = (Reported(name="disk_encrypted", value=False, at=slow),)
    assert laptop.report(more={"at": slow, "taken_at": slow, "facts": said}).status_code == 200
    assert known(laptop) == {"disk_encrypted": False}, "it was looked at just now, by a clock that is behind"
    (now, before) = list_fact_changes(laptop.device)
    assert [(one.before, one.value) for one in (now, before)] == [(True, False), (None, True)]


def test_a_device_that_flaps_is_slowed_and_what_is_worse_counts_at_once(laptop: Laptop) -> None:
    now = time.time()
    told(laptop, now, disk_encrypted=True, firewall_on=True)
    with heard() as changes:
        for number in range(CHANGES_AT_ONCE + 20):
            told(laptop, now, disk_encrypted=bool(number % 2), firewall_on=True)
    assert len(changes) == CHANGES_AT_ONCE + 1, "so many as they come, and one more for the worse"
    told(laptop, now, disk_encrypted=False, firewall_on=True)
    assert known(laptop, now) == {"disk_encrypted": False, "firewall_on": True}
    told(laptop, now, disk_encrypted=False, firewall_on=False)
    assert known(laptop, now) == {"disk_encrypted": False, "firewall_on": False}, "worse is never delayed"
    told(laptop, now, disk_encrypted=True, firewall_on=True)
    assert known(laptop, now) == {"disk_encrypted": False, "firewall_on": False}, "and better waits"
    assert len(list_fact_changes(laptop.device, limit=500)) <= CHANGES_AT_ONCE + 4
    later = now + 6
    told(laptop, later, disk_encrypted=True, firewall_on=True)
    assert known(laptop, later) == {"disk_encrypted": True, "firewall_on": True}, "until it calms down"


def test_counting_up_is_no_way_around_it(laptop: Laptop) -> None:
    now = time.time()
    for number in range(CHANGES_AT_ONCE + 20):
        told(laptop, now, screen_lock_minutes=number)
    assert known(laptop, now) == {}
    assert "too often" in get_posture(laptop.device, now=now).unknown["screen_lock_minutes"]
    assert len(list_fact_changes(laptop.device, limit=500)) <= CHANGES_AT_ONCE + 2


def test_who_stands_on_a_device_that_fell_silent_is_told(laptop: Laptop) -> None:
    laptop.report(disk_encrypted=True)
    with heard() as changes:
        refresh_postures(now=time.time() + HOUR + 1)
        refresh_postures(now=time.time() + HOUR + 1)
    assert changes == [(laptop.device, True)], "once, and as what time did"


def test_a_fleet_that_fell_silent_is_judged_by_that_alone_and_not_held() -> None:
    owner, now = make_person(), time.time()
    devices = [make_device(owner, 7000 + number) for number in range(6)]
    for one in devices:
        says(one, now=now - HOUR + 5)
    assert all(list_verdicts()[one].compliant for one in devices)
    refresh_postures(now=now + 10)
    assert not any(list_verdicts()[one].compliant for one in devices), "before any other job looks"
    assert get_held(now=now + 10) is None
    settle_compliance(now=now + 11)
    assert not any(list_verdicts()[one].compliant for one in devices)
