"""Device management elsewhere: what comes in, how patiently it is asked, and which device it counts for."""

import shutil
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from django.conf import settings as now_in_force
from tests.device_asking import Laptop
from tests.identity_people import MACHINE, make_person
from tests.integration.devices.test_devices_enrol import configured
from tests.management_there import CLIENT, SECRET, ManagementThere, fleet_host, intune_device, jamf_computer

from ostiary.devices.facade import get_posture, ready_authority, retire_device
from ostiary.mdm.facade import (
    Connection,
    ConnectionExists,
    UnreadableAnswer,
    UnusableConnection,
    UnusableLink,
    connect,
    describe,
    get_connection,
    import_due,
    import_records,
    link_record,
    link_suggested,
    list_connections,
    list_records,
    list_suggestions,
    remove_connection,
    try_connection,
    unlink_record,
)
from ostiary.mdm.models import StoredConnection
from ostiary.outgoing.addresses import Unreachable

pytestmark = pytest.mark.django_db
AN_HOUR_AGO = datetime.fromtimestamp(time.time() - 3600, UTC).isoformat()
DAY = 24 * 3600.0


@pytest.fixture(scope="module")
def serving() -> Iterator[ManagementThere]:
    there = ManagementThere()
    yield there
    there.stop()


@pytest.fixture
def there(serving: ManagementThere) -> ManagementThere:
    serving.forget()
    return serving


@pytest.fixture
def laptop(settings: Any) -> Iterator[Laptop]:
    configured(settings, approval="person")
    ready_authority(now=time.time())
    one = Laptop()
    one.enrolled_for(make_person())
    yield one
    shutil.rmtree(now_in_force.INSTANCE.device_certificates)


def connected(there: ManagementThere, kind: str = "fleet", name: str = "there") -> Connection:
    more = {} if kind == "fleet" else {"client_id": CLIENT, "token_address": f"{there.address}/token"}
    described = describe(kind, address=there.address, **more)
    return connect(name, described, secret=SECRET, actor=MACHINE)


def imported(name: str = "there", waits: list[float] | None = None) -> Connection:
    return import_records(name, now=time.time(), wait=(waits if waits is not None else []).append)


def known(laptop: Laptop) -> dict[str, Any]:
    return get_posture(laptop.device, now=time.time()).for_rules()


@pytest.mark.parametrize(
    ("kind", "entry", "facts"),
    [
        ("fleet", fleet_host(1, detail_updated_at=AN_HOUR_AGO), {"os_version": "macOS 15.6.1", "disk_encrypted": True}),
        (
            "intune",
            intune_device(1, lastSyncDateTime=AN_HOUR_AGO),
            {"os_version": "Windows 10.0.26100.2314", "disk_encrypted": True},
        ),
        (
            "jamf",
            jamf_computer(1, general={"name": "mac", "reportDate": AN_HOUR_AGO, "remoteManagement": {"managed": True}}),
            {"os_version": "macOS 15.6.1", "disk_encrypted": True, "firewall_on": True, "secure_boot": True},
        ),
    ],
    ids=["fleet", "intune", "jamf"],
)
def test_what_management_knows_counts_for_the_device_a_person_linked(
    there: ManagementThere, laptop: Laptop, kind: str, entry: Any, facts: dict[str, Any]
) -> None:
    there.hosts = [entry]
    connected(there, kind)
    imported()
    (kept,) = list_records()
    assert (kept.record.owner, kept.record.managed, kept.device) == ("ada@example.test", True, None)
    assert known(laptop) == {}, "nobody said yet whose it is"
    link_record(kept.id, device=laptop.device, actor=MACHINE)
    imported()
    both = {**facts, **{f"{name}_mdm_reported": value for name, value in facts.items()}}
    assert known(laptop) == both
    posture = get_posture(laptop.device, now=time.time())
    until = datetime.fromisoformat(AN_HOUR_AGO).timestamp() + DAY
    assert posture.until() == pytest.approx(until, abs=1), "a day from when the vendor heard of it, not from the import"


def test_what_fleet_says_of_a_host_outside_its_management_is_the_devices_own_word(
    there: ManagementThere, laptop: Laptop
) -> None:
    there.hosts = [fleet_host(1, detail_updated_at=AN_HOUR_AGO, mdm={"enrollment_status": "Off"})]
    connected(there)
    imported()
    link_record(list_records()[0].id, device=laptop.device, actor=MACHINE)
    imported()
    assert known(laptop) == {"os_version": "macOS 15.6.1", "disk_encrypted": True}


@pytest.mark.parametrize("at", ["2026-01-01T00:00:00Z", "2199-01-01T00:00:00Z", "yesterday", None])
def test_a_record_that_is_old_to_come_or_undated_says_nothing(
    there: ManagementThere, laptop: Laptop, at: str | None
) -> None:
    there.hosts = [intune_device(1, lastSyncDateTime=at)]
    connected(there, "intune")
    imported()
    link_record(list_records()[0].id, device=laptop.device, actor=MACHINE)
    imported()
    assert known(laptop) == {}


