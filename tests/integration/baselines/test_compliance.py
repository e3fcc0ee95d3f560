"""Compliance of devices: verdicts in the transaction of their facts, stages, letters, requirements, exceptions, the brake."""

import time
from typing import Any

import pytest
from django.core import mail
from tests.baseline_fleet import DAY, HOUR, make_device, says
from tests.identity_people import MACHINE, make_person

from ostiary.baselines.facade import (
    Effect,
    ExceptionState,
    InvalidBaseline,
    NothingHeld,
    Requirement,
    Stage,
    TooManyBlocked,
    UnknownBaseline,
    UnusableBaseline,
    UnusableException,
    ask_exception,
    end_exception,
    get_baseline,
    get_held,
    grant_exception,
    keep_held,
    let_happen,
    list_days,
    list_exceptions,
    list_requirements,
    list_verdicts,
    list_versions,
    look_at,
    refuse_exception,
    remove_baseline,
    require_baseline,
    set_baseline,
    settle_compliance,
    simulate_document,
    simulate_requirement,
    withdraw_requirement,
)
from ostiary.baselines.facts import read_compliance
from ostiary.changes import facts_changed
from ostiary.devices.facade import quarantine_device, release_device
from ostiary.identity.facade import ADMINISTRATORS, add_member
from ostiary.policy.identifiers import DeviceId, GroupId, PersonId
from ostiary.visibility.facade import Actor

pytestmark = pytest.mark.django_db
OFFICE = "version: 1\nname: office\nbased on: minimum\nchecks:\n  - name: disk\n    require: {disk_encrypted: true}\n"
"""It blocks at once."""


@pytest.fixture
def ada() -> PersonId:
    return make_person()


@pytest.fixture
def laptop(ada: PersonId) -> DeviceId:
    return make_device(ada)


@pytest.fixture
def announced() -> Any:
    heard: list[bool] = []

    def hear(section: str, takes_away: bool, **_more: object) -> None:
        if section == "compliance":
            heard.append(takes_away)

    facts_changed.connect(hear)
    yield heard
    facts_changed.disconnect(hear)


@pytest.fixture
def fleet(ada: PersonId) -> list[DeviceId]:
    devices = [make_device(ada, number) for number in range(10)]
    for one in devices:
        says(one)
    return devices


def verdict(device: DeviceId) -> Any:
    return list_verdicts()[device]


def compliant(device: DeviceId) -> bool | None:
    fact = read_compliance().devices.get(device)
    return None if fact is None else fact.compliant


def put(document: str = OFFICE, **more: Any) -> None:
    set_baseline(document, now=more.pop("now", time.time()), actor=MACHINE, **more)


def require(name: str, **more: Any) -> Requirement:
    return require_baseline(name, now=more.pop("now", time.time()), actor=MACHINE, **more)


def test_what_becomes_known_is_judged_and_published_with_it(laptop: DeviceId, announced: list[bool]) -> None:
    assert compliant(laptop) is None, "nothing is known, and nothing is said"
    says(laptop)
    fact = read_compliance().devices[laptop]
    assert (fact.compliant, fact.meets) == (True, ("minimum",))
    assert time.time() + 50 * 60 < fact.until <= time.time() + HOUR
    says(laptop, firewall_on=None)
    assert (compliant(laptop), verdict(laptop).failing, verdict(laptop).unknown) == (False, ("firewall",), True)
    assert announced == [False, True], "only the second takes something away"


def test_what_fails_has_its_grace_and_its_owner_hears_of_each_stage_once(laptop: DeviceId) -> None:
    began = time.time()
    says(laptop, firewall_on=False)
    settle_compliance(now=began + 1)
    assert compliant(laptop)
    assert read_compliance().devices[laptop].meets == (), "who needs grace does not meet it"
    for at, stage in ((1, "at least"), (1 * DAY, "warn"), (8 * DAY, "block")):
        says(laptop, now=began + at, firewall_on=False)
        settle_compliance(now=began + at)
        settle_compliance(now=began + at + 1)
        assert look_at(laptop, now=began + at).of_required[0].failing[0].stage is not None, stage
    assert not verdict(laptop).compliant
    subjects = [str(one.subject) for one in mail.outbox]
    assert len(subjects) == 3, subjects
    assert "has to be put right by" in subjects[0]
    assert "opens nothing" in subjects[2]
    body = str(mail.outbox[0].body)
    assert "sudo ufw enable" in body
    assert "other people's computers" in body
    assert f"/devices/{laptop}/mend" in body


