"""Hosts that run osquery: who may come, what they are asked, which device they count for, and what cuts them off."""

import dataclasses
import json
import shutil
import time
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from django.conf import settings as now_in_force
from tests.device_asking import Laptop
from tests.identity_people import MACHINE, Browser, make_person
from tests.osquery_host import DETAILS, OsqueryHost

from ostiary.devices.facade import get_posture, ready_authority, report_lost
from ostiary.osquery.domain.queries import QUERIES
from ostiary.osquery.facade import (
    SecretExists,
    UnknownSecret,
    UnusableHost,
    add_secret,
    get_host,
    link_host,
    list_hosts,
    remove_host,
    revoke_secret,
    unlink_host,
)
from ostiary.osquery.models import StoredHost
from ostiary.osquery.services import answering
from ostiary.supervisor.backup.after_restore import sign_everybody_out
from ostiary.web import osquery

pytestmark = pytest.mark.django_db
FOUND = {
    "ostiary_os_version": [{"name": "Debian GNU/Linux", "version": "12 (bookworm)"}],
    "ostiary_start_volume": [{"encrypted": "1"}],
    "ostiary_secureboot": [{"secure_boot": "0"}],
    "ostiary_listening_ports": [{"services": "2"}],
    "ostiary_administrators": [{"people": "1", "administrators": "0"}],
}
KNOWN = {
    "os_version": "Debian GNU/Linux 12 (bookworm)",
    "disk_encrypted": True,
    "secure_boot": False,
    "listening_services": 2,
    "daily_administrator": False,
}


@pytest.fixture(autouse=True)
def _on(settings: Any) -> Iterator[None]:
    instance = now_in_force.INSTANCE
    configuration = msgspec.structs.replace(
        instance.configuration,
        osquery=msgspec.structs.replace(instance.configuration.osquery, enabled=True),
        devices=msgspec.structs.replace(instance.configuration.devices, approval="person"),
    )
    settings.INSTANCE = dataclasses.replace(instance, configuration=configuration)
    osquery._allowances.cache_clear()
    ready_authority(now=time.time())
    yield
    shutil.rmtree(now_in_force.INSTANCE.device_certificates)


@pytest.fixture
def secret() -> str:
    return add_secret("office", actor=MACHINE).token


@pytest.fixture
def laptop() -> Laptop:
    one = Laptop()
    one.enrolled_for(make_person())
    return one


def post(path: str, body: bytes) -> tuple[int, Any]:
    answer = Browser().client.post(path, body, content_type="application/json")
    osquery._allowances.cache_clear()
    return answer.status_code, json.loads(answer.content)


def enrolled(secret: str, **more: Any) -> OsqueryHost:
    host = OsqueryHost(post, secret, **more)
    assert host.enroll()
    return host


def known(laptop: Laptop) -> dict[str, Any]:
    return get_posture(laptop.device, now=time.time()).for_rules()


def test_a_host_enrols_is_linked_by_a_person_and_counts(secret: str, laptop: Laptop) -> None:
    host = enrolled(secret)
    (seen,) = list_hosts(linked=False)
    assert (seen.name, seen.serial, seen.platform) == ("ada-laptop", "pf3k9q2x", "linux")
    assert seen.system == "Debian GNU/Linux 12 (bookworm)"
    schedule = host.config()["schedule"]
    assert schedule.keys() == {f"ostiary_{name}" for name, one in QUERIES.items() if "linux" in one.on}
    assert all(one["snapshot"] and one["interval"] == 300 for one in schedule.values())
    assert host.distributed(FOUND) == schedule.keys(), "asked at once while nothing is known"
    assert host.distributed(FOUND) == set()
    assert known(laptop) == {}, "nobody said yet which device it is"
    link_host(seen.id, device=laptop.device, actor=MACHINE)
    assert known(laptop) == KNOWN
    host.log(host.snapshot("ostiary_start_volume", {"encrypted": "0"}))
    assert known(laptop) == {**KNOWN, "disk_encrypted": False}
    unlink_host(seen.id, actor=MACHINE)
    assert known(laptop) == {}


def test_what_was_logged_late_is_not_fresh_and_never_takes_the_place_of_newer(secret: str, laptop: Laptop) -> None:
    host = enrolled(secret)
    link_host(list_hosts()[0].id, device=laptop.device, actor=MACHINE)
    now = time.time()
    host.log(host.snapshot("ostiary_start_volume", {"encrypted": "1"}, at=now - 7200))
    assert known(laptop) == {}, "two hours old"
    host.log(host.snapshot("ostiary_start_volume", {"encrypted": "0"}, at=now - 60))
    host.log(host.snapshot("ostiary_start_volume", {"encrypted": "1"}, at=now - 120))
    assert known(laptop) == {"disk_encrypted": False}
    host.log(host.snapshot("ostiary_start_volume"))
    assert known(laptop) == {}, "no row: it cannot be told any more"
    assert "cannot tell" in get_posture(laptop.device, now=time.time()).unknown["disk_encrypted"]


def test_what_failed_or_is_not_ours_says_nothing(secret: str, laptop: Laptop) -> None:
    host = enrolled(secret)
    link_host(list_hosts()[0].id, device=laptop.device, actor=MACHINE)
    host.distributed(FOUND, failed=("ostiary_start_volume",))
    assert "disk_encrypted" not in known(laptop)
    before = known(laptop)
    host.log(host.snapshot("pack_other_start_volume", {"encrypted": "1"}), {"action": "added"}, 7, None)
    host.log(host.snapshot("ostiary_start_volume", {"encrypted": "1"}), log_type="status")
    assert known(laptop) == before


