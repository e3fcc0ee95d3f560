"""Reports of a device's own agent: signed by its key, each good once and in order."""

from datetime import UTC, datetime
from typing import Final

from django.conf import settings
from django.db import transaction

from ostiary.devices.domain.answers import Taken
from ostiary.devices.domain.devices import State
from ostiary.devices.domain.messages import Inventory, Report, read_message
from ostiary.devices.domain.nonces import NONCE_SECONDS
from ostiary.devices.domain.posture import Evidence, SourceFacts
from ostiary.devices.models import StoredDevice
from ostiary.devices.services.freshness import (
    already_sent,
    fresh_nonce,
    judge_report,
    require_enabled,
)
from ostiary.devices.services.knowing import lock_device, take_word
from ostiary.devices.services.renewing import refusal_of, sender_of

SOURCE: Final = "agent"
REPORT_SECONDS: Final = 300
"""How often a device reports with which nothing is wrong."""
LATE_SECONDS: Final = REPORT_SECONDS
"""What was looked at so long before it was sent had to wait. How things stand now comes right behind it."""


def take_report(text: str, *, now: float) -> tuple[Report, Taken]:
    """Take what a device's agent says of it; what had to wait until it could be sent only stands in the history.

    How long it waited is told by the sender's own clock, which may be off and is the same at both moments.

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
        heard_at, row.reported, row.seen_at = row.seen_at, order, datetime.fromtimestamp(now, UTC)
        fresh, also = message.at - message.taken_at <= LATE_SECONDS, ("reported", "seen_at")
        take_word(row, said, taken_at=message.taken_at, now=now, counts=fresh, heard_at=heard_at, also=also)
    return message, Taken(next_nonce=fresh_nonce(now=now), now=now, again_in=REPORT_SECONDS)


def accept_inventory(text: str, *, now: float) -> tuple[Inventory, int]:
    """Return what a device says of the list of what is installed on it, and its place among the lists of the device.

    The list itself is another room's. It takes each place once and in order, and otherwise says `already_sent`: so no row is
    kept of each number that a device uses up.

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
    return message, judge_report(message, now=now, seconds=NONCE_SECONDS)


def _refuse_ended(row: StoredDevice) -> None:
    if row.state not in {State.ACTIVE, State.QUARANTINED} and (refusal := refusal_of(row)) is not None:
        raise refusal
