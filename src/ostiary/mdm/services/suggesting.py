"""What a person may link at once: pairs that look as if they belonged together. Each is linked by a person, and on record by itself."""

from collections.abc import Sequence

import msgspec
from django.db import transaction

from ostiary.devices.facade import Device, State, list_devices, platform_of
from ostiary.mdm.domain.connections import UnusableLink
from ostiary.mdm.domain.suggesting import Computer, suggest, system_of
from ostiary.mdm.models import StoredRecord
from ostiary.mdm.queries import Kept, get_connection, list_records
from ostiary.mdm.services.linking import link_record
from ostiary.visibility.facade import Actor


class Suggestion(msgspec.Struct, frozen=True, kw_only=True):
    """A record, the device that it is probably about, and why, in words."""

    record: Kept
    device: Device
    why: str


def list_suggestions(connection: str) -> tuple[Suggestion, ...]:
    """Return which records of a connection are probably about which device, by the record's name.

    Each has its owner, its name and its system in common with exactly one device, and no other record of the product has.

    Raises:
        UnknownConnection: when there is none of this name.
    """
    source = get_connection(connection).described.kind.value
    records = {str(one.id): one for one in list_records() if one.source == source and not one.gone}
    taken = set(StoredRecord.objects.filter(source=source).exclude(device=None).values_list("device_id", flat=True))
    devices = {str(one.id): one for one in list_devices() if one.state in {State.ACTIVE, State.QUARANTINED}}
    pairs = suggest(map(_there, records.values()), [_here(one, open_=key not in taken) for key, one in devices.items()])
    return tuple(
        Suggestion(record=records[number], device=devices[device], why=_why(devices[device]))
        for number, device in pairs
        if records[number].connection == connection
    )


@transaction.atomic
def link_suggested(
    connection: str, pairs: Sequence[tuple[int, str]], *, actor: Actor, reason: str = ""
) -> tuple[Kept, ...]:
    """Link pairs that a person chose among those suggested, all of them or none; each is on record.

    Args:
        connection: whose records they are.
        pairs: numbers of records, each with its device's identifier.
        actor: who says so.
        reason: why, for the record.

    Raises:
        UnknownConnection: when there is none of this name.
        UnusableLink: when a pair is not suggested, or not any more; nothing was changed.
        RecordUnavailable: when a change cannot be put on record; nothing was changed.
    """
    suggested = {(one.record.id, str(one.device.id)) for one in list_suggestions(connection)}
    chosen = tuple(dict.fromkeys(pairs))
    if not chosen:
        raise UnusableLink("Nothing was chosen.", hint="Tick what belongs together.")
    over = [pair for pair in chosen if pair not in suggested]
    if over:
        raise UnusableLink(
            f"{len(over)} of the {len(chosen)} pairs are not suggested any more.",
            hint="Look at the list again: something changed meanwhile.",
        )
    return tuple(link_record(number, device=device, actor=actor, reason=reason) for number, device in chosen)


def _there(kept: Kept) -> Computer:
    record = kept.record
    platform = platform_of(system_of(record)) or ""
    is_open = kept.device is None and kept.claims == 1
    return Computer(id=str(kept.id), owner=record.owner, name=record.name, platform=platform, open=is_open)


def _here(device: Device, *, open_: bool) -> Computer:
    platform = platform_of(device.platform) or ""
    return Computer(id=device.id, owner=device.owner, name=device.name, platform=platform, open=open_)


def _why(device: Device) -> str:
    return f"same owner ({device.owner}), same computer name ({device.name}), same system; no other on either side"
