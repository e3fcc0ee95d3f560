"""What the brake holds is the failing that turned a crowd: nothing that a device fails besides, and nothing that is only too old."""

import time
from typing import Any

import pytest
from tests.baseline_fleet import DAY, HOUR, make_device, says
from tests.identity_people import MACHINE, make_person

from ostiary.baselines.facade import (
    TooManyBlocked,
    check_now,
    count_held_checks,
    get_held,
    keep_held,
    let_happen,
    list_held,
    list_verdicts,
    remove_baseline,
    require_baseline,
    set_baseline,
    settle_compliance,
)
from ostiary.baselines.facts import read_compliance
from ostiary.devices.facade import Evidence, Reported, refresh_postures, take_facts
from ostiary.policy.identifiers import DeviceId

pytestmark = pytest.mark.django_db
OFFICE = "version: 1\nname: office\nbased on: minimum\nchecks:\n  - name: disk\n    require: {disk_encrypted: true}\n"


@pytest.fixture
def fleet() -> list[DeviceId]:
    owner = make_person()
    devices = [make_device(owner, number) for number in range(10)]
    for one in devices:
        says(one)
    return devices


@pytest.fixture
def crowd(fleet: list[DeviceId]) -> list[DeviceId]:
    """Return four of the ten whose firewall is not known any more, and which are held for it."""
    for one in fleet[:4]:
        says(one, firewall_on=None)
    assert standing(fleet) == [True] * 10
    return fleet[:4]


def standing(devices: list[DeviceId]) -> list[bool]:
    known = read_compliance().devices
    return [known[one].compliant for one in devices]


def meets(device: DeviceId) -> tuple[str, ...]:
    return read_compliance().devices[device].meets


def put(document: str = OFFICE, **more: Any) -> None:
    set_baseline(document, now=time.time(), actor=MACHINE, **more)


def test_what_a_held_device_fails_besides_is_not_held(crowd: list[DeviceId]) -> None:
    held = get_held(time.time())
    assert held is not None
    says(crowd[0], firewall_on=None, screen_lock=None)
    assert standing(crowd) == [False, True, True, True], "what it fails alone is its own"
    says(crowd[0], firewall_on=None)
    assert standing(crowd) == [True] * 4, "with that put right, what is held is held as long as before"
    assert list_verdicts()[crowd[0]].held_until <= held.until
    assert let_happen(now=time.time(), actor=MACHINE) == 4


def test_letting_it_happen_ends_every_hold(crowd: list[DeviceId]) -> None:
    says(crowd[0], firewall_on=None, screen_lock=None)
    assert let_happen(now=time.time(), actor=MACHINE) == 3, "one was not compliant already"
    says(crowd[0], firewall_on=None)
    assert standing(crowd) == [False] * 4


def test_a_crowd_that_gets_worse_together_is_held_again_and_no_longer(crowd: list[DeviceId]) -> None:
    held = get_held(time.time())
    assert held is not None
    for one in crowd[:3]:
        says(one, firewall_on=None, screen_lock=None)
    assert standing(crowd) == [False, False, False, True], "three are no crowd"
    says(crowd[3], firewall_on=None, screen_lock=None)
    assert standing(crowd) == [True] * 4
    again = get_held(time.time())
    assert again is not None
    assert again.until <= held.until, "what comes later makes no hold longer"
    assert count_held_checks(time.time()) == (("firewall", 4), ("screen-lock", 4))


def test_what_only_one_of_a_crowd_fails_is_not_held(fleet: list[DeviceId], crowd: list[DeviceId]) -> None:
    says(fleet[5], screen_lock=None)
    says(fleet[6], firewall_on=None)
    assert (standing([fleet[5]]), standing([fleet[6]])) == ([False], [True])
    assert standing(crowd) == [True] * 4


def test_four_that_fail_four_things_are_no_fault(fleet: list[DeviceId]) -> None:
    for one, fact in zip(
        fleet, ("os_supported", "security_update_age_days", "firewall_on", "screen_lock"), strict=False
    ):
        says(one, **{fact: None})
    assert standing(fleet[:4]) == [False] * 4
    assert get_held(time.time()) is None


