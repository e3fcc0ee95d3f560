"""From what a device says is installed to what is known of it: inventories, advisories, findings, facts, and their ends."""

import base64
import json
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as now_in_force
from tests.device_asking import Laptop
from tests.identity_people import MACHINE, make_person
from tests.integration.devices.test_devices_enrol import configured
from tests.software_material import HIGH, archive, debian, entry, inventory, send_inventory

from ostiary.devices.domain.messages import Inventory as InventoryMessage
from ostiary.devices.domain.messages import sign_message
from ostiary.devices.facade import get_posture, ready_authority, retire_device
from ostiary.software.domain.packages import digest_of, pack_inventory
from ostiary.software.facade import (
    UnreadableSource,
    forget_software,
    get_device_software,
    get_progress,
    import_advisories,
    list_affected,
    list_feeds,
    list_packages,
    search_findings,
    tend_software,
)
from ostiary.software.models import Installed, PackageSet, StoredAdvisory, StoredPackage

pytestmark = pytest.mark.django_db(transaction=True)
DAY = 24 * 3600.0
OLD = inventory(
    debian("libssl3", "3.0.14-1~deb12u2", source="openssl"),
    debian("openssl", "3.0.14-1~deb12u2"),
    debian("bash", "5.2.15-2+b7", source_version="5.2.15-2"),
)
NEW = inventory(
    debian("libssl3", "3.0.15-1~deb12u1", source="openssl"),
    debian("openssl", "3.0.15-1~deb12u1"),
    debian("bash", "5.2.15-2+b7", source_version="5.2.15-2"),
)


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


def worked(now: float | None = None) -> None:
    """Do what the worker does until nothing is left."""
    at = time.time() if now is None else now
    for _part in range(1000):
        if not tend_software(now=at):
            return
    pytest.fail("there is always something left")


def on_record() -> str:
    folder = now_in_force.INSTANCE.audit / "control"
    return "".join(path.read_text() for path in sorted(folder.glob("*.jsonl")))


def known(laptop: Laptop) -> dict[str, Any]:
    return {
        name: value
        for name, value in get_posture(laptop.device, now=time.time()).for_rules().items()
        if name.startswith("vulnerable_")
    }


def why_not(laptop: Laptop) -> str:
    return get_posture(laptop.device, now=time.time()).unknown["vulnerable_critical"]


def taken_in(folder: Path, *entries: dict[str, Any], now: float | None = None, **more: Any) -> Any:
    path = archive(folder / f"all-{len(list(folder.iterdir()))}.zip", *entries)
    return import_advisories([path], actor=MACHINE, now=time.time() if now is None else now, **more)


def test_what_is_vulnerable_is_found_told_and_over_with_the_version_that_mends_it(
    laptop: Laptop, tmp_path: Path
) -> None:
    now = time.time()
    assert laptop.report(more={"inventory": digest_of(OLD)}).json()["wants"] == ["inventory"]
    assert send_inventory(laptop, OLD).status_code == 200
    assert laptop.report(more={"inventory": digest_of(OLD)}).json()["wants"] == []
    worked()
    assert known(laptop) == {}, "without advisories nobody can tell"
    assert "No advisories on Debian:12" in why_not(laptop)

    taken_in(
        tmp_path,
        entry("DSA-1", "openssl", at=now, fixed="3.0.15-1~deb12u1", aliases=["CVE-2026-1111"]),
        entry("DEBIAN-CVE-2026-1111", "openssl", at=now, fixed="3.0.15-1~deb12u1", upstream=["CVE-2026-1111"]),
        entry("DSA-2", "bash", at=now, vector=HIGH, fixed="5.3"),
        entry("DSA-3", "bash", at=now, ecosystem="Debian:11"),
        entry("DSA-4", "zsh", at=now),
    )
    worked(time.time() + 60)
    assert known(laptop) == {"vulnerable_critical": 1, "vulnerable_high": 1}, "one flaw in two advisories is one"
    found = search_findings().items
    assert [(one.id, one.severity, one.devices, one.fixes) for one in found] == [
        ("DEBIAN-CVE-2026-1111", "critical", 1, "3.0.15-1~deb12u1"),
        ("DSA-1", "critical", 1, "3.0.15-1~deb12u1"),
        ("DSA-2", "high", 1, "5.3"),
    ]
    assert [one.id for one in search_findings(text="libssl3").items] == ["DEBIAN-CVE-2026-1111", "DSA-1"]
    assert [one.id for one in search_findings(device=laptop.device, text="bash").items] == ["DSA-2"]
    assert {one.package.name for one in list_affected("DSA-1").items} == {"libssl3", "openssl"}
    assert '"found":["DEBIAN-CVE-2026-1111","DSA-1","DSA-2"]' in on_record()
    state = get_device_software(laptop.device, now=now)
    assert state is not None
    assert (state.packages, state.counts) == (3, {"critical": 1, "high": 1, "medium": 0, "low": 0, "unknown": 0})

    assert send_inventory(laptop, NEW).status_code == 200
    worked(time.time() + 120)
    assert known(laptop) == {"vulnerable_critical": 0, "vulnerable_high": 1}
    assert [one.id for one in search_findings().items] == ["DSA-2"]
    assert '"over":["DEBIAN-CVE-2026-1111","DSA-1"]' in on_record()
    assert '"type":"advisories"' in on_record()
    assert [one.version for one in list_packages(laptop.device)] == [
        "5.2.15-2+b7",
        "3.0.15-1~deb12u1",
        "3.0.15-1~deb12u1",
    ]