def test_sleeping_is_no_remedy_and_mending_is(laptop: DeviceId) -> None:
    began = time.time()
    says(laptop, firewall_on=False)
    settle_compliance(now=began + 2 * HOUR)
    assert verdict(laptop).unknown, "it has said nothing for two hours"
    assert not verdict(laptop).compliant
    says(laptop, now=began + 6 * DAY, firewall_on=False)
    assert verdict(laptop).compliant
    assert look_at(laptop, now=began + 6 * DAY).of_required[0].failing[0].since == pytest.approx(began, abs=5)
    says(laptop, now=began + 7 * DAY, firewall_on=True)
    says(laptop, now=began + 7 * DAY + 60, firewall_on=False)
    assert verdict(laptop).compliant, "it was put right, so the grace begins anew"


def test_a_verdict_is_renewed_before_it_ends_and_ends_where_nothing_is_said(laptop: DeviceId) -> None:
    began = time.time()
    says(laptop)
    first = verdict(laptop).until
    says(laptop, now=began + 50 * 60)
    assert verdict(laptop).until == first, "the same facts again are no change"
    settle_compliance(now=began + 50 * 60)
    assert verdict(laptop).until > first
    settle_compliance(now=began + 3 * HOUR)
    assert (verdict(laptop).compliant, verdict(laptop).unknown) == (False, True)


def test_a_baseline_of_ones_own_is_a_fact_at_once_and_kept_in_versions(laptop: DeviceId) -> None:
    says(laptop)
    put()
    assert read_compliance().devices[laptop].meets == ("minimum", "office")
    says(laptop, disk_encrypted=False)
    assert read_compliance().devices[laptop].meets == ("minimum",)
    assert compliant(laptop), "it is not required"
    put(OFFICE + "    ladder: {notify: 0d, block: 3d}\n", reason="three days")
    assert [one.number for one in list_versions("office")] == [2, 1]
    assert get_baseline("office", number=1).document == OFFICE
    with pytest.raises(UnusableBaseline, match="as it is in force already"):
        put(OFFICE + "    ladder: {notify: 0d, block: 3d}\n")
    with pytest.raises(UnusableBaseline, match="cannot be written over"):
        put(OFFICE.replace("office", "strict"))
    with pytest.raises(InvalidBaseline, match="line 7"):
        put(OFFICE + "    colour: red\n")
    remove_baseline("office", now=time.time(), actor=MACHINE)
    with pytest.raises(UnknownBaseline):
        get_baseline("office")
    assert read_compliance().devices[laptop].meets == ("minimum",)


def test_another_baseline_is_required_of_a_group_or_of_a_device(ada: PersonId, laptop: DeviceId) -> None:
    ben = make_person("ben@example.test", groups=("finance",))
    theirs = make_device(ben, 2)
    for one in (laptop, theirs):
        says(one, disk_encrypted=False)
    put()
    require("office", group="finance")
    assert (compliant(laptop), compliant(theirs)) == (True, False)
    with pytest.raises(UnusableBaseline, match="is required"):
        remove_baseline("office", now=time.time(), actor=MACHINE)
    add_member(group_id=GroupId("finance"), person_id=ada, reason="", actor=MACHINE)
    settle_compliance(now=time.time())
    assert not compliant(laptop), "membership counts from the next round on"
    require("minimum", device=laptop)
    assert compliant(laptop), "what is asked of the device itself comes first"
    withdraw_requirement(device=laptop, now=time.time(), actor=MACHINE)
    assert not compliant(laptop)
    withdraw_requirement(group="finance", now=time.time(), actor=MACHINE)
    assert (compliant(laptop), compliant(theirs)) == (True, True)
    assert list_requirements() == ()


def test_what_is_required_from_a_day_on_is_not_before(laptop: DeviceId) -> None:
    now = time.time()
    says(laptop, disk_encrypted=False)
    put()
    require("office", starts_at=now + DAY)
    assert compliant(laptop)
    says(laptop, now=now + DAY - HOUR, disk_encrypted=False)
    settle_compliance(now=now + DAY - HOUR)
    assert verdict(laptop).compliant
    assert verdict(laptop).until <= now + DAY
    says(laptop, now=now + DAY + 1, disk_encrypted=False)
    settle_compliance(now=now + DAY + 1)
    assert (verdict(laptop).compliant, verdict(laptop).required) == (False, ("office",))


