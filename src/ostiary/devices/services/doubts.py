"""Devices that make another one doubtful: whoever is kept out with one computer must not come back with it under a new name."""

from django.db.models import Q

from ostiary.devices.domain.devices import HELD, Device, State
from ostiary.devices.models import StoredDevice
from ostiary.devices.queries import to_device
from ostiary.policy.identifiers import PersonId


def list_doubts(owner: PersonId, endorsement: str = "") -> tuple[Device, ...]:
    """Return the devices because of which an administrator has to look at a new one of somebody, the latest first.

    Args:
        owner: whose the new one is.
        endorsement: SHA-256 of the endorsement key of its TPM; empty where it proved none.

    Returns:
        Those of the same person that are in quarantine, and whoever's with the same TPM that are in quarantine or lost.
    """
    doubtful = Q(state=State.QUARANTINED, owner_id=owner)
    if endorsement:
        doubtful |= Q(state__in=(State.QUARANTINED, State.LOST), tpm__endorsement=endorsement)
    rows = StoredDevice.objects.filter(doubtful).select_related("owner", "tpm").order_by("-enrolled_at")
    return tuple(map(to_device, rows))


def doubts_about(device: Device) -> tuple[Device, ...]:
    """Return `list_doubts` of a device that is there already, itself left out; of one that has ended there are none."""
    if device.state not in HELD:
        return ()
    tpm = StoredDevice.objects.filter(pk=device.id).values_list("tpm__endorsement", flat=True).first()
    return tuple(one for one in list_doubts(device.owner_id, tpm or "") if one.id != device.id)
