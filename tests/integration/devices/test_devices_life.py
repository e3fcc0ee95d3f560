"""What becomes of devices: certificates, copied keys, quarantine, loss, leavers, restores; the authority; record and commands."""

import json
import shutil
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID
from cryptography.x509.verification import PolicyBuilder, Store
from django.conf import settings as now_in_force
from django.core import mail
from tests.device_asking import Laptop
from tests.identity_people import MACHINE, Browser, make_person, make_person_with_app
from tests.integration.devices.test_devices_enrol import configured
from typer.testing import CliRunner

from ostiary.applications.facade import add_app
from ostiary.cli.main import app
from ostiary.cli.output import ExitCode
from ostiary.devices.adapters.authority import UnusableAuthority, ensure_authority, rotate_authority, sign_device
from ostiary.devices.domain.certificates import fingerprint_of, signed_by
from ostiary.devices.facade import (
    State,
    UnusableDevice,
    Why,
    approve_device,
    confirm_enrolment,
    deny_device,
    describe_authority,
    doubts_about,
    get_device,
    list_devices,
    look_at_enrolment,
    quarantine_device,
    ready_authority,
    release_device,
    rename_device,
    report_lost,
    retire_device,
    tend_devices,
)
from ostiary.devices.facts import read_devices, read_given
from ostiary.gateway.publisher import read_versions
from ostiary.identity.facade import (
    Profile,
    change_profile,
    disable_person,
    enable_person,
    leave,
    list_sessions,
    preview_leave,
)
from ostiary.policy.given import GivenCertificates
from ostiary.policy.identifiers import PersonId
from ostiary.supervisor.backup.after_restore import sign_everybody_out
from ostiary.workloads.facade import list_tokens, make_token

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _authority(settings: Any) -> Iterator[None]:
    configured(settings, approval="person")
    ready_authority(now=time.time())
    yield
    shutil.rmtree(now_in_force.INSTANCE.device_certificates)


def typed(*words: str, code: int = ExitCode.OK) -> Any:
    done = CliRunner().invoke(app, list(words))
    assert done.exit_code == code, done.output
    return done


def on_record() -> str:
    folder = now_in_force.INSTANCE.audit / "control"
    return "".join(path.read_text() for path in sorted(folder.glob("*.jsonl")))


def certified(laptop: Laptop) -> x509.Certificate:
    answer = laptop.renew()
    assert answer.status_code == 200, answer.content
    leaf = x509.load_pem_x509_certificates(answer.json()["chain"].encode())[0]
    laptop.holds = fingerprint_of(leaf)
    return leaf


@pytest.fixture
def laptop() -> Laptop:
    one = Laptop()
    one.enrolled_for(make_person())
    return one


def test_a_certificate_says_which_device_and_is_good_for_nothing_else(laptop: Laptop) -> None:
    pem = laptop.renew().json()["chain"].encode()
    leaf, issuing = x509.load_pem_x509_certificates(pem)
    names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert [name.value for name in names] == [f"urn:ostiary:device:{laptop.device}"]
    usage = leaf.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert list(usage) == [ExtendedKeyUsageOID.CLIENT_AUTH]
    assert leaf.not_valid_after_utc - datetime.now(UTC) <= timedelta(hours=24)
    root = x509.load_pem_x509_certificates(now_in_force.INSTANCE.device_authorities.read_bytes())[0]
    verified = PolicyBuilder().store(Store([root])).build_client_verifier().verify(leaf, [issuing])
    assert verified.subjects is not None
    with pytest.raises(x509.verification.VerificationError):
        PolicyBuilder().store(Store([root])).build_client_verifier().verify(leaf, [])


def test_a_copied_key_shows_and_stops_both(laptop: Laptop) -> None:
    certified(laptop)
    thief = Laptop(address="203.0.113.66")
    thief.key, thief.device, thief.holds = laptop.key, laptop.device, laptop.holds
    certified(thief)
    certified(thief)
    certified(laptop)
    certified(thief)
    assert laptop.renew().json()["error"] == "quarantined"
    assert thief.renew().json()["error"] == "quarantined"
    device = get_device(laptop.device)
    assert (device.state, device.why) == (State.QUARANTINED, Why.KEY_USED_TWICE)
    assert "in use twice" in mail.outbox[-1].subject
    assert not read_devices().devices[device.id].active
    release_device(device.id, actor=MACHINE)
    certified(laptop)


