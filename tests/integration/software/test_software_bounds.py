"""What one device can make grow, and what a release that matches otherwise makes of what was found before."""

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
from tests.software_material import archive, debian, entry, inventory, send_inventory

from ostiary.devices.facade import get_posture, ready_authority
from ostiary.devices.models import UsedNonce
from ostiary.software.domain.packages import digest_of
from ostiary.software.facade import import_advisories, list_packages, tend_software
from ostiary.software.models import Installed, PackageSet, StoredFinding, StoredPackage
from ostiary.software.services.matcher import matcher

pytestmark = pytest.mark.django_db(transaction=True)
OLD = inventory(debian("openssl", "3.0.14-1~deb12u2"), debian("bash", "5.2.15-2"))
NEW = inventory(debian("openssl", "3.0.15-1~deb12u1"), debian("bash", "5.2.15-2"))


@pytest.fixture
def laptop(settings: Any) -> Iterator[Laptop]:
    configured(settings, approval="person")
    ready_authority(now=time.time())
    one = Laptop()
    one.enrolled_for(make_person())
    yield one
    shutil.rmtree(now_in_force.INSTANCE.device_certificates)


def worked(now: float) -> int:
    """Do what the worker does until nothing is left; return how many parts that were."""
    for part in range(1000):
        if not tend_software(now=now):
            return part
    pytest.fail("there is always something left")


def test_made_up_lists_fill_nothing(laptop: Laptop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ostiary.software.domain.allowance.MOST", 203)
    used = UsedNonce.objects.count()
    assert send_inventory(laptop, OLD).status_code == 200
    refused = send_inventory(laptop, NEW)
    assert (refused.status_code, refused.json()["error"]) == (429, "too_many")
    assert (StoredPackage.objects.count(), PackageSet.objects.count()) == (2, 1), "nothing of it was kept"
    assert [one.version for one in list_packages(laptop.device)] == ["5.2.15-2", "3.0.14-1~deb12u2"]
    assert laptop.report(more={"inventory": digest_of(NEW)}).json()["wants"] == ["inventory"], "it is taken later"
    assert UsedNonce.objects.count() == used, "no row is kept of each number that was signed"
    Installed.objects.update(owed_at="2026-01-01T00:00:00Z")
    assert send_inventory(laptop, NEW).status_code == 200
    assert send_inventory(laptop, NEW).status_code == 200, "what is known already uses nothing up"


def test_lists_are_taken_in_the_order_of_their_numbers(laptop: Laptop) -> None:
    earlier, later = (laptop.post("nonce", {}).json()["nonce"] for _ in range(2))
    assert send_inventory(laptop, NEW, nonce=later).status_code == 200
    assert send_inventory(laptop, OLD, nonce=earlier).json()["error"] == "stale_nonce"
    assert "3.0.15-1~deb12u1" in [one.version for one in list_packages(laptop.device)]


def test_what_other_rules_found_is_found_anew_and_then_there_is_rest(
    laptop: Laptop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = time.time()
    path = archive(tmp_path / "all.zip", entry("DSA-1", "openssl", at=now, fixed="3.0.15-1~deb12u1"))
    import_advisories([path], actor=MACHINE, now=now)
    send_inventory(laptop, OLD)
    worked(now)
    assert worked(now) == 0
    StoredFinding.objects.all().delete()
    assert worked(now) == 0, "nobody looks again by themselves"
    monkeypatch.setattr("ostiary.software.services.matcher.matcher", lambda: f"not {matcher()}"[:32])
    assert worked(now + 1) > 0
    assert StoredFinding.objects.count() == 1
    assert worked(now + 1) == 0
    assert get_posture(laptop.device, now=now + 2).for_rules()["vulnerable_critical"] == 1
