"""What devices say of themselves: who is believed, for how long, what it changes, and what is remembered."""

import base64
import shutil
import time
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from django.conf import settings as now_in_force
from tests.device_asking import Laptop
from tests.identity_people import MACHINE, make_person
from tests.integration.devices.test_devices_enrol import configured

from ostiary.devices.facade import (
    Evidence,
    Posture,
    Reported,
    UnusableDevice,
    drop_old_facts,
    forget_source,
    get_device,
    get_posture,
    list_fact_changes,
    posture_changed,
    quarantine_device,
    ready_authority,
    refresh_postures,
    release_device,
    retire_device,
    take_facts,
    watch_device,
)
from ostiary.devices.facts import read_postures
from ostiary.gateway.publisher import read_versions
from ostiary.policy.snapshot import PostureFact, Postures
from ostiary.web import device_standing

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


def known(laptop: Laptop) -> dict[str, Any]:
    return get_posture(laptop.device, now=time.time()).for_rules()


def published(laptop: Laptop) -> PostureFact | None:
    return msgspec.msgpack.decode(read_postures(), type=Postures).devices.get(laptop.device)  # type: ignore[call-overload]


def told(laptop: Laptop, source: str, evidence: Evidence, *, at: float | None = None, **facts: Any) -> bool:
    now = time.time()
    said = [Reported(name=name, value=value, at=at or now) for name, value in facts.items()]
    return take_facts(
        device=laptop.device, source=source, evidence=evidence, facts=said, taken_at=at or now, lasts=HOUR, now=now
    )


def test_what_a_device_says_is_known_of_it_and_published(laptop: Laptop) -> None:
    answer = laptop.report(disk_encrypted=True, security_updates_pending=3, os_version="Debian 12")
    assert answer.status_code == 200, answer.content
    assert known(laptop) == {"disk_encrypted": True, "security_updates_pending": 3, "os_version": "Debian 12"}
    fact = published(laptop)
    assert fact is not None
    assert fact.facts == known(laptop)
    assert time.time() + 50 * 60 < fact.until <= time.time() + HOUR


def test_the_answer_brings_the_number_for_the_next_report(laptop: Laptop) -> None:
    first = laptop.report(disk_encrypted=True).json()
    assert first["again_in"] == 10, "it fails what is required of it, so it may ask again soon"
    second = laptop.report(disk_encrypted=False, more={"nonce": first["next_nonce"]})
    assert second.status_code == 200
    assert known(laptop) == {"disk_encrypted": False}


def test_a_report_is_taken_once_and_in_order(laptop: Laptop) -> None:
    earlier, later = (laptop.post("nonce", {}).json()["nonce"] for _ in range(2))
    assert laptop.report(disk_encrypted=True, more={"nonce": later}).status_code == 200
    for nonce in (later, earlier):
        again = laptop.report(disk_encrypted=False, more={"nonce": nonce})
        assert (again.status_code, again.json()["error"]) == (401, "stale_nonce")
    assert known(laptop) == {"disk_encrypted": True}


def test_nobody_reports_for_another_device(laptop: Laptop) -> None:
    other = Laptop()
    other.enrolled_for(make_person("ben@example.test"))
    forged = other.report(disk_encrypted=True, more={"device": laptop.device})
    assert (forged.status_code, forged.json()["error"]) == (401, "unknown_device")
    assert known(laptop) == {}


@pytest.mark.parametrize("value", [1, "yes", None], ids=["number", "text", "nothing"])
def test_what_is_malformed_is_not_known(laptop: Laptop, value: Any) -> None:
    assert laptop.report(disk_encrypted=value, firewall_on=True).status_code == 200
    assert known(laptop) == {"firewall_on": True}
    assert "disk_encrypted" in get_posture(laptop.device, now=time.time()).unknown


