"""Certificates for devices that prove their key, for as long as they may have one; and a device that gives itself up.

A copied key shows: whoever renews says which certificate they hold, and two who renew with one key soon hold different ones.
A lost answer looks the same, so it takes a few within two weeks before the device is put in quarantine.
"""

from datetime import UTC, datetime, timedelta
from typing import Final

import msgspec
import structlog
from django.conf import settings
from django.db import transaction

from ostiary.changes import announce_change
from ostiary.devices.adapters.authority import UnusableAuthority, sign_device
from ostiary.devices.domain.answers import AgentRefused, Certified, Code, Left
from ostiary.devices.domain.certificates import SHOWN_DAYS, fingerprint_of
from ostiary.devices.domain.devices import State, UnknownDevice, UnusableDevice, Why
from ostiary.devices.domain.keys import Jwk, public_key
from ostiary.devices.domain.messages import (
    Inventory,
    Leave,
    Quote,
    Received,
    Renew,
    Report,
    UnreadableMessage,
    check_signature,
    read_message,
)
from ostiary.devices.models import DeviceCertificate, GivenCertificate, GivenSection, StoredDevice
from ostiary.devices.services.freshness import accept_message, require_enabled
from ostiary.devices.services.register import SECTION, give_up_device, quarantine_device
from ostiary.policy.given import GivenCertificates
from ostiary.visibility.facade import Actor, record_entity_change

MAX_LIVING: Final = 10
"""How many certificates of one device may be good at once: nobody has facts published without end."""
SECTION_SECONDS: Final = 3600.0
MAX_STRAYS: Final = 3
STRAYS_COUNT_FOR: Final = timedelta(days=14)
CERTIFICATE: Final = "device certificate"
_WATCH: Final = Actor(kind="system", id="watch_devices", label="Ostiary")

log = structlog.get_logger(__name__)


def renew_certificate(text: str, *, address: str, now: float) -> Certified:
    """Give a device a certificate.

    Args:
        text: the signed `Renew`.
        address: where it asks from.
        now: seconds since the epoch.

    Raises:
        UnreadableMessage: when it is no such message.
        AgentRefused: when the device is not known, its message is stale, or it may have none as it stands.
        RecordUnavailable: when it cannot be put on record; no certificate was given.
    """
    require_enabled()
    message, received = read_message(text, Renew)
    _prove(message, received, now=now)
    answer = _renew(message, address=address, now=now)
    if isinstance(answer, AgentRefused):
        raise answer
    return answer


def leave(text: str, *, address: str, now: float) -> Left:
    """Retire a device that says so itself; not in quarantine. Arguments and errors as for `renew_certificate`."""
    require_enabled()
    message, received = read_message(text, Leave)
    row = _prove(message, received, now=now)
    try:
        give_up_device(row.id, actor=agent_on(row, address), reason="given up on the device itself")
    except UnknownDevice:
        pass
    except UnusableDevice:
        row.refresh_from_db()
        if row.state == State.QUARANTINED and (refusal := refusal_of(row)) is not None:
            raise refusal from None
    return Left(device=message.device)


def forget_old_certificates(*, now: float) -> int:
    """Delete certificates that have run out, and what nobody may show any more; return how many that were."""
    moment = datetime.fromtimestamp(now, UTC)
    forgotten = GivenCertificate.objects.filter(begins_at__lte=moment - timedelta(days=SHOWN_DAYS)).delete()[0]
    make_given_section(now=now)
    return forgotten + DeviceCertificate.objects.filter(ends_at__lte=moment).delete()[0]


def make_given_section(*, now: float, anew: bool = False) -> bool:
    """Make section `given` from the certificates that were given lately, once an hour: what is new in it is good for longer by itself.

    Args:
        now: seconds since the epoch.
        anew: whether to do so in any case.

    Returns:
        Whether it is another than before.
    """
    before = GivenSection.objects.first()
    if before is not None and not anew and 0.0 <= now - before.made_at < SECTION_SECONDS:
        return False
    rows = GivenCertificate.objects.order_by().values_list("fingerprint", "device_id")
    content = msgspec.msgpack.encode(GivenCertificates.of(rows.iterator(chunk_size=5000)))
    with transaction.atomic():
        GivenSection.objects.all().delete()
        GivenSection.objects.create(content=content, made_at=now)
        changed = before is None or bytes(before.content) != content
        if changed:
            announce_change("given", takes_away=False)
    return changed


def sender_of(message: Renew | Leave | Report | Quote | Inventory, received: Received) -> StoredDevice:
    """Return the device whose own key made a message.

    Raises:
        AgentRefused: for any other; what does not prove it learns nothing of it.
    """
    row = StoredDevice.objects.filter(pk=message.device).first() if "\x00" not in message.device else None
    try:
        if row is None:
            raise UnreadableMessage("There is no such device.")
        check_signature(received, public_key(msgspec.convert(row.key, Jwk)))
    except UnreadableMessage:
        raise _unknown() from None
    return row


