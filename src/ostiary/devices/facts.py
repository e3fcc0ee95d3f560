"""What this room tells the decision service: section `devices` of the snapshot."""

from datetime import UTC, datetime

from django.conf import settings
from django.db.models import Prefetch

from ostiary.devices.domain.devices import State
from ostiary.devices.models import DeviceCertificate, StoredDevice
from ostiary.policy.identifiers import DeviceId, PersonId
from ostiary.policy.snapshot import DeviceFact, Devices


def read_devices() -> Devices:
    """Return every device that is active or in quarantine, with the certificates that have not run out; none where they are off."""
    if not settings.INSTANCE.configuration.devices.enabled:
        return Devices()
    good = DeviceCertificate.objects.filter(ends_at__gt=datetime.now(UTC))
    rows = StoredDevice.objects.filter(state__in=(State.ACTIVE, State.QUARANTINED))
    return Devices(
        devices={
            DeviceId(row.id): DeviceFact(
                id=DeviceId(row.id),
                name=row.name,
                owner=PersonId(row.owner_id),
                active=row.state == State.ACTIVE,
                certificates={one.fingerprint: one.ends_at.timestamp() for one in row.certificates.all()},
                key_protection=row.key_protection,
            )
            for row in rows.prefetch_related(Prefetch("certificates", queryset=good))
        }
    )
