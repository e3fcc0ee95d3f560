"""What this room tells the decision service: sections `devices`, `given` and `postures` of the snapshot."""

from collections import defaultdict
from datetime import UTC, datetime, timedelta

import msgspec
from django.conf import settings

from ostiary.devices.domain.certificates import SHOWN_DAYS
from ostiary.devices.domain.devices import State
from ostiary.devices.models import DeviceCertificate, GivenCertificate, StoredDevice
from ostiary.policy.given import GivenCertificates
from ostiary.policy.identifiers import DeviceId, PersonId
from ostiary.policy.snapshot import DeviceFact, Devices, Postures


def read_devices() -> Devices:
    """Return every device that is active or in quarantine, with the certificates that have not run out; none where they are off.

    One that nobody answers for any more is not active, and no certificate counts beyond the end of its owner's account.
    """
    if not settings.INSTANCE.configuration.devices.enabled:
        return Devices()
    now = datetime.now(UTC)
    certificates: defaultdict[str, dict[str, float]] = defaultdict(dict)
    good = DeviceCertificate.objects.filter(ends_at__gt=now).order_by()
    for device, fingerprint, ends_at, account_ends_at in good.values_list(
        "device_id", "fingerprint", "ends_at", "device__owner__ends_at"
    ):
        certificates[device][fingerprint] = min(filter(None, (ends_at, account_ends_at))).timestamp()
    rows = StoredDevice.objects.filter(state__in=(State.ACTIVE, State.QUARANTINED)).order_by()
    return Devices(
        devices={
            DeviceId(device): DeviceFact(
                id=DeviceId(device),
                name=name,
                owner=PersonId(owner),
                active=state == State.ACTIVE and is_active and (account_ends_at is None or now < account_ends_at),
                certificates=certificates[device],
                key_protection=key_protection,
            )
            for device, name, owner, state, key_protection, is_active, account_ends_at in rows.values_list(
                "pk", "name", "owner_id", "state", "key_protection", "owner__is_active", "owner__ends_at"
            )
        }
    )


def read_given() -> GivenCertificates:
    """Return whose each certificate is that was given lately; none where devices are off."""
    if not settings.INSTANCE.configuration.devices.enabled:
        return GivenCertificates()
    since = datetime.now(UTC) - timedelta(days=SHOWN_DAYS)
    rows = GivenCertificate.objects.filter(begins_at__gt=since).order_by()
    return GivenCertificates.of(rows.values_list("fingerprint", "device_id").iterator(chunk_size=5000))


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
