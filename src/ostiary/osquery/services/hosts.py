"""Saying which device a host is, and putting hosts out. Each change is one transaction, on record."""

import time
from datetime import UTC, datetime

import msgspec
from django.conf import settings
from django.db import transaction

from ostiary.devices.facade import (
    Evidence,
    Reported,
    State,
    UnusableDevice,
    forget_source,
    get_device,
    take_facts,
)
from ostiary.osquery.domain.hosts import Host, UnusableHost
from ostiary.osquery.journal import HOST
from ostiary.osquery.models import StoredHost
from ostiary.osquery.queries import get_host, unknown_host
from ostiary.visibility.facade import Actor, record_entity_change

SOURCE = "osquery"


@transaction.atomic
def link_host(number: int, *, device: str, actor: Actor, reason: str = "") -> Host:
    """Say that a host is a device; from now on what it says counts for it, as the device's own word.

    Args:
        number: of the host.
        device: the device's identifier.
        actor: who says so.
        reason: why, for the record.

    Raises:
        UnknownHost, UnknownDevice: when there is none.
        UnusableHost: when one of them is linked already, or the device is not in use.
        RecordUnavailable: when the change cannot be put on record; nothing was changed.
    """
    row, ours = lock_host(number), get_device(device)
    if ours.state not in {State.ACTIVE, State.QUARANTINED}:
        raise UnusableHost(f"{ours.name} is {ours.state.value}.", hint="Link the host with a device in use.")
    if row.device_id is not None:
        raise UnusableHost("The host is linked already.", hint="Unlink it first.")
    if StoredHost.objects.filter(device_id=ours.id).exists():
        raise UnusableHost(
            f"{ours.name} is linked already, with another host.", hint="Unlink or remove that one first."
        )
    row.device_id, row.linked_at, row.linked_by = ours.id, datetime.now(UTC), actor.label[:254]
    row.save(update_fields=["device", "linked_at", "linked_by"])
    tell_facts(row, now=time.time())
    record_entity_change(HOST, str(number), "update", actor=actor, name=row.name, after=_told(row), comment=reason)
    return get_host(number)


@transaction.atomic
def unlink_host(number: int, *, actor: Actor, reason: str = "") -> Host:
    """Take back that a host is a device; what it said is forgotten of the device.

    Raises:
        UnknownHost: when there is none.
        UnusableHost: when it is not linked.
    """
    row = lock_host(number)
    if row.device_id is None:
        raise UnusableHost("The host is linked with no device.")
    before, device = _told(row), row.device_id
    row.device_id, row.linked_at, row.linked_by = None, None, ""
    row.save(update_fields=["device", "linked_at", "linked_by"])
    forget_source(device=device, source=SOURCE, now=time.time())
    record_entity_change(HOST, str(number), "update", actor=actor, name=row.name, before=before, comment=reason)
    return get_host(number)


@transaction.atomic
def remove_host(number: int, *, actor: Actor, reason: str = "") -> Host:
    """Let a host's node key be worth nothing; it is told so, and can only enrol anew.

    Raises:
        UnknownHost: when there is none.
    """
    row = lock_host(number)
    removed, before = get_host(number), _told(row)
    if row.device_id is not None:
        forget_source(device=row.device_id, source=SOURCE, now=time.time())
    row.delete()
    record_entity_change(HOST, str(number), "delete", actor=actor, name=removed.name, before=before, comment=reason)
    return removed


def tell_facts(row: StoredHost, *, now: float) -> bool:
    """Have what a linked host says count for its device; return whether it was taken."""
    facts = msgspec.convert(row.facts, dict[str, Reported])
    if row.device_id is None or not facts:
        return False
    try:
        take_facts(
            device=row.device_id,
            source=SOURCE,
            evidence=Evidence.SELF_REPORTED,
            facts=facts.values(),
            taken_at=max(one.at for one in facts.values()),
            lasts=settings.INSTANCE.configuration.devices.facts_minutes * 60.0,
            now=now,
        )
    except UnusableDevice:
        return False
    return True


def lock_host(number: int) -> StoredHost:
    """Return one host, locked until the transaction ends.

    Raises:
        UnknownHost: when there is none.
    """
    row = StoredHost.objects.select_for_update().filter(pk=number).first()
    if row is None:
        raise unknown_host(number)
    return row


def _told(row: StoredHost) -> dict[str, str | None]:
    return {"identifier": row.identifier, "serial": row.serial, "secret": row.secret, "device": row.device_id}