def test_what_nobody_knows_is_left_out_and_what_cannot_be_read_is_refused(laptop: Laptop) -> None:
    assert laptop.report(disk_encrypted=True, has_cup_holder=True).status_code == 200
    assert known(laptop) == {"disk_encrypted": True}
    assert laptop.report(disk_encrypted="x" * 201).status_code == 400
    assert laptop.report(**{f"fact_{number}": True for number in range(65)}).status_code == 400
    assert known(laptop) == {"disk_encrypted": True}


def test_what_is_old_is_not_known_any_more_and_not_published(laptop: Laptop) -> None:
    laptop.report(disk_encrypted=True)
    later = time.time() + HOUR + 1
    assert get_posture(laptop.device, now=later) == Posture(
        unknown={"disk_encrypted": "It was reported too long ago."}, reported_at=pytest.approx(time.time(), abs=60)
    )
    assert refresh_postures(now=later) == 1
    assert published(laptop) is None


def test_what_is_old_soon_is_left_out_in_time_and_the_rest_goes_on(laptop: Laptop) -> None:
    now = time.time()
    told(laptop, "fleet", Evidence.MDM_REPORTED, at=now - HOUR + 15, disk_encrypted=True, firewall_on=True)
    laptop.report(disk_encrypted=True)
    fact = published(laptop)
    assert fact is not None
    assert (fact.facts["firewall_on"], fact.until <= now + 15) == (True, True)
    assert drop_old_facts(now=now) == 1
    after = published(laptop)
    assert after is not None
    assert (after.facts, after.until > now + HOUR - 60) == ({"disk_encrypted": True}, True)
    assert drop_old_facts(now=now) == 0


def test_a_report_that_had_to_wait_changes_only_the_history(laptop: Laptop) -> None:
    laptop.report(disk_encrypted=True)
    waited = laptop.report(disk_encrypted=False, more={"taken_at": int(time.time()) - 900})
    assert waited.status_code == 200
    assert known(laptop) == {"disk_encrypted": True}
    changes = list_fact_changes(laptop.device)
    assert [(one.name, one.value) for one in changes] == [("disk_encrypted", True), ("disk_encrypted", False)]


def test_the_worse_counts_where_sources_disagree_and_evidence_has_names(laptop: Laptop) -> None:
    laptop.report(disk_encrypted=True, screen_lock_minutes=5)
    told(laptop, "fleet", Evidence.MDM_REPORTED, disk_encrypted=False, screen_lock_minutes=10)
    told(laptop, "tpm", Evidence.HARDWARE_ATTESTED, secure_boot=True)
    assert known(laptop) == {
        "disk_encrypted": False,
        "disk_encrypted_mdm_reported": False,
        "screen_lock_minutes": 10,
        "screen_lock_minutes_mdm_reported": 10,
        "secure_boot": True,
        "secure_boot_mdm_reported": True,
        "secure_boot_hardware_attested": True,
    }
    assert get_posture(laptop.device, now=time.time()).known["disk_encrypted"].disputed
    assert forget_source(device=laptop.device, source="fleet", now=time.time())
    assert known(laptop)["disk_encrypted"] is True


def test_those_who_stand_on_it_hear_of_a_change_and_only_of_one(laptop: Laptop) -> None:
    heard: list[tuple[str, ...]] = []

    def hear(devices: tuple[str, ...], **_: Any) -> None:
        heard.append(devices)

    posture_changed.connect(hear)
    try:
        for value in (True, True, False):
            laptop.report(disk_encrypted=value)
    finally:
        posture_changed.disconnect(hear)
    assert heard == [(laptop.device,)] * 2


def test_only_what_rules_read_ends_grants(laptop: Laptop, monkeypatch: pytest.MonkeyPatch) -> None:
    laptop.report(disk_encrypted=True, firewall_on=True)
    monkeypatch.setattr("ostiary.devices.services.knowing._are_read_by_rules", lambda names: "disk_encrypted" in names)
    before = read_versions()["postures"]
    laptop.report(disk_encrypted=True, firewall_on=False)
    assert read_versions()["postures"] == before
    laptop.report(disk_encrypted=False, firewall_on=False)
    after = read_versions()["postures"]
    assert after.taken_away_at == after.version > before.version
    laptop.report(disk_encrypted=True, firewall_on=False)
    assert read_versions()["postures"].taken_away_at == after.taken_away_at, "for the better takes nothing away"