def test_whoever_copied_a_key_cannot_take_every_certificate_and_stay_unseen(laptop: Laptop) -> None:
    certified(laptop)
    thief = Laptop(address="203.0.113.66")
    thief.key, thief.device, thief.holds = laptop.key, laptop.device, laptop.holds
    for _ in range(9):
        certified(thief)
    answers = [laptop.renew().json()["error"] for _ in range(3)]
    assert answers == ["slow_down", "slow_down", "quarantined"]
    assert get_device(laptop.device).why is Why.KEY_USED_TWICE


def test_an_answer_that_is_lost_now_and_then_is_no_theft(laptop: Laptop) -> None:
    certified(laptop)
    laptop.renew()
    certified(laptop)
    certified(laptop)
    assert get_device(laptop.device).state is State.ACTIVE


def test_nobody_gets_certificates_without_end(laptop: Laptop) -> None:
    for _ in range(10):
        certified(laptop)
    assert laptop.renew().json()["error"] == "slow_down"
    assert tend_devices(now=time.time() + 25 * 3600) >= 10
    assert not read_devices().devices[get_device(laptop.device).id].certificates


def given() -> GivenCertificates:
    return msgspec.msgpack.decode(read_given(), type=GivenCertificates)


def test_a_certificate_may_be_shown_for_two_weeks_while_there_is_a_good_one(laptop: Laptop) -> None:
    now, device = time.time(), get_device(laptop.device).id
    first = fingerprint_of(certified(laptop))
    before = read_versions()["given"].version
    tend_devices(now=now)
    assert read_versions()["given"].version == before + 1, "told once"
    tend_devices(now=now + 600)
    assert read_versions()["given"].version == before + 1
    tend_devices(now=now + 25 * 3600)
    assert not read_devices().devices[device].certificates
    second = fingerprint_of(certified(laptop))
    assert given().device_of(first) == device
    tend_devices(now=now + 26 * 3600)
    assert {given().device_of(one) for one in (first, second)} == {device}
    tend_devices(now=now + 27 * 3600)
    assert read_versions()["given"].version == before + 2, "nothing is new"
    tend_devices(now=now + 15 * 24 * 3600)
    assert given().marks == b""
    third = fingerprint_of(certified(laptop))
    report_lost(device, actor=MACHINE)
    tend_devices(now=now + 16 * 24 * 3600)
    assert given().device_of(third) is None


def test_one_act_ends_everything_on_it() -> None:
    person, secret = make_person_with_app("ada@example.test")
    browser = Browser()
    browser.sign_in("ada@example.test", secret)
    laptop = Laptop()
    device = laptop.enrolled_for(person)
    certified(laptop)
    taken = read_versions()["devices"].taken_away_at
    answer = browser.post(f"/devices/{device.id}/lost")
    assert answer["Location"] == "/sign-in"
    assert not browser.is_signed_in()
    assert list_sessions(person_id=person).total == 0
    assert get_device(device.id).state is State.LOST
    assert not read_devices().devices
    assert read_versions()["devices"].taken_away_at > taken
    assert laptop.renew().json()["error"] == "ended"
    assert laptop.start().json()["error"] == "key_known", "what is lost is enrolled anew with another key"
    for act in (report_lost, retire_device, quarantine_device, release_device, approve_device):
        with pytest.raises(UnusableDevice):
            act(device.id, actor=MACHINE)


