"""Puts what happens to devices on record. Called last in a transaction: no record, no change."""

from typing import Any, Final

from ostiary.devices.domain.devices import Device, KnownTpm
from ostiary.visibility.domain.events import EntityChange
from ostiary.visibility.facade import Actor, record_entity_change

DEVICE: Final = "device"
ENROLMENT: Final = "device enrolment"
AUTHORITY: Final = "device authority"


def told_of(device: Device) -> dict[str, Any]:
    """Return what the record says of a device: nothing secret is in it, for its key is a public one."""
    return {
        "name": device.name,
        "platform": device.platform,
        "owner": device.owner,
        "state": device.state.value,
        "why": device.why.value if device.why else None,
        "key": device.thumbprint,
        "key_protection": device.key_protection,
        **_told_of_tpm(device.tpm),
        "asked_from": device.asked_from or None,
        "confirmed_from": device.confirmed_from or None,
    }


def _told_of_tpm(tpm: KnownTpm | None) -> dict[str, Any]:
    if tpm is None:
        return {}
    return {
        "tpm": {
            "endorsement_key": tpm.endorsement,
            "maker": tpm.maker or None,
            "unverified_because": tpm.why or None,
            "secure_boot": tpm.secure_boot,
        }
    }


def record_change(
    change: EntityChange,
    *,
    actor: Actor,
    before: Device | None = None,
    after: Device | None = None,
    reason: str = "",
) -> None:
    """Put a change of a device on record."""
    one = after if after is not None else before
    if one is not None:
        record_entity_change(
            DEVICE,
            one.id,
            change,
            actor=actor,
            name=one.name,
            before=told_of(before) if before is not None else None,
            after=told_of(after) if after is not None else None,
            comment=reason,
        )