def test_nobody_comes_in_without_a_secret_that_works(secret: str) -> None:
    for wrong in ("", "ostiary_wrong", secret.upper()):
        assert not OsqueryHost(post, wrong).enroll()
    host = enrolled(secret)
    with pytest.raises(SecretExists):
        add_secret("office", actor=MACHINE)
    newer = add_secret("office", rotate=True, actor=MACHINE).token
    assert not OsqueryHost(post, secret).enroll()
    enrolled(newer)
    revoke_secret("office", actor=MACHINE)
    assert not OsqueryHost(post, newer).enroll()
    assert "schedule" in host.config(), "those that have enrolled go on"
    with pytest.raises(UnknownSecret):
        revoke_secret("office", actor=MACHINE)
    with pytest.raises(UnknownSecret):
        add_secret("lab", rotate=True, actor=MACHINE)


def test_after_a_restore_no_secret_of_the_past_works(secret: str) -> None:
    sign_everybody_out("root")
    assert not OsqueryHost(post, secret).enroll()


def test_a_node_key_is_kept_as_a_digest_and_ends_with_its_host_and_its_device(secret: str, laptop: Laptop) -> None:
    host, other = enrolled(secret), enrolled(secret, identifier="another")
    kept = json.dumps(list(StoredHost.objects.values("digest", "secret")))
    record = "".join(path.read_text() for path in (now_in_force.INSTANCE.audit / "control").glob("*.jsonl"))
    for hidden in (secret, host.node_key):
        assert hidden not in kept + record
    for stranger in ("", "ostiary_nobody"):
        other_key, other.node_key = other.node_key, stranger
        assert other.config() == other.log() == {"node_invalid": True}
        assert other.distributed({}) == set()
        other.node_key = other_key
    mine = next(one for one in list_hosts() if one.identifier == host.identifier)
    link_host(mine.id, device=laptop.device, actor=MACHINE)
    report_lost(laptop.device, actor=MACHINE)
    assert host.config() == {"node_invalid": True}
    assert "schedule" in other.config()
    remove_host(next(one.id for one in list_hosts() if one.identifier == "another"), actor=MACHINE)
    assert other.config() == {"node_invalid": True}


def test_two_that_call_themselves_the_same_are_two_and_shown(secret: str, laptop: Laptop) -> None:
    first, second = enrolled(secret), enrolled(secret)
    one, other = list_hosts()
    assert (one.claims, other.claims, first.node_key == second.node_key) == (2, 2, False)
    link_host(one.id, device=laptop.device, actor=MACHINE)
    with pytest.raises(UnusableHost, match="linked already, with another"):
        link_host(other.id, device=laptop.device, actor=MACHINE)
    with pytest.raises(UnusableHost, match="linked already"):
        link_host(one.id, device=laptop.device, actor=MACHINE)
    second.distributed({"ostiary_start_volume": [{"encrypted": "1"}]})
    assert known(laptop) == {}, "the other one's word is not this one's"
    with pytest.raises(UnusableHost, match="linked with no device"):
        unlink_host(other.id, actor=MACHINE)
    assert get_host(one.id).device == laptop.device


def test_how_many_wait_to_be_linked_is_bounded(secret: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answering, "MAX_UNLINKED", 2)
    enrolled(secret), enrolled(secret)
    status, answer = OsqueryHost(post, secret).post("enroll", {"enroll_secret": secret})
    assert (status, "wait to be linked" in answer["error"]) == (503, True)
    StoredHost.objects.update(seen_at="2020-01-01T00:00:00Z")
    enrolled(secret, identifier="after those that never came back were forgotten")


@pytest.mark.parametrize(
    ("body", "status"),
    [(b"", 400), (b"[]", 400), (b'{"node_key": 7}', 400), (b"[" * 100_000, 400), (b" " * 1_048_577, 400), (b"{}", 200)],
)
def test_what_cannot_be_read_is_refused(body: bytes, status: int) -> None:
    assert post("/osquery/config", body)[0] == status
    many = {"node_key": "x", "log_type": "result", "data": [{}] * 501}
    assert post("/osquery/log", json.dumps(many).encode())[0] == 400


def test_who_asks_too_often_waits_and_switched_off_there_is_nothing(secret: str, settings: Any) -> None:
    client = Browser().client
    body = json.dumps({"node_key": "somebody"})
    answers = [client.post("/osquery/config", body, content_type="application/json") for _ in range(6)]
    assert {one.status_code for one in answers[:4]} == {200}
    assert answers[-1].status_code == 429
    assert answers[-1]["Retry-After"] == "1"
    assert client.get("/osquery/config").status_code == 405
    instance = settings.INSTANCE
    off = msgspec.structs.replace(instance.configuration, osquery=type(instance.configuration.osquery)())
    settings.INSTANCE = dataclasses.replace(instance, configuration=off)
    assert client.post("/osquery/config", body, content_type="application/json").status_code == 404


@pytest.mark.parametrize(
    "details", [None, {}, {"system_info": 7, "os_version": []}, {"system_info": {"uuid": ["x\x00"]}}]
)
def test_a_host_may_say_anything_of_itself(secret: str, details: Any) -> None:
    assert OsqueryHost(post, secret, identifier="x\x00\x1b[2J").enroll({} if details is None else details)
    (seen,) = list_hosts()
    assert all(text.isprintable() for text in (seen.identifier, seen.name, seen.serial, seen.system))
    assert DETAILS