def _prove(message: Renew | Leave, received: Received, *, now: float) -> StoredDevice:
    """Return the device whose own key made the message, just now."""
    row = sender_of(message, received)
    accept_message(message, now=now)
    return row


@transaction.atomic
def _renew(message: Renew, *, address: str, now: float) -> Certified | AgentRefused:
    """Return a certificate, or why there is none; a refusal may have changed something, so it is not raised here."""
    rows = StoredDevice.objects.select_for_update(of=("self",)).select_related("owner")
    row = rows.filter(pk=message.device).first()
    if row is None:
        return _unknown()
    if (refusal := refusal_of(row)) is not None:
        return refusal
    moment = datetime.fromtimestamp(now, UTC)
    row.certificates.filter(ends_at__lte=moment).delete()
    if row.newest and message.holds != row.newest:
        if _strays_again(row, moment):
            quarantine_device(row.id, actor=_WATCH, why=Why.KEY_USED_TWICE, reason="its key seems to be in use twice")
            return AgentRefused(
                Code.QUARANTINED,
                "The key of this device seems to be in use on another one.",
                hint="Ask an administrator.",
            )
        row.save(update_fields=["strays", "strayed_at"])
    if row.certificates.count() >= MAX_LIVING:
        return AgentRefused(
            Code.SLOW_DOWN, f"This device was given {MAX_LIVING} certificates today.", hint="Try again tomorrow."
        )
    try:
        leaf, chain = sign_device(
            settings.INSTANCE, public_key(msgspec.convert(row.key, Jwk)), device=row.id, now=moment
        )
    except UnusableAuthority as error:
        log.error("device_not_certified", device=row.id, error=str(error))
        return AgentRefused(Code.UNAVAILABLE, "No certificates can be made at the moment.", hint="Try again later.")
    fingerprint = fingerprint_of(leaf)
    row.certificates.create(
        fingerprint=fingerprint,
        serial=f"{leaf.serial_number:x}",
        begins_at=leaf.not_valid_before_utc,
        ends_at=leaf.not_valid_after_utc,
    )
    row.given.create(fingerprint=fingerprint, begins_at=leaf.not_valid_before_utc)
    row.newest, row.generation, row.seen_at = fingerprint, row.generation + 1, moment
    row.save(update_fields=["newest", "generation", "seen_at"])
    announce_change(SECTION, takes_away=False)
    told = {"device": row.id, "serial": f"{leaf.serial_number:x}", "ends_at": leaf.not_valid_after_utc.timestamp()}
    record_entity_change(CERTIFICATE, fingerprint, "create", actor=agent_on(row, address), name=row.name, after=told)
    ends_at = leaf.not_valid_after_utc.timestamp()
    return Certified(
        device=row.id,
        name=row.name,
        owner=row.owner.email,
        chain=chain,
        ends_at=ends_at,
        key_protection=row.key_protection,
    )


def _unknown() -> AgentRefused:
    return AgentRefused(Code.UNKNOWN, "This device is not enrolled here.", hint="Enrol it: ostiary-agent enrol ADDRESS")


def refusal_of(row: StoredDevice) -> AgentRefused | None:
    """Return why a device gets no certificate as it stands; `None` where it gets one."""
    match State(row.state):
        case State.WAITING:
            return AgentRefused(
                Code.WAITING, "An administrator has yet to approve this device.", hint="It goes on by itself."
            )
        case State.QUARANTINED:
            return AgentRefused(Code.QUARANTINED, "This device is in quarantine.", hint="Ask an administrator.")
        case State.LOST | State.RETIRED:
            return AgentRefused(
                Code.ENDED,
                f"This device is {row.state} and stays so.",
                hint="Enrol it anew: ostiary-agent leave, then ostiary-agent enrol ADDRESS",
            )
        case State.ACTIVE if not row.owner.may_sign_in:
            return AgentRefused(Code.OWNER_GONE, "Whoever this device belongs to cannot sign in.")
    return None


def _strays_again(row: StoredDevice, now: datetime) -> bool:
    """Count one more that came with another certificate than the newest; return whether that is too often."""
    if row.strayed_at is None or now - row.strayed_at > STRAYS_COUNT_FOR:
        row.strays, row.strayed_at = 0, now
    row.strays += 1
    return row.strays >= MAX_STRAYS


def agent_on(row: StoredDevice, address: str) -> Actor:
    """Return who acts when a device does something for itself."""
    return Actor(kind="system", id=row.id, label=f"the agent on {row.name}", address=address or None)
