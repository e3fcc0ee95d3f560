"""What of all that is found makes the facts: what an update mends, in the kernel that runs, and never a none that nobody can tell."""

import json
import shutil
import time
import zlib
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec
import pytest
from django.conf import settings as now_in_force
from tests.device_asking import Laptop
from tests.identity_people import MACHINE, make_person
from tests.integration.devices.test_devices_enrol import configured
from tests.software_material import DEBIAN, HIGH, archive, debian, entry, inventory, send_inventory

from ostiary.devices.facade import get_posture, ready_authority
from ostiary.software.domain.packages import Inventory, Package, unpack_inventory
from ostiary.software.facade import (
    DeviceSoftware,
    get_device_software,
    import_advisories,
    search_findings,
    tend_software,
)
from ostiary.software.models import StoredPackage

pytestmark = pytest.mark.django_db(transaction=True)
OLDER, NEWER = "6.1.0-20-amd64", "6.1.0-21-amd64"


@pytest.fixture
def laptop(settings: Any) -> Iterator[Laptop]:
    configured(settings, approval="person")
    ready_authority(now=time.time())
    one = Laptop()
    one.enrolled_for(make_person())
    yield one
    shutil.rmtree(now_in_force.INSTANCE.device_certificates)


def taken_in(folder: Path, *entries: dict[str, Any]) -> None:
    import_advisories([archive(folder / "all.zip", *entries)], actor=MACHINE, now=time.time())


def facts(laptop: Laptop) -> dict[str, Any]:
    """Return what the worker makes of it all."""
    while tend_software(now=time.time() + 60):
        """Its part."""
    posture = get_posture(laptop.device, now=time.time())
    return {name: value for name, value in posture.for_rules().items() if name.startswith("vulnerable_")}


def state(laptop: Laptop) -> DeviceSoftware:
    found = get_device_software(laptop.device, now=time.time())
    assert found is not None
    return found


def image(release: str, version: str) -> Package:
    return debian(
        f"linux-image-{release}", version, source="linux-signed-amd64", source_version=version.replace("-", "+")
    )


def test_the_kernel_that_runs_counts_until_the_restart_and_those_beside_it_do_not(
    laptop: Laptop, tmp_path: Path
) -> None:
    flaw = entry("DEBIAN-CVE-2026-7", "linux", at=time.time(), fixed="6.1.90-1")
    older, newer = image(OLDER, "6.1.85-1"), image(NEWER, "6.1.90-1")
    send_inventory(laptop, inventory(older, running=OLDER))
    assert facts(laptop) == {}
    taken_in(tmp_path, flaw)
    assert StoredPackage.objects.get().stale, "advisories on linux are about what is built from it under another name"
    assert facts(laptop)["vulnerable_critical"] == 1
    (found,) = search_findings(device=laptop.device).items
    assert (found.names, found.fixes) == (older.name, "6.1.90-1")
    assert state(laptop).waiting == ""

    send_inventory(laptop, inventory(older, newer, running=OLDER))
    assert facts(laptop)["vulnerable_critical"] == 1, "it still runs"
    assert state(laptop).waiting == f"{newer.name} 6.1.90-1"

    send_inventory(laptop, inventory(older, newer, running=NEWER))
    assert facts(laptop)["vulnerable_critical"] == 0, "the older one is only kept"
    assert (search_findings(device=laptop.device).items, state(laptop).waiting) == ((), "")

    send_inventory(laptop, inventory(older, newer))
    assert facts(laptop)["vulnerable_critical"] == 1, "which one runs an agent of before does not say"


def test_lists_of_agents_that_do_not_say_what_runs_are_read() -> None:
    said = msgspec.to_builtins(inventory(debian("bash", "5.2"), running=OLDER))
    assert said.pop("running") == OLDER
    plain = json.dumps(said).encode()
    assert unpack_inventory(zlib.compress(plain), digest=sha256(plain).hexdigest()).running == ""
    assert inventory(running="two\x07bells").running == ""
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({**said, "running": "6" * 121}, Inventory)


def test_only_what_an_update_mends_makes_the_facts_and_the_rest_is_listed_apart(laptop: Laptop, tmp_path: Path) -> None:
    now = time.time()
    send_inventory(laptop, inventory(debian("openssl", "3.0.14-1"), debian("bash", "5.2")))
    harmless = entry("DEBIAN-CVE-2026-3", "bash", at=now, fixed="5.3")
    harmless["affected"][0]["ecosystem_specific"] = {"urgency": "unimportant"}
    taken_in(
        tmp_path,
        entry("DEBIAN-CVE-2026-1", "openssl", at=now, fixed="3.0.15-1", vector=HIGH),
        entry("DEBIAN-CVE-2026-2", "bash", at=now),
        harmless,
    )
    assert facts(laptop) == {"vulnerable_critical": 0, "vulnerable_high": 1}
    counts = state(laptop).counts, state(laptop).mendable
    assert counts[0] == {"critical": 1, "high": 1, "medium": 0, "low": 1, "unknown": 0}
    assert counts[1] == {"critical": 0, "high": 1, "medium": 0, "low": 1, "unknown": 0}
    for device in (laptop.device, ""):
        mended = [one.id for one in search_findings(device=device, mendable=True).items]
        assert mended == ["DEBIAN-CVE-2026-1", "DEBIAN-CVE-2026-3"]
        assert [one.id for one in search_findings(device=device, mendable=False).items] == ["DEBIAN-CVE-2026-2"]


def test_a_flaw_that_nobody_rated_is_not_none_and_one_that_somebody_else_rated_is_as_bad(
    laptop: Laptop, tmp_path: Path
) -> None:
    now = time.time()
    send_inventory(laptop, inventory(debian("openssl", "3.0.14-1")))
    both = entry("DSA-1", "openssl", at=now, fixed="3.0.15-1", vector="", upstream=["CVE-2026-1001", "CVE-2026-1002"])
    rated = [entry("DEBIAN-CVE-2026-1001", "openssl", at=now, upstream=["CVE-2026-1001"])]
    taken_in(tmp_path, both, *rated)
    assert facts(laptop) == {}
    unknown = get_posture(laptop.device, now=time.time()).unknown
    assert (
        unknown["vulnerable_critical"]
        == unknown["vulnerable_high"]
        == "Nobody says how bad these flaws are: 1. Updates mend them."
    )
    assert state(laptop).not_known == ("Nobody says how bad these flaws are: 1. Updates mend them.",)

    rated.append(
        entry("DEBIAN-CVE-2026-1002", "zsh", at=now, upstream=["CVE-2026-1002"], vector=HIGH, ecosystem="Debian:11")
    )
    taken_in(tmp_path, both, *rated)
    assert facts(laptop) == {"vulnerable_critical": 1, "vulnerable_high": 1}, (
        "each flaw once, mended by what names both"
    )
    assert DEBIAN in state(laptop).system