def test_what_grows_too_old_meanwhile_is_not_held(crowd: list[DeviceId]) -> None:
    now = time.time()
    keep_held(now=now, actor=MACHINE, reason="a bad update")
    settle_compliance(now=now + HOUR - 10)
    assert not any(list_verdicts()[one].compliant for one in crowd), "they sleep, and nothing is known of them"
    for one in crowd:
        says(one, now=now + 2 * HOUR, firewall_on=None)
    assert all(list_verdicts()[one].held for one in crowd), "awake, they fail what is held for a day and nothing else"
    settle_compliance(now=now + DAY + HOUR)
    assert not any(list_verdicts()[one].compliant for one in crowd)
    assert get_held(now + DAY + HOUR) is None


def test_a_held_verdict_is_published_no_longer_than_its_facts_last(crowd: list[DeviceId]) -> None:
    keep_held(now=time.time(), actor=MACHINE)
    assert read_compliance().devices[crowd[0]].until < time.time() + HOUR + 60


def test_looking_again_at_what_is_too_old_holds_nothing(fleet: list[DeviceId]) -> None:
    now = time.time()
    for one in fleet:
        check_now(one, now=now + HOUR + 60)
    assert not any(one.compliant for one in list_verdicts().values())


def test_facts_that_run_out_are_times_doing(fleet: list[DeviceId]) -> None:
    """What another source still knows is worked out anew when one grows too old, and judged with that."""
    now = time.time()
    for one in fleet:
        said = [Reported(name="disk_encrypted", value=True, at=now)]
        take_facts(
            device=one, source="fleet", evidence=Evidence.MDM_REPORTED, facts=said, taken_at=now, lasts=DAY, now=now
        )
    assert refresh_postures(now=now + HOUR + 60) == 10
    assert not any(one.compliant for one in list_verdicts().values())
    assert get_held(now + HOUR + 60) is None


def test_while_it_is_held_a_device_meets_what_it_lacks_nothing_else_of(crowd: list[DeviceId]) -> None:
    put()
    assert meets(crowd[0]) == ("minimum",), "a baseline that is new was never met"


def test_a_baseline_that_changed_or_went_is_not_met_by_what_is_held(fleet: list[DeviceId]) -> None:
    put()
    put(OFFICE.replace("office", "gone"))
    for one in fleet[:4]:
        says(one, firewall_on=None)
    assert meets(fleet[0]) == ("gone", "minimum", "office")
    says(fleet[0], firewall_on=None, disk_encrypted=False)
    assert standing(fleet[:1]) == [True], "the disk is not asked of it"
    assert meets(fleet[0]) == ("minimum",), "but it is not held either"
    put(OFFICE + "  - {name: start, require: {secure_boot: true}}\n")
    remove_baseline("gone", now=time.time(), actor=MACHINE)
    assert meets(fleet[1]) == ("minimum",)


def test_what_is_held_is_not_counted_as_blocked_by_a_change(fleet: list[DeviceId], crowd: list[DeviceId]) -> None:
    put()
    require_baseline("office", now=time.time(), actor=MACHINE)
    assert standing(fleet) == [True] * 10
    with pytest.raises(TooManyBlocked, match="blocks 10 of 10"):
        put(OFFICE + "  - {name: start, require: {secure_boot: true}}\n")
    put(OFFICE + "  - {name: start, require: {secure_boot: true}}\n", blocked=10)
    assert standing(fleet) == [False] * 10, "what is done by hand is never held"


def test_what_is_held_is_listed_in_pages(crowd: list[DeviceId]) -> None:
    now = time.time()
    first, last = list_held(now, page_size=3), list_held(now, page=9, page_size=3)
    assert (len(first.items), first.total, last.page) == (3, 4, 2)
    assert [one.blocking for one in last.items] == [("firewall",)]
