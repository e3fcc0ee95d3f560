"""Reports of a device's own agent: signed by its key, each good once and in order."""

from datetime import UTC, datetime
from typing import Final

from django.conf import settings
from django.db import transaction

from ostiary.devices.domain.answers import Taken
from ostiary.devices.domain.devices import State
from ostiary.devices.domain.messages import Inventory, Report, read_message
from ostiary.devices.domain.posture import Evidence
from ostiary.devices.models import StoredDevice
from ostiary.devices.services.freshness import (
    accept_message,
    already_sent,
    fresh_nonce,
    judge_report,
    require_enabled,
)
from ostiary.devices.services.knowing import take_facts
from ostiary.devices.services.renewing import refusal_of, sender_of

SOURCE: Final = "agent"
REPORT_SECONDS: Final = 300


def take_report(text: str, *, now: float) -> tuple[Report, Taken]:
    """Take what a device's agent says of it.

    Args:
        text: the signed `Report`.
        now: seconds since the epoch.

    Returns:
        What it said, and the answer as far as this room knows it.

    Raises:
        UnreadableMessage: when it is no such message.
        AgentRefused: when the device is not known, waits or has ended, or its message is stale or was taken before.
    """
    require_enabled()
    message, received = read_message(text, Report)
    row = sender_of(message, received)
    if row.state not in {State.ACTIVE, State.QUARANTINED} and (refusal := refusal_of(row)) is not None:
        raise refusal
    order = judge_report(message, now=now)
    lasts = settings.INSTANCE.configuration.devices.facts_minutes * 60.0
    with transaction.atomic():
        newer = StoredDevice.objects.filter(pk=row.pk, reported__lt=order)
        if not newer.update(reported=order, seen_at=datetime.fromtimestamp(now, UTC)):
            raise already_sent()
        take_facts(
            device=row.id,
            source=SOURCE,
            evidence=Evidence.SELF_REPORTED,
            facts=message.facts,
            taken_at=message.taken_at,
            lasts=lasts,
            now=now,
        )
    return message, Taken(next_nonce=fresh_nonce(now=now), now=now, again_in=REPORT_SECONDS)


def accept_inventory(text: str, *, now: float) -> Inventory:
    """Return what a device says of the list of what is installed on it, once; the list itself is another room's.

    Args:
        text: the signed `Inventory`.
        now: seconds since the epoch.

    Raises:
        UnreadableMessage: when it is no such message.
        AgentRefused: as `take_report`.
    """
    require_enabled()
    message, received = read_message(text, Inventory)
    row = sender_of(message, received)
    if row.state not in {State.ACTIVE, State.QUARANTINED} and (refusal := refusal_of(row)) is not None:
        raise refusal
    accept_message(message, now=now)
    return message
