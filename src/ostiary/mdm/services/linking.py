"""Saying which device a record is about. Each change is one transaction, on record.

What a record says counts as management's word, so a person says whose it is; a name or number that a device could claim does not.
"""

import time
from datetime import UTC, datetime

from django.db import transaction

from ostiary.devices.facade import Evidence, Reported, State, UnusableDevice, forget_source, get_device, take_facts
from ostiary.mdm.domain.connections import LASTS_SECONDS, UnknownRecord, UnusableLink
from ostiary.mdm.journal import LINK
from ostiary.mdm.models import StoredRecord
from ostiary.mdm.queries import Kept, get_record, to_record
from ostiary.visibility.facade import Actor, record_entity_change


@transaction.atomic
def link_record(number: int, *, device: str, actor: Actor, reason: str = "") -> Kept:
    """Say that a record is about a device; from now on what it says counts for it.

    Args:
        number: of the record.
        device: the device's identifier.
        actor: who says so.
        reason: why, for the record.

    Raises:
        UnknownRecord, UnknownDevice: when there is none.
        UnusableLink: when one of them is linked already, or the device is not in use.
        RecordUnavailable: when the change cannot be put on record; nothing was changed.
    """
    row, ours = lock_record(number), get_device(device)
    if ours.state not in {State.ACTIVE, State.QUARANTINED}:
        raise UnusableLink(f"{ours.name} is {ours.state.value}.", hint="Link the record with a device in use.")
    if row.device_id is not None:
        raise UnusableLink("The record is linked already.", hint="Unlink it first.")
    other = StoredRecord.objects.filter(device_id=ours.id, source=row.source).first()
    if other is not None:
        raise UnusableLink(
            f"{ours.name} is linked already, with {other.name or other.there} at {other.connection_id}.",
            hint="Unlink that one first: a device has one record of each kind.",
        )
    row.device_id, row.linked_at, row.linked_by = ours.id, datetime.now(UTC), actor.label[:254]
    row.save(update_fields=["device", "linked_at", "linked_by"])
    tell_facts(row, now=time.time())
    record_entity_change(LINK, ours.id, "create", actor=actor, name=ours.name, after=_told(row), comment=reason)
    return get_record(number)


@transaction.atomic
def unlink_record(number: int, *, actor: Actor, reason: str = "") -> Kept:
    """Take back that a record is about a device; what it said is forgotten of the device.

    Raises:
        UnknownRecord: when there is none.
        UnusableLink: when it is not linked.
    """
    row = lock_record(number)
    if row.device_id is None:
        raise UnusableLink("The record is not linked with a device.")
    take_apart(row, actor=actor, reason=reason)
    return get_record(number)


def take_apart(row: StoredRecord, *, actor: Actor, reason: str) -> None:
    """Unlink a record that is linked and locked, within a transaction."""
    ours = get_device(str(row.device_id))
    told = _told(row)
    row.device_id, row.linked_at, row.linked_by = None, None, ""
    row.save(update_fields=["device", "linked_at", "linked_by"])
    forget_source(device=ours.id, source=row.source, now=time.time())
    record_entity_change(LINK, ours.id, "delete", actor=actor, name=ours.name, before=told, comment=reason)


def tell_facts(row: StoredRecord, *, now: float) -> bool:
    """Have what a linked record says count for its device, from when the vendor heard of it; return whether it was taken.

    A record that does not say when, or says a moment to come, says nothing.
    """
    record = to_record(row)
    if row.device_id is None or record.synced_at is None or record.synced_at > now:
        return False
    evidence = Evidence.MDM_REPORTED if record.managed else Evidence.SELF_REPORTED
    facts = [Reported(name=name, value=value, at=record.synced_at) for name, value in record.facts.items()]
    try:
        take_facts(
            device=row.device_id,
            source=row.source,
            evidence=evidence,
            facts=facts,
            taken_at=record.synced_at,
            lasts=LASTS_SECONDS,
            now=now,
        )
    except UnusableDevice:
        return False
    return True


def lock_record(number: int) -> StoredRecord:
    """Return one record, locked until the transaction ends.

    Raises:
        UnknownRecord: when there is none.
    """
    row = StoredRecord.objects.select_for_update().filter(pk=number).first()
    if row is None:
        raise UnknownRecord(f"There is no record {number}.", hint="See: ostiary mdm records NAME")
    return row


def _told(row: StoredRecord) -> dict[str, str | None]:
    return {
        "connection": row.connection_id,
        "record": row.there,
        "name": row.name,
        "serial": row.serial,
        "device": row.device_id,
    }