def test_a_device_in_quarantine_may_report_and_one_that_ended_may_not(laptop: Laptop) -> None:
    quarantine_device(laptop.device, actor=MACHINE)
    assert laptop.report(disk_encrypted=True).status_code == 200
    assert published(laptop) is None, "a device in quarantine is not known to be anything"
    retire_device(laptop.device, actor=MACHINE)
    assert known(laptop) == {}
    assert not list_fact_changes(laptop.device), "what is given up is forgotten"
    assert laptop.report(disk_encrypted=True).status_code == 410
    with pytest.raises(UnusableDevice):
        told(laptop, "fleet", Evidence.MDM_REPORTED, disk_encrypted=True)


def test_a_clock_that_is_ahead_keeps_nothing_fresh_for_longer(laptop: Laptop) -> None:
    told(laptop, "agent", Evidence.SELF_REPORTED, at=time.time() + 250, disk_encrypted=True)
    fact = published(laptop)
    assert fact is not None
    assert fact.until <= time.time() + HOUR


def test_whoever_lacks_something_reports_soon_and_where_many_do_less_often(
    laptop: Laptop, monkeypatch: pytest.MonkeyPatch
) -> None:
    for lacking, seconds in ((0, 10), (20, 10), (200, 100), (10_000, 300)):
        monkeypatch.setattr(device_standing, "count_lacking", lambda lacking=lacking: lacking)
        device_standing._lacking.cache_clear()
        assert laptop.report(disk_encrypted=True).json()["again_in"] == seconds
    watch_device(get_device(laptop.device).id, now=time.time())
    assert laptop.report(disk_encrypted=True).json()["again_in"] == 10, "somebody looks at it"
    device_standing._lacking.cache_clear()


def test_nonsense_is_refused_in_words_before_anything_is_kept(laptop: Laptop) -> None:
    deep = base64.urlsafe_b64encode(b'{"purpose":"report","zz":' + b"[" * 4_000 + b"]" * 4_000 + b"}").rstrip(b"=")
    head = base64.urlsafe_b64encode(b'{"alg":"ES256","typ":"ostiary-device+jws"}').rstrip(b"=")
    unsigned = f"{head.decode()}.{deep.decode()}.{'A' * 86}"
    assert laptop.post("report", {"message": unsigned}).status_code == 400
    assert laptop.report(disk_encrypted=True, more={"taken_at": -(2**53)}).status_code == 400
    assert laptop.report(disk_encrypted=True, more={"inventory": "\x00"}).status_code == 400
    assert laptop.report(os_version="Debian\x00 12", problems={"firewall_on": "Why\x00"}).status_code == 200
    assert known(laptop) == {"os_version": "Debian 12"}


def test_a_job_with_an_earlier_clock_takes_nothing_away(laptop: Laptop) -> None:
    laptop.report(disk_encrypted=True)
    told = Reported(name="vulnerable_high", value=0, at=time.time() - 30)
    take_facts(
        device=laptop.device,
        source="software",
        evidence=Evidence.SELF_REPORTED,
        facts=[told],
        taken_at=told.at,
        lasts=HOUR,
        now=time.time() - 30,
    )
    assert known(laptop) == {"disk_encrypted": True, "vulnerable_high": 0}


def test_who_is_released_is_told_of_again_with_what_is_known(laptop: Laptop) -> None:
    laptop.report(disk_encrypted=True)
    quarantine_device(laptop.device, actor=MACHINE)
    before = {section: read_versions()[section].version for section in ("devices", "postures", "compliance")}
    release_device(laptop.device, actor=MACHINE)
    assert all(read_versions()[section].version > version for section, version in before.items())
