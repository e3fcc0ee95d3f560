"""What this room tells the decision service: sections `devices`, `given` and `postures` of the snapshot."""

from collections import defaultdict
from datetime import UTC, datetime

import msgspec
from django.conf import settings

from ostiary.devices.domain.devices import State
from ostiary.devices.models import DeviceCertificate, GivenSection, StoredDevice
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
    for device, fingerprint, ends_at in good.values_list("device_id", "fingerprint", "ends_at").iterator(
        chunk_size=5000
    ):
        certificates[device][fingerprint] = ends_at.timestamp()
    rows = StoredDevice.objects.filter(state__in=(State.ACTIVE, State.QUARANTINED)).order_by()
    return Devices(
        devices={
            DeviceId(device): DeviceFact(
                id=DeviceId(device),
                name=name,
                owner=PersonId(owner),
                active=state == State.ACTIVE and is_active and (account_ends_at is None or now < account_ends_at),
                certificates=_until(certificates[device], account_ends_at),
                key_protection=key_protection,
            )
            for device, name, owner, state, key_protection, is_active, account_ends_at in rows.values_list(
                "pk", "name", "owner_id", "state", "key_protection", "owner__is_active", "owner__ends_at"
            )
        }
    )


def _until(certificates: dict[str, float], ends_at: datetime | None) -> dict[str, float]:
    """No certificate counts beyond the end of its owner's account."""
    if ends_at is None:
        return certificates
    return {fingerprint: min(until, ends_at.timestamp()) for fingerprint, until in certificates.items()}


def read_given() -> msgspec.Raw:
    """Return whose each certificate is that was given lately, encoded as `policy.given.GivenCertificates`; none where devices are off."""
    made = GivenSection.objects.first() if settings.INSTANCE.configuration.devices.enabled else None
    return msgspec.Raw(bytes(made.content) if made is not None else msgspec.msgpack.encode(GivenCertificates()))


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