def test_a_lost_device_takes_its_owners_tokens_with_it_and_no_other_device() -> None:
    person = make_person("ada@example.test")
    laptop, other = Laptop(), Laptop()
    laptop.enrolled_for(person)
    other.enrolled_for(person)
    add_app("wiki", upstream="http://127.0.0.1:8080", name="Wiki", actor=MACHINE)
    make_token(person_id=PersonId(person), name="backup", apps=["wiki"], days=1, actor=MACHINE)
    report_lost(laptop.device, actor=MACHINE, sign_out=False)
    assert [one.works(time.time()) for one in list_tokens()] == [True]
    report_lost(other.device, actor=MACHINE)
    assert [one.works(time.time()) for one in list_tokens()] == [False]
    third = Laptop()
    assert third.enrolled_for(person).state is State.ACTIVE
    report_lost(third.device, actor=MACHINE)


def test_who_is_in_quarantine_does_not_come_back_under_another_name() -> None:
    person, secret = make_person_with_app("ada@example.test")
    browser = Browser()
    browser.sign_in("ada@example.test", secret)
    laptop = Laptop(name="Odd")
    laptop.enrolled_for(person)
    quarantine_device(laptop.device, actor=MACHINE)
    answer = laptop.leave()
    assert (answer.status_code, answer.json()["error"]) == (403, "quarantined")
    for ask in (browser.get, browser.post):
        assert ask(f"/devices/{laptop.device}/retire")["Location"] == "/devices"
    assert get_device(laptop.device).state is State.QUARANTINED
    again = Laptop(name="New")
    again.start()
    asking = look_at_enrolment(again.started["user_code"], person_id=PersonId(person), address=again.address)
    assert (asking.doubted, asking.suffices) == (True, False)
    waiting = confirm_enrolment(
        asking.code, asking.thumbprint, person_id=PersonId(person), address=again.address, actor=MACHINE
    )
    assert waiting.state is State.WAITING
    assert [one.name for one in doubts_about(waiting)] == ["Odd"]
    assert Laptop().enrolled_for(make_person("bo@example.test")).state is State.ACTIVE
    retire_device(laptop.device, actor=MACHINE)
    assert not doubts_about(waiting)
    assert Laptop().enrolled_for(person).state is State.ACTIVE


def test_quarantine_counts_as_unmanaged_until_released(laptop: Laptop) -> None:
    certified(laptop)
    taken = read_versions()["devices"].taken_away_at
    quarantine_device(laptop.device, actor=MACHINE, reason="odd alarms")
    assert read_versions()["devices"].taken_away_at > taken
    fact = read_devices().devices[get_device(laptop.device).id]
    assert (fact.active, len(fact.certificates)) == (False, 1)
    refused = laptop.renew()
    assert (refused.status_code, refused.json()["error"]) == (403, "quarantined")
    release_device(laptop.device, actor=MACHINE)
    certified(laptop)
    assert "odd alarms" in on_record()


def test_somebody_elses_device_does_not_exist(laptop: Laptop) -> None:
    _person, secret = make_person_with_app("eve@example.test")
    eve = Browser()
    eve.sign_in("eve@example.test", secret)
    for path in ("lost", "retire", "rename"):
        assert eve.get(f"/devices/{laptop.device}/{path}")["Location"] == "/devices"
        assert eve.post(f"/devices/{laptop.device}/{path}", name="mine")["Location"] == "/devices"
    assert "Laptop" not in eve.get("/devices").content.decode()
    assert get_device(laptop.device).state is State.ACTIVE


def test_the_owner_renames_and_gives_up_and_so_does_the_device_itself() -> None:
    person, secret = make_person_with_app("ada@example.test")
    browser = Browser()
    browser.sign_in("ada@example.test", secret)
    first, second = Laptop(name="One"), Laptop(name="Two")
    first.enrolled_for(person)
    second.enrolled_for(person)
    assert browser.post(f"/devices/{first.device}/rename", name="x" * 64).status_code == 422
    assert browser.post(f"/devices/{first.device}/rename", name="Kitchen")["Location"] == "/devices"
    assert "Kitchen" in browser.get("/devices").content.decode()
    assert "has to be enrolled anew" in browser.get(f"/devices/{first.device}/retire").content.decode()
    browser.post(f"/devices/{first.device}/retire")
    assert get_device(first.device).state is State.RETIRED
    assert second.leave().status_code == 200
    assert second.leave().status_code == 200, "told twice is no fault"
    assert get_device(second.device).state is State.RETIRED
    assert browser.get("/devices").content.decode().count("Given up") == 2


