"""What this room tells the decision service: sections `devices` and `postures` of the snapshot."""

from datetime import UTC, datetime

import msgspec
from django.conf import settings
from django.db.models import Prefetch

from ostiary.devices.domain.devices import State
from ostiary.devices.models import DeviceCertificate, StoredDevice
from ostiary.policy.identifiers import DeviceId, PersonId
from ostiary.policy.snapshot import DeviceFact, Devices, Postures


def read_devices() -> Devices:
    """Return every device that is active or in quarantine, with the certificates that have not run out; none where they are off.

    One that nobody answers for any more is not active, and no certificate counts beyond the end of its owner's account.
    """
    if not settings.INSTANCE.configuration.devices.enabled:
        return Devices()
    good = DeviceCertificate.objects.filter(ends_at__gt=datetime.now(UTC))
    rows = StoredDevice.objects.filter(state__in=(State.ACTIVE, State.QUARANTINED)).select_related("owner")
    rows = rows.only("name", "state", "key_protection", "owner__is_active", "owner__ends_at")
    return Devices(
        devices={
            DeviceId(row.id): DeviceFact(
                id=DeviceId(row.id),
                name=row.name,
                owner=PersonId(row.owner_id),
                active=row.state == State.ACTIVE and row.owner.may_sign_in,
                certificates={one.fingerprint: _end(one, row.owner.ends_at) for one in row.certificates.all()},
                key_protection=row.key_protection,
            )
            for row in rows.prefetch_related(Prefetch("certificates", queryset=good))
        }
    )


class _KnownOf(msgspec.Struct, frozen=True):
    """As `policy.snapshot.PostureFact`, with facts that are encoded already: ten thousand devices are read within a moment."""

    facts: msgspec.Raw
    until: float


def read_postures() -> msgspec.Raw:
    """Return what is known of every device's state, encoded as `policy.snapshot.Postures`."""
    if not settings.INSTANCE.configuration.devices.enabled:
        return msgspec.Raw(msgspec.msgpack.encode(Postures()))
    rows = StoredDevice.objects.filter(state=State.ACTIVE, known_until__gt=datetime.now(UTC).timestamp()).order_by()
    known = {
        device: _KnownOf(msgspec.Raw(bytes(facts)), until)
        for device, facts, until in rows.values_list("pk", "known", "known_until").iterator(chunk_size=5000)
    }
    return msgspec.Raw(msgspec.msgpack.encode({"devices": known}))


def _end(certificate: DeviceCertificate, account_ends_at: datetime | None) -> float:
    return min(filter(None, (certificate.ends_at, account_ends_at))).timestamp()