def test_advisories_that_are_withdrawn_hold_no_more(laptop: Laptop, tmp_path: Path) -> None:
    now = time.time()
    send_inventory(laptop, OLD)
    taken_in(tmp_path, entry("DSA-1", "openssl", at=now - 60, fixed="3.1"))
    worked()
    assert known(laptop)["vulnerable_critical"] == 1
    done = taken_in(tmp_path, entry("DSA-1", "openssl", at=now, withdrawn="2026-01-01T00:00:00Z"))
    assert (done.changed, done.withdrawn) == (1, 1)
    worked(time.time() + 60)
    assert known(laptop)["vulnerable_critical"] == 0
    assert not search_findings().items


def test_advisories_older_than_two_weeks_say_nothing_any_more(laptop: Laptop, tmp_path: Path) -> None:
    now = time.time()
    send_inventory(laptop, OLD)
    taken_in(tmp_path, entry("DSA-4", "zsh", at=now - 15 * DAY))
    worked()
    assert known(laptop) == {}, "none is not known to be none"
    assert "older than 14 days" in why_not(laptop)
    assert [(one.ecosystem, one.fresh) for one in list_feeds(now=now)] == [("Debian:12", False)]
    taken_in(tmp_path, entry("DSA-5", "zsh", at=now - DAY))
    worked()
    assert known(laptop) == {"vulnerable_critical": 0, "vulnerable_high": 0}


def test_single_advisories_are_not_everything_that_there_is_to_know(laptop: Laptop, tmp_path: Path) -> None:
    now, file = time.time(), tmp_path / "one.json"
    send_inventory(laptop, OLD)
    file.write_text(json.dumps(entry("DSA-2", "zsh", at=now)))
    import_advisories([file], actor=MACHINE, now=now)
    worked()
    assert known(laptop) == {}
    import_advisories([file], actor=MACHINE, now=now, as_of=now - DAY)
    worked(now + 3600)
    send_inventory(laptop, NEW)
    worked(now + 3700)
    assert known(laptop)["vulnerable_critical"] == 0, "who fetched them says that this is all"


def test_an_incomplete_list_and_a_language_without_advisories_are_not_counted_as_none(
    laptop: Laptop, tmp_path: Path
) -> None:
    now = time.time()
    taken_in(tmp_path, entry("DSA-4", "zsh", at=now))
    send_inventory(laptop, inventory(debian("bash", "5.2"), incomplete=("dpkg ended with 2",)))
    worked()
    assert known(laptop) == {}
    assert "dpkg ended with 2" in why_not(laptop)


def test_taking_the_same_again_changes_nothing_and_what_is_older_is_left_out(laptop: Laptop, tmp_path: Path) -> None:
    now = time.time()
    send_inventory(laptop, OLD)
    ours = [entry("DSA-1", "openssl", at=now), entry("DSA-2", "bash", at=now)]
    assert taken_in(tmp_path, *ours).added == 2
    worked()
    again = taken_in(tmp_path, *ours)
    assert (again.added, again.changed, again.same) == (0, 0, 2)
    assert get_progress().packages_to_match == 0, "nothing has to be matched again"
    older = taken_in(tmp_path, entry("DSA-1", "zsh", at=now - DAY))
    assert (older.changed, older.older) == (0, 1)
    assert search_findings(text="DSA-1").items
    assert list_feeds(now=now)[0].as_of == pytest.approx(now, abs=1), "an older archive makes nothing older"


