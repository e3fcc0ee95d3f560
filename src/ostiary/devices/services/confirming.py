"""The person's side of an enrolment: they type the code, see what asks and from where, and say yes or no.

Somebody may have talked them into it (RFC 8628, section 5.4). So the code is typed and never part of an address, a fresh
proof is asked for, and a yes suffices only where the instance lets people approve, the computer asks from the network that
the person is on, and none of theirs is in quarantine, which may be this one; otherwise an administrator has the last word. The owner is told by mail either way.
"""

import hashlib
import secrets
import time
from datetime import UTC, datetime
from typing import Final

import msgspec
from django.conf import settings
from django.db import transaction

from ostiary.changes import announce_change
from ostiary.devices.domain.devices import (
    Device,
    State,
    UnknownCode,
    UnusableDevice,
    device_id,
    read_code,
    shown_code,
    shown_key,
)
from ostiary.devices.journal import ENROLMENT, record_change
from ostiary.devices.models import Enrolment, StoredDevice
from ostiary.devices.queries import count_held, get_device
from ostiary.devices.services.doubts import list_doubts
from ostiary.devices.services.letters import tell_owner
from ostiary.devices.services.tpm import keep_tpm
from ostiary.devices.services.waiting import ENROL_SECONDS
from ostiary.identity.domain.limits import Limit, network_of
from ostiary.identity.facade import TooManyAttempts
from ostiary.identity.limits import attempt
from ostiary.identity.services.guards import lock_person
from ostiary.policy.identifiers import PersonId
from ostiary.visibility.facade import Actor, record_entity_change

SECTION: Final = "devices"
WRONG_CODES: Final = 10
WRONG_CODES_SECONDS: Final = 900


class Asking(msgspec.Struct, frozen=True, kw_only=True):
    """A computer that waits, as the person who typed its code sees it.

    Args:
        code: as it stands on its screen.
        key: the part of its key that stands there too.
        thumbprint: of its key.
        address: where it asks from; empty where that is not known.
        elsewhere: whether the person is on another network, as far as can be told.
        asked_at: seconds since the epoch.
        doubted: whether it may be one that is kept out already, under another name.
        suffices: whether the person's yes lets it in without an administrator.
    """

    code: str
    name: str
    platform: str
    key_protection: str
    key: str
    thumbprint: str
    address: str
    elsewhere: bool
    asked_at: float
    doubted: bool
    suffices: bool


def look_at_enrolment(typed: str, *, person_id: PersonId, address: str) -> Asking:
    """Return what waits under a code. Guesses are counted.

    Args:
        typed: what the person typed.
        person_id: who.
        address: where they are.

    Raises:
        UnknownCode: when nothing does, or this person guessed too often.
    """
    digest = hashlib.sha256(f"device-code\x1f{person_id}".encode()).hexdigest()
    try:
        with attempt([Limit(digest, WRONG_CODES, WRONG_CODES_SECONDS)]) as tried:
            row = _waiting(read_code(typed))
            tried.succeeded()
    except TooManyAttempts:
        raise UnknownCode("Too many codes were wrong.", hint="Wait 15 minutes.") from None
    return _seen(row, person_id, address)


@transaction.atomic
def confirm_enrolment(code: str, thumbprint: str, *, person_id: PersonId, address: str, actor: Actor) -> Device:
    """Enrol the computer that waits under a code as somebody's device.

    Args:
        code: which.
        thumbprint: of the key of the computer that the person saw.
        person_id: whose device it is from now on.
        address: where they are.
        actor: who confirms: they themselves.

    Raises:
        UnknownCode: when it does not wait any more.
        UnusableDevice: when they have as many as they may, or cannot sign in.
        RecordUnavailable: when it cannot be put on record; nothing was changed.
    """
    person, now = lock_person(person_id), time.time()
    row = _waiting(read_code(code), lock=True)
    if row.thumbprint != thumbprint:
        raise _unknown()
    if not person.may_sign_in:
        raise UnusableDevice("Whoever cannot sign in has no devices.")
    limit = settings.INSTANCE.configuration.devices.max_per_person
    if count_held(person_id) >= limit:
        raise UnusableDevice(f"You have {limit} devices already.", hint="Give up one that you do not use any more.")
    seen, moment = _seen(row, person_id, address), datetime.fromtimestamp(now, UTC)
    made = StoredDevice.objects.create(
        id=device_id(secrets.choice),
        name=row.name,
        platform=row.platform,
        owner=person,
        state=State.ACTIVE if seen.suffices else State.WAITING,
        key=row.key,
        thumbprint=row.thumbprint,
        key_protection=row.key_protection,
        asked_from=row.address,
        confirmed_from=address,
        enrolled_at=moment,
        approved_at=moment if seen.suffices else None,
        approved_by=actor.label[:254] if seen.suffices else "",
    )
    keep_tpm(made, row.tpm)
    row.device, row.ends_at = made, datetime.fromtimestamp(now + ENROL_SECONDS, UTC)
    row.save(update_fields=["device", "ends_at"])
    device = get_device(made.id)
    announce_change(SECTION, takes_away=False)
    tell_owner(device, "enrolled")
    record_change("create", actor=actor, after=device)
    return device


@transaction.atomic
def refuse_enrolment(code: str, thumbprint: str, *, actor: Actor) -> None:
    """Say no to the computer that waits under a code. Arguments and errors as for `confirm_enrolment`."""
    row = _waiting(read_code(code), lock=True)
    if row.thumbprint != thumbprint:
        raise _unknown()
    row.refused = True
    row.save(update_fields=["refused"])
    told = {"name": row.name, "platform": row.platform, "key": row.thumbprint, "asked_from": row.address or None}
    record_entity_change(
        ENROLMENT, row.thumbprint, "delete", actor=actor, name=row.name, before=told, comment="refused"
    )


def confirmed_elsewhere(device: Device) -> bool:
    """Tell whether whoever confirmed a device was on another network than it, as far as can be told."""
    return not _same_network(device.asked_from, device.confirmed_from)


def _same_network(one: str, other: str) -> bool:
    return bool(one and other) and network_of(one) == network_of(other)


def _waiting(code: str, *, lock: bool = False) -> Enrolment:
    rows = Enrolment.objects.select_for_update() if lock else Enrolment.objects.all()
    row = rows.filter(user_code=code, ends_at__gt=datetime.now(UTC), refused=False, proven=True, device_id=None).first()
    if row is None:
        raise _unknown()
    return row


def _unknown() -> UnknownCode:
    return UnknownCode("No computer waits under this code.", hint="Look at its screen again, or start again there.")


def _seen(row: Enrolment, person_id: PersonId, address: str) -> Asking:
    same = _same_network(row.address, address)
    doubted = bool(list_doubts(person_id, row.tpm["endorsement"] if row.tpm else ""))
    return Asking(
        code=shown_code(row.user_code),
        name=row.name,
        platform=row.platform,
        key_protection=row.key_protection,
        key=shown_key(row.thumbprint),
        thumbprint=row.thumbprint,
        address=row.address,
        elsewhere=not same,
        asked_at=row.asked_at.timestamp(),
        doubted=doubted,
        suffices=same and not doubted and settings.INSTANCE.configuration.devices.approval == "person",
    )
