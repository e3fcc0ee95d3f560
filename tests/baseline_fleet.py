"""Devices with facts, straight into the database: enrolled ones without an agent, for what is judged of them."""

import time
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import transaction

from ostiary.changes import announce_change
from ostiary.devices.facade import Evidence, Reported, take_facts
from ostiary.devices.models import StoredDevice
from ostiary.devices.services.pacing import forget_pace
from ostiary.policy.identifiers import DeviceId, PersonId

HOUR, DAY = 3600.0, 86400.0
WELL = {
    "os_supported": True,
    "security_update_age_days": 0,
    "firewall_on": True,
    "screen_lock": True,
    "disk_encrypted": True,
}
"""What `minimum` asks of a Linux laptop, and an encrypted disk."""


def make_device(
    owner: PersonId, number: int = 1, *, platform: str = "Ubuntu 24.04", state: str = "active", fingerprint: str = ""
) -> DeviceId:
    """Enrol one for somebody; with a fingerprint, its certificate is good for an hour and told to the gateway."""
    now = datetime.now(UTC)
    forget_pace(f"dev-{number:012d}")
    with transaction.atomic():
        row = StoredDevice.objects.create(
            id=f"dev-{number:012d}",
            name=f"Laptop {number}",
            platform=platform,
            owner_id=owner,
            state=state,
            key={},
            thumbprint=f"{number:043d}",
            key_protection="file",
            enrolled_at=now,
        )
        if fingerprint:
            row.certificates.create(
                fingerprint=fingerprint, serial="1", begins_at=now, ends_at=now + timedelta(hours=1)
            )
            announce_change("devices", takes_away=False)
    return DeviceId(row.id)


def forget_devices() -> None:
    """Leave none of them behind."""
    with transaction.atomic():
        StoredDevice.objects.filter(name__startswith="Laptop ").delete()
        for section in ("devices", "postures", "compliance"):
            announce_change(section, takes_away=True)


def says(
    device: str,
    *,
    now: float | None = None,
    source: str = "agent",
    evidence: Evidence = Evidence.SELF_REPORTED,
    **facts: Any,
) -> bool:
    """Let it say that all is well, but for what is given; `None` for what it cannot tell."""
    at = time.time() if now is None else now
    said = [Reported(name=name, value=value, at=at) for name, value in {**WELL, **facts}.items()]
    return take_facts(device=device, source=source, evidence=evidence, facts=said, taken_at=at, lasts=HOUR, now=at)