@pytest.mark.parametrize("ahead", [-1.0, 400 * DAY])
def test_a_requirement_begins_now_or_within_a_year(laptop: DeviceId, ahead: float) -> None:
    with pytest.raises(UnusableBaseline, match="within a year"):
        require("strict", starts_at=time.time() + ahead)
    assert list_requirements() == ()


def test_an_exception_is_asked_for_and_somebody_else_grants_it(ada: PersonId, laptop: DeviceId) -> None:
    now = time.time()
    says(laptop, firewall_on=None)
    own = Actor(kind="person", id=ada, label="ada@example.test")
    asked = ask_exception(laptop, "firewall", until=now + DAY, reason="a lab machine", now=now, actor=own)
    assert not compliant(laptop), "asking changes nothing"
    with pytest.raises(UnusableException, match="Somebody else"):
        grant_exception(asked.id, now=now, actor=own)
    with pytest.raises(UnusableException, match="waiting already"):
        ask_exception(laptop, "firewall", until=now + DAY, reason="again", now=now, actor=own)
    grant_exception(asked.id, now=now, actor=MACHINE)
    assert compliant(laptop)
    end_exception(asked.id, now=now, actor=MACHINE, reason="it is not one")
    assert not compliant(laptop)
    second = ask_exception(laptop, "firewall", until=now + DAY, reason="again", now=now, actor=own)
    refuse_exception(second.id, now=now, actor=MACHINE, reason="no")
    assert [one.state for one in list_exceptions()] == [ExceptionState.REFUSED, ExceptionState.ENDED]
    with pytest.raises(UnusableException, match="is refused"):
        grant_exception(second.id, now=now, actor=MACHINE)


@pytest.mark.parametrize(
    ("check", "days", "reason", "said"),
    [
        ("moat", 1, "why not", "Nothing called 'moat'"),
        ("firewall", 91, "why not", "within 90 days"),
        ("firewall", 0, "why not", "within 90 days"),
        ("firewall", 1, "  ", "Say why"),
    ],
)
def test_an_exception_has_a_check_an_end_and_a_reason(
    laptop: DeviceId, check: str, days: int, reason: str, said: str
) -> None:
    now = time.time()
    with pytest.raises(UnusableException, match=said):
        ask_exception(laptop, check, until=now + days * DAY, reason=reason, now=now, actor=MACHINE)
    assert list_exceptions() == ()


def test_an_exception_ends_by_itself(laptop: DeviceId) -> None:
    now = time.time()
    says(laptop, firewall_on=None)
    asked = ask_exception(laptop, "firewall", until=now + 600, reason="today", now=now, actor=MACHINE)
    grant_exception(asked.id, now=now, actor=MACHINE)
    assert verdict(laptop).until == pytest.approx(now + 600)
    settle_compliance(now=now + 600)
    assert not verdict(laptop).compliant
    assert list_exceptions()[0].state is ExceptionState.ENDED


def test_a_change_that_blocks_many_at_once_wants_the_number(fleet: list[DeviceId]) -> None:
    for one in fleet[:4]:
        says(one, disk_encrypted=False)
    put()
    with pytest.raises(TooManyBlocked, match="blocks 4 of 10 devices"):
        require("office")
    with pytest.raises(TooManyBlocked):
        require("office", blocked=3)
    assert all(compliant(one) for one in fleet)
    require("office", blocked=4)
    assert [compliant(one) for one in fleet] == [False] * 4 + [True] * 6
    with pytest.raises(TooManyBlocked, match="blocks 6 of 10"):
        put(OFFICE + "  - {name: start, require: {secure_boot: true}}\n")
    assert get_baseline("office").number == 1


def test_a_change_that_blocks_three_does_not(fleet: list[DeviceId]) -> None:
    for one in fleet[:3]:
        says(one, disk_encrypted=False)
    put()
    require("office")
    assert sum(compliant(one) is False for one in fleet) == 3