def test_what_ends_in_the_very_moment_it_asks_is_told_in_words(
    laptop: Laptop, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ostiary.devices.services import renewing

    def lost_first(device: str, **more: Any) -> None:
        report_lost(device, actor=MACHINE)
        retire_device(device, **more)

    monkeypatch.setattr(renewing, "give_up_device", lost_first)
    assert laptop.leave().status_code == 200
    assert get_device(laptop.device).state is State.LOST
    configured(settings, approval="administrator")
    waiting = Laptop()
    waiting.enrolled_for(make_person("bo@example.test"))
    monkeypatch.setattr(renewing, "accept_message", lambda message, **_: deny_device(message.device, actor=MACHINE))
    assert waiting.renew().json()["error"] == "unknown_device"


def test_devices_end_with_whoever_answers_for_them(laptop: Laptop) -> None:
    owner = get_device(laptop.device).owner_id
    certified(laptop)
    disable_person(person_id=owner, actor=MACHINE, reason="left")
    assert laptop.renew().json()["error"] == "owner_gone"
    enable_person(person_id=owner, actor=MACHINE)
    assert get_device(laptop.device).state is State.RETIRED, "whoever is let in again begins with nothing"
    other = Laptop()
    other.enrolled_for(owner)
    assert other.device in {item.subject for item in preview_leave(person_id=owner)}
    leave(person_id=owner, actor=MACHINE, reason="left")
    assert get_device(other.device).state is State.RETIRED


def test_a_device_counts_for_nobody_from_the_moment_its_owner_cannot_sign_in(laptop: Laptop) -> None:
    """Others may use it, and their rule asks for a managed device only."""
    device = get_device(laptop.device)
    leaf = certified(laptop)
    fingerprint, ends_at = fingerprint_of(leaf), leaf.not_valid_after_utc.timestamp()
    assert read_devices().devices[device.id].certificates == {fingerprint: ends_at}
    soon = time.time() + 600
    change_profile(person_id=device.owner_id, profile=Profile(ends_at=soon), actor=MACHINE)
    assert read_devices().devices[device.id].certificates == {fingerprint: pytest.approx(soon, abs=1)}
    taken = read_versions()["devices"].taken_away_at
    disable_person(person_id=device.owner_id, actor=MACHINE, reason="on leave")
    assert read_versions()["devices"].taken_away_at > taken, "told in the same transaction"
    fact = read_devices().devices[device.id]
    assert (fact.active, get_device(laptop.device).state) == (False, State.ACTIVE)


def test_a_restored_backup_brings_no_lost_device_back(laptop: Laptop) -> None:
    certified(laptop)
    sign_everybody_out("root")
    device = get_device(laptop.device)
    assert (device.state, device.why, device.certified_until) == (State.QUARANTINED, Why.RESTORED, None)
    assert not read_devices().devices[device.id].certificates


def test_the_authority_is_made_once_and_renewed_with_overlap(laptop: Laptop) -> None:
    instance, now = now_in_force.INSTANCE, datetime.now(UTC)
    before = certified(laptop)
    for path in instance.device_certificates.glob("*.pem"):
        assert path.stat().st_mode & 0o777 == (0o644 if path == instance.device_authorities else 0o600)
    assert not ensure_authority(instance, now=now)
    root, issuing = describe_authority(instance)
    tend_devices(now=(now + timedelta(days=30)).timestamp())
    assert describe_authority(instance) == (root, issuing), "not before its time"
    rotate_authority(instance, now=now)
    again = describe_authority(instance)
    assert [one.what for one in again] == ["root", "issuing", "before"]
    assert (again[0], again[2].fingerprint) == (root, issuing.fingerprint)
    assert certified(laptop).issuer != before.issuer or again[1].fingerprint != issuing.fingerprint
    assert ensure_authority(instance, now=now + timedelta(days=300)), "it changes by itself in good time"
    in_seven_years = now + timedelta(days=2600)
    assert ensure_authority(instance, now=in_seven_years), "and so does the root, years before its end"
    last = describe_authority(instance)
    assert last[0].fingerprint != root.fingerprint
    assert last[0].ends_at > in_seven_years.timestamp() + 3600 * 24 * 3000
    found = x509.load_pem_x509_certificates(instance.device_authorities.read_bytes())
    assert [signed_by(one, found[0]) for one in found[1:]] == [True, False], "what the one before signed is still named"
    assert not ensure_authority(instance, now=in_seven_years)
    assert sign_device(instance, laptop.key.public_key(), device="dev-1", now=in_seven_years)
    (instance.device_certificates / "issuing.pem").write_text("damaged")
    with pytest.raises(UnusableAuthority, match="backup"):
        ensure_authority(instance, now=now)
    assert laptop.renew().json()["error"] == "temporarily_unavailable"


def test_switched_off_asks_for_no_certificates_and_knows_no_device(laptop: Laptop, settings: Any) -> None:
    certified(laptop)
    configured(settings, enabled=False)
    taken = read_versions()["devices"].taken_away_at
    assert ready_authority(now=time.time())
    assert not now_in_force.INSTANCE.device_authorities.exists()
    assert read_versions()["devices"].taken_away_at > taken
    assert not ready_authority(now=time.time())


def test_the_commands(laptop: Laptop, settings: Any) -> None:
    configured(settings, approval="administrator")
    new = Laptop(name="New")
    new.enrolled_for(make_person("bo@example.test"))
    waiting = json.loads(typed("device", "list", "--state", "waiting", "--json").stdout)
    assert [one["id"] for one in waiting] == [new.device]
    assert "No device is" in typed("device", "list", "--state", "odd", code=ExitCode.FAILED).output
    assert "is approved" in typed("device", "approve", new.device, "--reason", "handed out").output
    typed("device", "quarantine", new.device, laptop.device)
    assert "is quarantined" in typed("device", "quarantine", new.device, code=ExitCode.FAILED).output
    typed("device", "release", laptop.device, new.device, "--json")
    assert "till-2" in typed("device", "rename", new.device, "till-2").output
    assert "till-2" in typed("device", "show", new.device).output
    assert typed("device", "lost", new.device, code=ExitCode.REFUSED)
    assert json.loads(typed("device", "lost", new.device, "--yes", "--json").stdout)["state"] == "lost"
    typed("device", "retire", laptop.device, "--yes")
    assert [one.state for one in list_devices()] == [State.RETIRED, State.LOST]
    assert len(json.loads(typed("device", "authority", "show", "--json").stdout)) >= 2
    before = {one.fingerprint for one in describe_authority(now_in_force.INSTANCE)}
    told = json.loads(typed("device", "authority", "rotate", "--yes", "--reason", "yearly", "--json").stdout)
    assert [one["what"] for one in told if one["fingerprint"] not in before] == ["issuing"]
    assert "yearly" in on_record()
    typed("device", "show", "dev-none", code=ExitCode.FAILED)
    third = Laptop(name="Third")
    third.enrolled_for(make_person("cy@example.test"))
    assert json.loads(typed("device", "deny", third.device, "--yes", "--json").stdout)["id"] == third.device
    typed("device", "show", third.device, code=ExitCode.FAILED)


def test_a_change_that_cannot_be_told_changes_nothing(laptop: Laptop, monkeypatch: pytest.MonkeyPatch) -> None:
    from ostiary.visibility import services
    from ostiary.visibility.facade import RecordUnavailable

    def full(_event: object) -> None:
        raise RecordUnavailable("full")

    monkeypatch.setattr(services, "record", full)
    refused = laptop.renew()
    assert (refused.status_code, refused.json()["error"]) == (503, "temporarily_unavailable")
    for act in (quarantine_device, report_lost, retire_device):
        with pytest.raises(RecordUnavailable):
            act(laptop.device, actor=MACHINE)
    with pytest.raises(RecordUnavailable):
        rename_device(laptop.device, "Other", actor=MACHINE)
    device = get_device(laptop.device)
    assert (device.state, device.name, device.generation) == (State.ACTIVE, "Laptop", 0)
    assert not read_devices().devices[device.id].certificates
