"""Devices with facts, straight into the database: enrolled ones without an agent, for what is judged of them."""

import time
from typing import Any

from ostiary.devices.facade import Evidence, Reported, take_facts
from ostiary.devices.models import StoredDevice
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


def make_device(owner: PersonId, number: int = 1, *, platform: str = "Ubuntu 24.04", state: str = "active") -> DeviceId:
    """Enrol one for somebody."""
    from datetime import UTC, datetime

    row = StoredDevice.objects.create(
        id=f"dev-{number:012d}",
        name=f"Laptop {number}",
        platform=platform,
        owner_id=owner,
        state=state,
        key={},
        thumbprint=f"{number:043d}",
        key_protection="file",
        enrolled_at=datetime.now(UTC),
    )
    return DeviceId(row.id)


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
