"""What a restored backup must not bring back: devices that were lost or given up after it was made."""

from django.db import transaction

from ostiary.changes import announce_change
from ostiary.devices.domain.devices import State, Why
from ostiary.devices.models import DeviceCertificate, Enrolment, GivenCertificate, GivenSection, StoredDevice
from ostiary.devices.services.register import quarantine_device
from ostiary.visibility.facade import Actor


@transaction.atomic
def quarantine_after_restore(*, actor: Actor, reason: str) -> int:
    """Put every active device in quarantine, each to be released by somebody who knows where it is; forget certificates.

    Args:
        actor: who restored.
        reason: why, for the record.

    Returns:
        How many devices that were.
    """
    Enrolment.objects.all().delete()
    DeviceCertificate.objects.all().delete()
    GivenCertificate.objects.all().delete()
    GivenSection.objects.all().delete()
    announce_change("given", takes_away=True)
    active = list(StoredDevice.objects.filter(state=State.ACTIVE).values_list("pk", flat=True))
    for device_id in active:
        quarantine_device(device_id, actor=actor, why=Why.RESTORED, reason=reason)
    return len(active)
