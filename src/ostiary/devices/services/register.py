"""Approving, stopping and ending devices. Each is one transaction, on record, and told to the gateway."""

from datetime import UTC, datetime
from typing import Final

from django.db import transaction

from ostiary.changes import announce_change
from ostiary.devices.domain.devices import (
    HELD,
    MAX_NAME_CHARACTERS,
    Device,
    State,
    UnusableDevice,
    Why,
)
from ostiary.devices.journal import record_change
from ostiary.devices.models import StoredDevice
from ostiary.devices.queries import get_device, unknown_device
from ostiary.devices.services.knowing import forget_posture
from ostiary.devices.services.letters import tell_owner
from ostiary.identity.afresh import begin_afresh
from ostiary.identity.facade import parse_name, revoke_sessions_of
from ostiary.policy.identifiers import PersonId
from ostiary.visibility.domain.events import EntityChange
from ostiary.visibility.facade import Actor

SECTION: Final = "devices"
AFRESH: Final = "devices"
"""What ends with them when somebody begins afresh: all their devices."""


@transaction.atomic
def approve_device(device_id: str, *, actor: Actor, reason: str = "") -> Device:
    """Let a device that waits have certificates.

    Args:
        device_id: which.
        actor: who approves.
        reason: why, for the record.

    Raises:
        UnknownDevice: when there is none with this identifier.
        UnusableDevice: when it does not wait, or nobody answers for it any more.
        RecordUnavailable: when the change cannot be put on record; nothing was changed.
    """
    row, before = _lock(device_id)
    _require(before, State.WAITING, "does not wait to be approved")
    _require_owner(before)
    row.state, row.approved_at, row.approved_by = State.ACTIVE, datetime.now(UTC), actor.label[:254]
    row.save(update_fields=["state", "approved_at", "approved_by"])
    return _changed(device_id, "enable", before, actor=actor, reason=reason)


@transaction.atomic
def deny_device(device_id: str, *, actor: Actor, reason: str = "") -> None:
    """Turn a device away that waits; nothing is left of it but the record. Arguments and errors as for `approve_device`."""
    row, before = _lock(device_id)
    _require(before, State.WAITING, "does not wait to be approved")
    row.delete()
    record_change("delete", actor=actor, before=before, reason=reason)


@transaction.atomic
def quarantine_device(device_id: str, *, actor: Actor, why: Why = Why.BY_HAND, reason: str = "") -> Device:
    """Have a device count as unmanaged at once, until it is released. Arguments and errors as for `approve_device`."""
    row, before = _lock(device_id)
    _require(before, State.ACTIVE, "is not active")
    row.state, row.why = State.QUARANTINED, why
    row.save(update_fields=["state", "why"])
    if why is Why.KEY_USED_TWICE:
        tell_owner(get_device(device_id), "quarantined")
    return _changed(device_id, "disable", before, actor=actor, reason=reason, takes_away=True)


@transaction.atomic
def release_device(device_id: str, *, actor: Actor, reason: str = "") -> Device:
    """Let a device out of quarantine. Arguments and errors as for `approve_device`."""
    row, before = _lock(device_id)
    _require(before, State.QUARANTINED, "is not in quarantine")
    _require_owner(before)
    row.state, row.why, row.newest, row.strays, row.strayed_at = State.ACTIVE, "", "", 0, None
    row.save(update_fields=["state", "why", "newest", "strays", "strayed_at"])
    announce_change("postures", takes_away=False)
    announce_change("compliance", takes_away=False)
    return _changed(device_id, "enable", before, actor=actor, reason=reason)


