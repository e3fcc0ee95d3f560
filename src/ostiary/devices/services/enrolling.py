"""The computer's side of an enrolment: it asks, is given a code for a person to type, and asks what became of it.

Whoever asks has proved nothing but a key, so what may wait is bounded, in all and by network: where all the room is taken, whoever
came first from the network that takes most of it makes way. Who says yes is in `confirming`.
Source: RFC 8628, sections 3.1 to 3.5 and 5.
"""

import secrets
from datetime import UTC, datetime
from typing import Final

import msgspec
from django.db import IntegrityError, transaction
from django.db.models import Count, Min, QuerySet

from ostiary.devices.domain.answers import AgentRefused, Code, Polled, Started
from ostiary.devices.domain.devices import (
    MAX_NAME_CHARACTERS,
    MAX_PLATFORM_CHARACTERS,
    user_code,
)
from ostiary.devices.domain.keys import Jwk, public_key, thumbprint_of
from ostiary.devices.domain.messages import Enrol, Poll, check_signature, read_message
from ostiary.devices.models import Enrolment, StoredDevice
from ostiary.devices.services.freshness import accept_message, judge_message, require_enabled
from ostiary.devices.services.tpm import UNPROVEN, open_challenge, require_taken
from ostiary.devices.services.waiting import ENROL_SECONDS, INTERVAL_SECONDS, digest_of, shown_start
from ostiary.identity.domain.limits import network_of
from ostiary.identity.facade import parse_name

MAX_WAITING: Final = 100
MAX_WAITING_OF_NETWORK: Final = 10


def start_enrolment(text: str, *, address: str, now: float) -> Started:
    """Have a computer wait for a person who confirms it.

    Args:
        text: the signed `Enrol`. A replay finds its key known.
        address: where it was asked from.
        now: seconds since the epoch.

    Raises:
        UnreadableMessage, UnusableDeviceKey, UnacceptableText, UnreadableTpm, UnprovenTpm: when it cannot be used.
        AgentRefused: when devices are switched off, the message is stale, its key is known or not taken, or too many wait.
    """
    require_enabled()
    message, received = read_message(text, Enrol)
    check_signature(received, public_key(message.key))
    judge_message(message, now=now)
    name = parse_name(message.name, what="device's name", limit=MAX_NAME_CHARACTERS)
    platform = parse_name(message.platform, what="platform", limit=MAX_PLATFORM_CHARACTERS)
    if not name or not platform:
        raise AgentRefused(Code.INVALID, "A device says its name and its platform.")
    thumbprint, network = thumbprint_of(message.key), network_of(address)
    _require_admissible(thumbprint, network=network, now=now)
    claimed = require_taken(message, now=now)
    opened = open_challenge(claimed) if claimed is not None else None
    code = secrets.token_urlsafe(32)
    try:
        with transaction.atomic():
            forget_old_enrolments(now=now)
            _require_admissible(thumbprint, network=network, now=now)
            row = _admit(message.key, thumbprint, network=network, now=now)
            row.digest, row.name, row.platform = digest_of(code), name, platform
            row.tpm, row.proven = opened.kept if opened is not None else None, opened is None
            row.key_protection, row.address = UNPROVEN if opened is not None else message.key_protection, address
            row.save(force_insert=True)
    except IntegrityError:
        raise _known() from None
    return shown_start(code, row.user_code, challenge=opened.challenge if opened is not None else None)


def poll_enrolment(text: str, *, now: float) -> Polled:
    """Tell a computer what became of its enrolment.

    Args:
        text: the signed `Poll`.
        now: seconds since the epoch.

    Raises:
        UnreadableMessage: when it cannot be used.
        AgentRefused: when nothing waits under its code any more, it asks too often, or the message is stale.
    """
    require_enabled()
    message, received = read_message(text, Poll)
    rows = Enrolment.objects.filter(pk=digest_of(message.device_code), ends_at__gt=_moment(now))
    row = rows.select_related("device__owner").first()
    if row is None:
        raise AgentRefused(Code.EXPIRED, "Nobody confirmed this computer in time.", hint="Start again.")
    check_signature(received, public_key(msgspec.convert(row.key, Jwk)))
    if row.polled_at is not None and now - row.polled_at.timestamp() < INTERVAL_SECONDS / 2:
        raise AgentRefused(Code.SLOW_DOWN, "This is asked too often.")
    accept_message(message, now=now)
    Enrolment.objects.filter(pk=row.pk).update(polled_at=_moment(now))
    if row.refused:
        return Polled(status="denied")
    if row.device is None:
        return Polled(status="pending")
    device = row.device
    return Polled(status="enrolled", device=device.id, name=device.name, owner=device.owner.email, state=device.state)


def forget_old_enrolments(*, now: float) -> int:
    """Delete what nobody confirmed in time, and return how many that were."""
    return Enrolment.objects.filter(ends_at__lte=_moment(now)).delete()[0]


def _require_admissible(thumbprint: str, *, network: str, now: float) -> None:
    """Refuse what is not let in whatever it brings: first before anything dear is looked at, and again where it is let in.

    Raises:
        AgentRefused: when the key was used before, or too many wait from there.
    """
    waiting = Enrolment.objects.filter(ends_at__gt=_moment(now))
    if StoredDevice.objects.filter(thumbprint=thumbprint).exists() or waiting.filter(thumbprint=thumbprint).exists():
        raise _known()
    if waiting.filter(device=None, network=network).count() >= MAX_WAITING_OF_NETWORK:
        raise AgentRefused(
            Code.TOO_MANY,
            "Too many computers wait to be enrolled.",
            hint=f"Try again in {ENROL_SECONDS // 60} minutes.",
        )


def _admit(key: Jwk, thumbprint: str, *, network: str, now: float) -> Enrolment:
    """Return a row for one more that waits; whoever waits longest makes way where all the room is taken."""
    waiting = Enrolment.objects.filter(device=None)
    if waiting.count() >= MAX_WAITING:
        _make_room(waiting)
    return Enrolment(
        user_code=user_code(secrets.choice),
        key=msgspec.to_builtins(key),
        thumbprint=thumbprint,
        network=network,
        asked_at=_moment(now),
        ends_at=_moment(now + ENROL_SECONDS),
    )


def _make_room(waiting: QuerySet[Enrolment]) -> None:
    """Turn away whoever waits longest in the network of which most wait: nobody's crowd shuts the others out."""
    taken = waiting.values("network").annotate(held=Count("pk"), since=Min("asked_at"))
    greediest = taken.order_by("-held", "since")[0]["network"]
    waiting.filter(network=greediest).order_by("asked_at", "pk")[0].delete()


def _known() -> AgentRefused:
    return AgentRefused(Code.KEY_KNOWN, "This key was used before.", hint="Start again: another key is made.")


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