def test_simulation_says_for_each_device_what_would_become_of_it(fleet: list[DeviceId]) -> None:
    now = time.time()
    says(fleet[0], disk_encrypted=False)
    says(fleet[1], disk_encrypted=None)
    says(fleet[2], security_update_age_days=20)
    put()
    found = simulate_requirement(Requirement(baseline="office", starts_at=now + 3 * DAY), now=now)
    by_device = {one.device: one for one in found.devices}
    assert (by_device[fleet[0]].effect, by_device[fleet[0]].blocked_at) == (Effect.BLOCKED, now + 3 * DAY)
    assert (by_device[fleet[1]].effect, by_device[fleet[1]].failing) == (Effect.UNKNOWN, ("disk",))
    assert by_device[fleet[3]].effect is Effect.FINE
    assert by_device[fleet[0]].owner == "ada@example.test"
    assert [one.effect for one in found.devices[:2]] == [Effect.BLOCKED, Effect.UNKNOWN], "the worst first"
    text = OFFICE.replace("office", "later").replace("minimum", "standard") + "    ladder: {notify: 0d, block: 3d}\n"
    soft = simulate_requirement(Requirement(baseline="later", starts_at=now), now=now, document=text)
    assert {one.device: one.effect for one in soft.devices}[fleet[2]] is Effect.UNKNOWN, "no lock time is known"
    assert compliant(fleet[0]), "nothing was changed"
    assert simulate_document(OFFICE.replace("minimum", "strict"), now=now).count(Effect.FINE) == 10, (
        "it is not required"
    )


def test_facts_that_turn_many_at_once_are_held_and_an_administrator_decides(
    fleet: list[DeviceId], announced: list[bool]
) -> None:
    now = time.time()
    make_person("root@example.test", groups=(ADMINISTRATORS,), name="Root")
    announced.clear()
    for one in fleet[:3]:
        says(one, now=now + 1, firewall_on=None)
    assert [compliant(one) for one in fleet[:3]] == [False] * 3, "a few are never held"
    says(fleet[3], now=now + 60, firewall_on=None)
    assert [compliant(one) for one in fleet] == [True] * 10, "four of ten are too many, and the three come back"
    held = get_held(now + 60)
    assert held is not None
    assert (held.devices, held.of) == (4, 10)
    assert held.until <= now + 60 + HOUR
    assert read_compliance().devices[fleet[3]].meets == ("minimum",)
    settle_compliance(now=now + 61)
    settle_compliance(now=now + 62)
    assert [str(one.subject) for one in mail.outbox] == ["4 of 10 devices stopped being compliant at once"]
    quarantine_device(fleet[3], actor=MACHINE)
    assert compliant(fleet[3]) is None, "quarantine by hand is never held"
    says(fleet[2], now=now + 70)
    assert let_happen(now=now + 80, actor=MACHINE, reason="it is so") == 3
    assert [compliant(one) for one in fleet[:3]] == [False, False, True]
    with pytest.raises(NothingHeld):
        let_happen(now=now + 81, actor=MACHINE)
    release_device(fleet[3], actor=MACHINE)
    assert compliant(fleet[3]) is False


def test_what_is_held_happens_by_itself_after_an_hour_unless_it_is_kept(fleet: list[DeviceId]) -> None:
    now = time.time()
    for one in fleet[:5]:
        says(one, now=now + 1, firewall_on=None)
    settle_compliance(now=now + HOUR - 60)
    assert verdict(fleet[0]).held
    kept = keep_held(now=now + HOUR - 60, actor=MACHINE, reason="we look into it")
    assert (kept.until, kept.kept_by) == (now + HOUR - 60 + DAY, MACHINE.label)
    for one in fleet[:5]:
        says(one, now=now + HOUR, firewall_on=None)
    settle_compliance(now=now + HOUR + 60)
    assert verdict(fleet[0]).held
    settle_compliance(now=now + DAY + HOUR)
    assert not any(verdict(one).held or verdict(one).compliant for one in fleet[:5])
    assert get_held(now + DAY + HOUR) is None


def test_what_was_known_too_long_ago_is_not_stretched(fleet: list[DeviceId]) -> None:
    now = time.time()
    settle_compliance(now=now + 3 * HOUR)
    assert not any(verdict(one).compliant for one in fleet), "two hours after the facts ended nothing is held"


def test_what_is_only_too_old_is_never_held(fleet: list[DeviceId]) -> None:
    """Absence never satisfies, however many are absent: laptops that are closed in the evening are no fault."""
    settle_compliance(now=time.time() + HOUR - 10)
    assert not any(verdict(one).compliant or verdict(one).held for one in fleet)
    assert get_held(time.time()) is None


def test_each_day_is_counted(fleet: list[DeviceId]) -> None:
    now = time.time()
    says(fleet[0], firewall_on=False)
    says(fleet[1], firewall_on=None)
    settle_compliance(now=now)
    (day,) = list_days()
    assert (day.compliant, day.grace, day.blocked, day.unknown) == (8, 1, 0, 1)


def test_stages_are_in_order() -> None:
    assert list(Stage) == ["report", "notify", "warn", "block"]
