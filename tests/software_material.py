"""Advisories in OSV's form and inventories, made for tests."""

import base64
import json
import tempfile
import time
import zipfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ostiary.devices.domain.messages import Inventory as InventoryMessage
from ostiary.devices.domain.messages import sign_message
from ostiary.software.domain.packages import Inventory, Package, digest_of, make_inventory, pack_inventory
from ostiary.software.facade import import_advisories, tend_software
from tests.device_asking import Laptop
from tests.identity_people import MACHINE

WORST = "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"
HIGH = "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:H"
DEBIAN = "Debian:12"


def moment(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat().replace("+00:00", "Z")


def entry(
    uid: str,
    name: str,
    *,
    at: float,
    ecosystem: str = DEBIAN,
    fixed: str = "",
    introduced: str = "0",
    vector: str = WORST,
    **more: Any,
) -> dict[str, Any]:
    """Return an advisory on one package from a version on, until the one that mends it."""
    events = [{"introduced": introduced}, *([{"fixed": fixed}] if fixed else [])]
    return {
        "schema_version": "1.7.0",
        "id": uid,
        "modified": moment(at),
        "published": moment(at),
        "summary": f"Trouble in {name}",
        "severity": [{"type": "CVSS_V3", "score": vector}] if vector else [],
        "affected": [
            {"package": {"ecosystem": ecosystem, "name": name}, "ranges": [{"type": "ECOSYSTEM", "events": events}]}
        ],
        "references": [{"type": "ADVISORY", "url": f"https://advisories.example.test/{uid}"}],
        **more,
    }


def archive(path: Path, *entries: dict[str, Any]) -> Path:
    """Write an archive as OSV publishes it for an ecosystem."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for one in entries:
            file.writestr(f"{one['id']}.json", json.dumps(one))
    return path


def send_inventory(laptop: Laptop, what: Inventory, *, content: bytes | None = None, **more: Any) -> Any:
    """Have a computer send what is installed on it; `content`: something else than what it signs."""
    fields = {"device": laptop.device, "digest": digest_of(what), **more}
    message = sign_message(laptop.said(InventoryMessage, **fields), laptop.key)
    packed = base64.b64encode(pack_inventory(what) if content is None else content).decode()
    return laptop.post("inventory", {"message": message, "content": packed})


def debian(name: str, version: str, *, source: str = "", source_version: str = "") -> Package:
    return Package(
        ecosystem=DEBIAN,
        name=name,
        version=version,
        source=source or name,
        source_version=source_version or version,
    )


def inventory(*packages: Package, incomplete: tuple[str, ...] = (), running: str = "") -> Inventory:
    return make_inventory(DEBIAN, packages, incomplete, running=running)


def install_software(laptop: Laptop, advisory: str) -> None:
    """Have something on a computer that an advisory is about, and found out."""
    installed = inventory(
        debian("libssl3", "3.0.13-1~deb12u1", source="openssl"),
        debian("openssl", "3.0.13-1~deb12u1"),
        debian("bash", "5.2"),
    )
    assert send_inventory(laptop, installed).status_code == 200
    now = time.time()
    with tempfile.TemporaryDirectory() as folder:
        known = archive(
            Path(folder) / "Debian.zip",
            entry(advisory, "openssl", at=now, fixed="3.0.14-1~deb12u2", aliases=["CVE-2024-6119"]),
            entry("DSA-5000-1", "bash", at=now, vector=HIGH, ecosystem="Debian:11"),
            entry("DEBIAN-CVE-2025-1", "bash", at=now, vector=HIGH),
        )
        import_advisories([known], actor=MACHINE, now=now)
    while tend_software(now=now):
        """The worker's part."""