@pytest.mark.parametrize(
    ("break_it", "named"),
    [
        (lambda one: one.update(id="../../etc/passwd"), "identifier"),
        (lambda one: one.update(modified="yesterday"), "modified"),
        (lambda one: one["affected"][0].update(package={"ecosystem": "Debian:12", "name": ""}), "affected[0]"),
        (lambda one: one["affected"][0].update(package={"ecosystem": "Debian:12", "name": "ba\x00sh"}), "affected[0]"),
        (lambda one: one["affected"][0].update(package={"ecosystem": "Debian:1\x002", "name": "bash"}), "affected[0]"),
        (lambda one: one["affected"][0]["ranges"][0]["events"][0].update(introduced="0\x00"), "ranges[0].events"),
        (lambda one: one["affected"][0]["ranges"][0].update(type="MOON"), "affected[0].ranges[0].type"),
        (lambda one: one["affected"][0]["ranges"][0].update(events=[{"fixed": "1"}]), "introduced"),
        (lambda one: one["affected"][0]["ranges"][0].update(events=[{"introduced": "0", "fixed": "1"}]), "events"),
    ],
)
def test_one_entry_that_cannot_be_read_is_named_and_changes_nothing(tmp_path: Path, break_it: Any, named: str) -> None:
    good, bad = entry("DSA-1", "openssl", at=time.time()), entry("DSA-2", "bash", at=time.time())
    path = tmp_path / "all.zip"
    archive(path, good, {**bad})
    break_it(bad)
    archive(path, good, {**bad, "id": bad["id"]})
    with pytest.raises(UnreadableSource) as refused:
        import_advisories([path], actor=MACHINE, now=time.time())
    assert "all.zip: " in refused.value.message
    assert named in refused.value.message
    assert "Nothing was changed" in refused.value.hint
    assert not StoredAdvisory.objects.exists()
    assert not list_feeds(now=time.time())


def test_files_that_are_none_are_refused(tmp_path: Path) -> None:
    torn = tmp_path / "torn.zip"
    torn.write_bytes(archive(tmp_path / "whole.zip", entry("DSA-1", "bash", at=time.time())).read_bytes()[:-30])
    words = tmp_path / "words.json"
    words.write_text("[1, 2")
    for path in (torn, words, tmp_path / "nothing.json"):
        with pytest.raises(UnreadableSource):
            import_advisories([path], actor=MACHINE, now=time.time())


def test_devices_with_the_same_packages_share_them_and_one_does_not_send_them(laptop: Laptop, tmp_path: Path) -> None:
    other = Laptop(address="198.51.100.7", name="Other")
    other.enrolled_for(make_person("bo@example.test"))
    taken_in(tmp_path, entry("DSA-1", "openssl", at=time.time()))
    send_inventory(laptop, OLD)
    assert other.report(more={"inventory": digest_of(OLD)}).json()["wants"] == []
    worked()
    assert PackageSet.objects.count() == 1
    assert known(other) == known(laptop)
    assert search_findings().items[0].devices == 2
    send_inventory(other, NEW)
    assert StoredPackage.objects.count() == 5, "bash is the same on both"
    retire_device(laptop.device, actor=MACHINE)
    assert forget_software(now=time.time()) > 0
    assert StoredPackage.objects.count() == 3
    assert [one.device_id for one in Installed.objects.all()] == [other.device]
    assert {one.version for one in list_packages(other.device)} == {one.version for one in NEW.packages}


def test_what_was_not_signed_or_is_too_large_is_refused_and_replays_too(laptop: Laptop) -> None:
    assert send_inventory(laptop, OLD, content=pack_inventory(NEW)).json()["error"] == "invalid_request"
    assert send_inventory(laptop, OLD, content=b"\x00" * 40).status_code == 400
    assert send_inventory(laptop, OLD, content=b"\x00" * (1024 * 1024 + 1)).status_code == 400
    assert laptop.post("inventory", b"[" * (3 * 1024 * 1024)).status_code == 400
    stranger = Laptop()
    stranger.device = laptop.device
    assert send_inventory(stranger, OLD).json()["error"] == "unknown_device"
    message = sign_message(laptop.said(InventoryMessage, device=laptop.device, digest=digest_of(OLD)), laptop.key)
    body = {"message": message, "content": base64.b64encode(pack_inventory(OLD)).decode()}
    assert laptop.post("inventory", body).status_code == 200
    assert laptop.post("inventory", body).json()["error"] == "stale_nonce"
    retire_device(laptop.device, actor=MACHINE)
    assert send_inventory(laptop, NEW).json()["error"] == "ended"