@transaction.atomic
def report_lost(device_id: str, *, actor: Actor, reason: str = "", sign_out: bool = True) -> Device:
    """End a device that somebody else may hold: its certificates, what is bound to it, and all that it may hold in its owner's name.

    Args:
        device_id: which.
        actor: who says so.
        reason: why, for the record.
        sign_out: whether its owner is signed out everywhere and begins without access tokens, elevation and emergency access:
            what was signed in on it before it was enrolled, and the scripts on it, are not bound to it. Other devices go on.

    Raises:
        UnknownDevice: when there is none with this identifier.
        UnusableDevice: when it has ended already.
        NotAllowed: when it is an administrator's and the actor is none.
    """
    device = _end(device_id, State.LOST, actor=actor, reason=reason)
    if sign_out:
        revoke_sessions_of(person_id=device.owner_id, reason="device_lost", actor=actor)
        begin_afresh(device.owner_id, actor=actor, reason=f"{device.name} is lost", keeps=frozenset({AFRESH}))
    return device


@transaction.atomic
def retire_device(device_id: str, *, actor: Actor, reason: str = "") -> Device:
    """End a device that is not used any more, and forget its state. Arguments and errors as for `report_lost`.

    Of a lost device it is kept: whether its disk was encrypted is what everybody asks then.
    """
    return _end(device_id, State.RETIRED, actor=actor, reason=reason)


@transaction.atomic
def give_up_device(device_id: str, *, actor: Actor, reason: str = "") -> Device:
    """End a device as whoever has it does: not one in quarantine, of which something is to be found out first.

    Arguments and errors as for `retire_device`.
    """
    _row, before = _lock(device_id)
    if before.state is State.QUARANTINED:
        raise UnusableDevice(f"{before.name} is in quarantine.", hint="Ask an administrator to release or retire it.")
    return retire_device(device_id, actor=actor, reason=reason)


@transaction.atomic
def rename_device(device_id: str, name: str, *, actor: Actor) -> Device:
    """Call a device something else.

    Raises:
        UnknownDevice: when there is none with this identifier.
        UnacceptableText, UnusableDevice: when it cannot be called so.
    """
    row, before = _lock(device_id)
    row.name = parse_name(name, what="device's name", limit=MAX_NAME_CHARACTERS)
    if not row.name:
        raise UnusableDevice("A device needs a name.", hint="Say what its owner calls it.")
    row.save(update_fields=["name"])
    return _changed(device_id, "update", before, actor=actor, reason="")


def devices_held_by(owner: PersonId) -> tuple[str, ...]:
    """Return the identifiers of all that somebody answers for and that has not ended."""
    return tuple(StoredDevice.objects.filter(owner_id=owner, state__in=HELD).values_list("pk", flat=True))


def _end(device_id: str, state: State, *, actor: Actor, reason: str) -> Device:
    row, before = _lock(device_id)
    if before.state not in HELD:
        raise UnusableDevice(f"{before.name} is {before.state.value} already.")
    row.state, row.why = state, ""
    row.save(update_fields=["state", "why"])
    row.certificates.all().delete()
    row.given.all().delete()
    if state is State.RETIRED:
        forget_posture(row)
    return _changed(device_id, "disable", before, actor=actor, reason=reason, takes_away=True)


def _lock(device_id: str) -> tuple[StoredDevice, Device]:
    """Return one device, locked until the transaction ends, and how it stands.

    Raises:
        UnknownDevice: when there is none with this identifier.
    """
    get_device(device_id)
    row = StoredDevice.objects.select_for_update().filter(pk=device_id).first()
    if row is None:
        raise unknown_device(device_id)
    return row, get_device(device_id)


def _require(device: Device, state: State, words: str) -> None:
    if device.state is not state:
        raise UnusableDevice(f"{device.name} {words}: it is {device.state.value}.", hint="See: ostiary device list")


def _require_owner(device: Device) -> None:
    if device.owner_gone:
        raise UnusableDevice(
            f"{device.owner}, who answers for {device.name}, cannot sign in.",
            hint="Retire it, and let whoever uses it now enrol it.",
        )


def _changed(
    device_id: str, change: EntityChange, before: Device, *, actor: Actor, reason: str, takes_away: bool = False
) -> Device:
    after = get_device(device_id)
    announce_change(SECTION, takes_away=takes_away)
    record_change(change, actor=actor, before=before, after=after, reason=reason)
    return after