@pytest.mark.parametrize(("kind", "make"), [("fleet", fleet_host), ("intune", intune_device), ("jamf", jamf_computer)])
def test_every_page_comes_in(there: ManagementThere, kind: str, make: Any) -> None:
    there.hosts = [make(number) for number in range(1, 122)] + [{"no": "identifier"}, None]
    connected(there, kind)
    seen: list[int] = []
    done = import_records("there", now=time.time(), progress=lambda one: seen.append(one.pages))
    assert (done.found, done.skipped, done.pages, done.records) == (121, 2, 2, 121)
    assert seen == [1, 2]


def test_a_token_that_ran_out_is_had_anew(there: ManagementThere) -> None:
    there.hosts = [intune_device(number) for number in range(101)]
    connected(there, "intune")
    there.asked.clear()
    there.answers = [(401, {}, b"")]
    assert imported().found == 101
    assert [one.split()[0] for one in there.asked] == ["POST", "GET", "POST", "GET", "GET"]
    assert there.forms[-1]["scope"] == [f"{there.address}/.default"]


def test_a_vendor_that_is_busy_is_waited_for_as_it_asks(there: ManagementThere) -> None:
    there.hosts = [jamf_computer(1)]
    connected(there, "jamf")
    there.answers = [(429, {"Retry-After": "17"}, b""), (503, {}, b"down"), (500, {"Retry-After": "soon"}, b"")]
    waits: list[float] = []
    assert imported(waits=waits).found == 1
    assert waits == [17.0, 4.0, 8.0]


@pytest.mark.parametrize(
    ("answers", "error", "words"),
    [
        ([(429, {"Retry-After": "900"}, b"")], Unreachable, "asked too often"),
        ([(500, {}, b"")] * 4, Unreachable, "answers 500"),
        ([(401, {}, b"")], UnusableConnection, "does not accept the token"),
        ([(403, {}, b"")], UnusableConnection, "does not let us read"),
        ([(302, {"Location": "http://127.0.0.1:1/"}, b"")], Unreachable, "leads elsewhere"),
        ([(404, {}, b"")], Unreachable, "answers 404"),
        ([(200, {}, b"<html>")], UnreadableAnswer, "not JSON"),
        ([(200, {}, b"[" * 100_000)], UnreadableAnswer, "not JSON"),
        ([(200, {}, b'{"hosts": {}}')], UnreadableAnswer, "no list"),
        ([(200, {}, b" " * 8_000_001)], Unreachable, "too much"),
    ],
)
def test_what_goes_wrong_is_said_in_words_and_tried_again_later(
    there: ManagementThere, answers: Any, error: type[Exception], words: str
) -> None:
    there.hosts = [fleet_host(1)]
    connected(there)
    imported()
    there.answers = list(answers)
    with pytest.raises(error, match=words):
        imported()
    after = get_connection("there")
    assert words in after.problem
    assert (after.running_since, after.records) == (None, 1), "what was there stays"
    assert after.next_try_at is not None
    assert after.next_try_at > time.time() + (800 if "often" in words else 30)
    assert imported().problem == ""


def test_a_next_page_elsewhere_is_not_asked_and_gets_no_token(there: ManagementThere) -> None:
    there.hosts = [intune_device(number) for number in range(101)]
    connected(there, "intune")
    there.next_host = "http://127.0.0.1:9"
    with pytest.raises(UnreadableAnswer, match="another host"):
        imported()


@pytest.mark.parametrize("address", ["http://192.0.2.9", "https://169.254.169.254", "http://[::ffff:a9fe:a9fe]"])
def test_nothing_is_sent_where_nobody_may_be_sent(address: str) -> None:
    with pytest.raises((Unreachable, UnusableConnection)):
        connect("there", describe("fleet", address=address), secret=SECRET, actor=MACHINE)
    assert list_connections() == ()


def test_a_secret_that_is_not_accepted_is_not_kept(there: ManagementThere) -> None:
    described = describe("jamf", address=there.address, client_id=CLIENT, token_address=f"{there.address}/token")
    with pytest.raises(UnusableConnection, match="does not accept"):
        connect("there", described, secret="wrong", actor=MACHINE)
    assert list_connections() == ()
    with pytest.raises(ConnectionExists):
        connected(there), connected(there)


def test_the_secret_is_kept_encrypted_and_on_no_record(there: ManagementThere) -> None:
    connected(there)
    row = StoredConnection.objects.get()
    record = "".join(path.read_text() for path in (now_in_force.INSTANCE.audit / "control").glob("*.jsonl"))
    assert SECRET not in row.sealed_secret + record
    StoredConnection.objects.update(sealed_secret="from another instance")
    with pytest.raises(UnusableConnection, match="key has changed"):
        try_connection("there")


