"""Reads of devices. They return frozen types and change nothing."""

from collections.abc import Iterable, Sequence
from datetime import datetime

import msgspec
from django.db.models import Case, Q, When

from ostiary.devices.domain.devices import HELD, Device, KnownTpm, State, UnknownDevice, Why
from ostiary.devices.domain.posture import ChangedFact, Evidence, Posture, Reported, SourceFacts, combine
from ostiary.devices.models import DevicePosture, DeviceTpm, FactChange, StoredDevice
from ostiary.identity.domain.stored_text import can_be_stored
from ostiary.policy.identifiers import DeviceId, PersonId
from ostiary.visibility.facade import Page


def list_devices(*, owner: PersonId | None = None) -> tuple[Device, ...]:
    """Return every device by name, or those that somebody answers for."""
    rows = StoredDevice.objects.select_related("owner", "tpm").prefetch_related("certificates")
    return tuple(map(to_device, rows if owner is None else rows.filter(owner_id=owner)))


def get_devices(devices: Sequence[DeviceId]) -> tuple[Device, ...]:
    """Return some devices in the order that is asked for; those that there are."""
    rows = StoredDevice.objects.select_related("owner", "tpm").prefetch_related("certificates").order_by()
    found = {row.id: to_device(row) for row in rows.filter(pk__in=devices)}
    return tuple(found[one] for one in devices if one in found)


def find_devices(
    *, text: str = "", owner: str = "", name: str = "", page: int = 1, page_size: int = 20
) -> Page[Device]:
    """Return devices in use, for somebody who looks for one.

    Args:
        text: words that each occur in its name, its owner's address or its identifier.
        owner: an address; whose devices come first.
        name: of a computer; the devices that are called so come before the others.
        page: from 1; beyond the end is the last one.
        page_size: how many.
    """
    rows = StoredDevice.objects.filter(state__in=(State.ACTIVE, State.QUARANTINED))
    rows = rows if can_be_stored(text) else rows.none()
    for word in text.split()[:5]:
        rows = rows.filter(Q(name__icontains=word) | Q(owner__email__icontains=word) | Q(id__icontains=word))
    total = rows.count()
    number = min(page, max(1, -(-total // page_size)))
    theirs, called = Q(owner__email__iexact=owner or "-"), Q(name__iexact=name or "-")
    place = Case(When(theirs & called, then=0), When(theirs, then=1), When(called, then=2), default=3)
    some = rows.order_by(place, "name", "id")[(number - 1) * page_size : number * page_size]
    found = some.select_related("owner", "tpm").prefetch_related("certificates")
    return Page(items=tuple(map(to_device, found)), total=total, page=number, page_size=page_size)


def get_device(device_id: str) -> Device:
    """Return one device.

    Raises:
        UnknownDevice: when there is none with this identifier.
    """
    rows = StoredDevice.objects.select_related("owner", "tpm").prefetch_related("certificates")
    row = rows.filter(pk=device_id).first() if can_be_stored(device_id) else None
    if row is None:
        raise unknown_device(device_id)
    return to_device(row)


def count_waiting() -> int:
    """Return how many devices wait for an administrator."""
    return StoredDevice.objects.filter(state=State.WAITING).count()


def count_copied() -> int:
    """Return how many devices are in quarantine because their key seems to be in use twice."""
    return StoredDevice.objects.filter(state=State.QUARANTINED, why=Why.KEY_USED_TWICE).count()


def count_held(owner: PersonId) -> int:
    """Return how many devices somebody answers for, those that wait and those in quarantine included."""
    return StoredDevice.objects.filter(owner_id=owner, state__in=HELD).count()


def unknown_device(device_id: str) -> UnknownDevice:
    """Return the error for an identifier that no device has."""
    shown = device_id if len(device_id) <= 40 else device_id[:40] + "…"
    return UnknownDevice(f"There is no device {shown!r}.", hint="See: ostiary device list")


def to_device(row: StoredDevice) -> Device:
    """Return the stored device as the rest of Ostiary sees it."""
    ends = [one.ends_at for one in row.certificates.all()]
    return Device(
        id=DeviceId(row.id),
        name=row.name,
        platform=row.platform,
        owner=row.owner.email,
        owner_id=PersonId(row.owner_id),
        owner_gone=not row.owner.may_sign_in,
        state=State(row.state),
        key_protection=row.key_protection,
        thumbprint=row.thumbprint,
        asked_from=row.asked_from,
        confirmed_from=row.confirmed_from,
        enrolled_at=row.enrolled_at.timestamp(),
        approved_at=_seconds(row.approved_at),
        approved_by=row.approved_by,
        seen_at=_seconds(row.seen_at),
        certified_until=max(ends).timestamp() if ends else None,
        why=Why(row.why) if row.why else None,
        generation=row.generation,
        tpm=_tpm(row),
    )


def _tpm(row: StoredDevice) -> KnownTpm | None:
    try:
        kept: DeviceTpm = row.tpm
    except DeviceTpm.DoesNotExist:
        return None
    return KnownTpm(
        endorsement=kept.endorsement,
        maker=kept.maker,
        why=kept.why,
        quoted_at=_seconds(kept.quoted_at),
        secure_boot=kept.secure_boot,
        boot_words=kept.boot_words,
    )


def _seconds(at: datetime | None) -> float | None:
    return None if at is None else at.timestamp()


def get_posture(device_id: str, *, now: float) -> Posture:
    """Return what is known of a device at a moment (seconds since the epoch). Raises `UnknownDevice`."""
    return list_postures(now=now, devices=(get_device(device_id).id,))[DeviceId(device_id)]


def list_postures(*, now: float, devices: Iterable[DeviceId] | None = None) -> dict[DeviceId, Posture]:
    """Return what is known of devices at a moment, by identifier; of every device, where it is not said of which."""
    rows = StoredDevice.objects.prefetch_related("postures").order_by()
    chosen = rows if devices is None else rows.filter(pk__in=list(devices))
    return {DeviceId(row.id): combine(map(source_facts, row.postures.all()), now) for row in chosen}


def source_facts(row: DevicePosture) -> SourceFacts:
    """Return what one source said, as stored."""
    return SourceFacts(
        source=row.source,
        evidence=Evidence(row.evidence),
        lasts=row.lasts,
        facts=msgspec.convert(row.facts, dict[str, Reported]),
    )


def list_fact_changes(device_id: str, *, limit: int = 100) -> tuple[ChangedFact, ...]:
    """Return how a device's facts changed, newest first."""
    rows = FactChange.objects.filter(device_id=device_id).order_by("-at", "-pk")[:limit]
    return tuple(
        ChangedFact(at=row.at.timestamp(), name=row.name, source=row.source, value=row.value, before=row.before)
        for row in rows
    )
