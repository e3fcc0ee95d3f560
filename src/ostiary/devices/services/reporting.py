"""Reports of a device's own agent: signed by its key, each good once and in order."""

from datetime import UTC, datetime
from typing import Final

from django.conf import settings
from django.db import transaction

from ostiary.devices.domain.answers import Taken
from ostiary.devices.domain.devices import State
from ostiary.devices.domain.messages import Inventory, Report, read_message
from ostiary.devices.domain.posture import Evidence, SourceFacts
from ostiary.devices.models import StoredDevice
from ostiary.devices.services.freshness import (
    accept_message,
    already_sent,
    fresh_nonce,
    judge_report,
    require_enabled,
)
from ostiary.devices.services.knowing import lock_device, take_word
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
    _refuse_ended(row)
    order = judge_report(message, now=now)
    lasts = settings.INSTANCE.configuration.devices.facts_minutes * 60.0
    facts = {one.name: one for one in message.facts}
    said = SourceFacts(source=SOURCE, evidence=Evidence.SELF_REPORTED, lasts=lasts, facts=facts)
    with transaction.atomic():
        row = lock_device(row.pk)
        _refuse_ended(row)
        if row.reported >= order:
            raise already_sent()
        row.reported, row.seen_at = order, datetime.fromtimestamp(now, UTC)
        take_word(row, said, taken_at=message.taken_at, now=now, also=("reported", "seen_at"))
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
    _refuse_ended(row)
    accept_message(message, now=now)
    return message


def _refuse_ended(row: StoredDevice) -> None:
    if row.state not in {State.ACTIVE, State.QUARANTINED} and (refusal := refusal_of(row)) is not None:
        raise refusal