def test_the_worker_imports_what_is_due_and_one_import_at_a_time(there: ManagementThere) -> None:
    there.hosts = [fleet_host(1)]
    connected(there)
    now = time.time()
    assert import_due(now=now + 1) == 1
    assert import_due(now=now + 2) == 0, "not due again"
    StoredConnection.objects.update(running_since=datetime.fromtimestamp(now, UTC))
    with pytest.raises(UnusableConnection, match="under way"):
        imported()
    assert import_due(now=now + 4 * 3600) == 1, "one that was killed is over"


def test_several_claims_are_shown_and_a_device_takes_one_record_of_a_kind(
    there: ManagementThere, laptop: Laptop
) -> None:
    there.hosts = [fleet_host(1, hardware_serial="SAME"), fleet_host(2, hardware_serial="same"), fleet_host(3)]
    connected(there)
    imported()
    one, other, third = list_records()
    assert (one.claims, other.claims, third.claims) == (2, 2, 1)
    link_record(one.id, device=laptop.device, actor=MACHINE)
    with pytest.raises(UnusableLink, match="linked already, with"):
        link_record(other.id, device=laptop.device, actor=MACHINE)
    with pytest.raises(UnusableLink, match="linked already"):
        link_record(one.id, device=laptop.device, actor=MACHINE)
    unlink_record(one.id, actor=MACHINE)
    with pytest.raises(UnusableLink, match="not linked"):
        unlink_record(one.id, actor=MACHINE)
    retire_device(laptop.device, actor=MACHINE)
    with pytest.raises(UnusableLink, match="is retired"):
        link_record(third.id, device=laptop.device, actor=MACHINE)


def test_a_record_that_is_about_other_hardware_is_linked_no_more(there: ManagementThere, laptop: Laptop) -> None:
    there.hosts = [intune_device(1, lastSyncDateTime=AN_HOUR_AGO)]
    connected(there, "intune")
    imported()
    link_record(list_records()[0].id, device=laptop.device, actor=MACHINE)
    assert known(laptop)["disk_encrypted"] is True
    there.hosts = [intune_device(1, lastSyncDateTime=AN_HOUR_AGO, serialNumber="ANOTHER")]
    imported()
    assert known(laptop) == {}
    assert list_records()[0].device is None


def test_unlinking_and_removing_forget_what_was_said(there: ManagementThere, laptop: Laptop) -> None:
    there.hosts = [intune_device(1, lastSyncDateTime=AN_HOUR_AGO)]
    connected(there, "intune")
    imported()
    (kept,) = list_records()
    for forget in (
        lambda: unlink_record(kept.id, actor=MACHINE),
        lambda: remove_connection("there", actor=MACHINE),
    ):
        link_record(kept.id, device=laptop.device, actor=MACHINE)
        assert known(laptop)["disk_encrypted_mdm_reported"] is True
        forget()
        assert known(laptop) == {}
    assert list_records() == ()


def test_a_record_that_is_not_there_any_more_is_shown_as_gone_and_runs_out(
    there: ManagementThere, laptop: Laptop
) -> None:
    there.hosts = [intune_device(1, lastSyncDateTime=AN_HOUR_AGO)]
    connected(there, "intune")
    imported()
    (kept,) = list_records()
    link_record(kept.id, device=laptop.device, actor=MACHINE)
    there.hosts = []
    imported()
    assert list_records()[0].gone
    assert known(laptop)["disk_encrypted"] is True, "an empty answer takes nothing away at once"
    assert get_posture(laptop.device, now=time.time() + DAY).known == {}


def test_what_probably_belongs_together_is_suggested_and_linked_only_by_a_person(
    there: ManagementThere, laptop: Laptop
) -> None:
    mine = {"os_version": "Ubuntu 24.04.1", "device_mapping": [{"email": "ADA@example.test"}]}
    there.hosts = [fleet_host(1, display_name="LAPTOP.example.test", **mine), fleet_host(2, display_name="Laptop 2")]
    connected(there)
    imported()
    (one,) = list_suggestions("there")
    assert (one.record.record.there, one.device.id) == ("1", laptop.device)
    assert "same owner" in one.why
    assert not list_records(linked=True), "nothing links by itself"
    pair = (one.record.id, laptop.device)
    for wrong in ((), (pair, (one.record.id, "dev-0")), ((0, laptop.device),)):
        with pytest.raises(UnusableLink):
            link_suggested("there", wrong, actor=MACHINE)
    assert not list_records(linked=True), "all of them or none"
    link_suggested("there", (pair,), actor=MACHINE, reason="labels on the lids")
    assert [kept.device for kept in list_records(linked=True)] == [laptop.device]
    assert not list_suggestions("there")
    unlink_record(one.record.id, actor=MACHINE)
    there.hosts.append(fleet_host(3, display_name="laptop", **mine))
    imported()
    assert not list_suggestions("there"), "two are alike"
    retire_device(laptop.device, actor=MACHINE)
    there.hosts.pop()
    imported()
    assert not list_suggestions("there"), "what has ended is nobody's"
