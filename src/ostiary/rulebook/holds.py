"""The end of a trial: held rules are confirmed, or the rules before come back. Each is one transaction, on record.

Whatever process dies at whatever moment, either the trial goes on or the rules before are in force: there is nothing in
between, and the worker and the next start look again.
"""

import time
from datetime import UTC, datetime
from typing import Final

from django.db import transaction

from ostiary.rulebook.domain import AppliedRules
from ostiary.rulebook.lifecycle import Hold, HoldOutcome, NotConfirmed, NothingHeld, NotYours
from ostiary.rulebook.models import HoldRow
from ostiary.rulebook.queries import UnknownRules, get_applied, get_current, get_hold
from ostiary.rulebook.services import put_in_force, take_turns
from ostiary.visibility.facade import Actor, record_entity_change

OSTIARY: Final = Actor(kind="system", id="rules-roll-back", label="Ostiary")
_FIRST_SEEN: Final[dict[tuple[int, float], float]] = {}
"""When this process first saw the present trial, by a clock that is never put back; the worker looks each second."""


def may_confirm(hold: Hold, actor: Actor) -> bool:
    """Say whether this actor may confirm: whoever made the change, or a command on the machine itself.

    What was made on the machine may also be confirmed by an administrator, whose request then came through the gateway.
    """
    return actor.kind == "machine" or hold.actor_kind == "machine" or actor.id == hold.actor_id


def confirm_hold(*, number: int, actor: Actor, proved: bool) -> AppliedRules:
    """Let held rules stay.

    Args:
        number: of the rules that are meant, so that nobody confirms others than they saw.
        actor: who confirms.
        proved: whether the confirmation itself shows that they are not shut out: a new request through the gateway
            that these rules let in, or a command on the machine itself.

    Returns:
        The rules, which now stay.

    Raises:
        NothingHeld: when these rules are not held, or the time is up.
        NotYours: when somebody else must confirm.
        NotConfirmed: when it proves nothing.
        RecordUnavailable: when it cannot be put on record; nothing was changed.
    """
    with transaction.atomic():
        take_turns()
        now, hold = time.time(), _open_hold(number)
        if hold.is_due(now):
            raise NothingHeld(f"The time to confirm rules number {number} is up; the rules before come back.")
        if not may_confirm(hold, actor):
            raise NotYours(
                f"Rules number {number} must be confirmed by {hold.actor}, who would be shut out if they are wrong.",
                hint="Or on the machine itself: ostiary rules confirm",
            )
        if not proved:
            raise NotConfirmed(
                "These rules would not let you in, so they cannot be confirmed from here.",
                hint="They roll back by themselves. To keep them all the same: ostiary rules confirm, on the machine.",
            )
        _end(hold, HoldOutcome.CONFIRMED, actor, "confirmed from a fresh request", now)
        return get_current()


def roll_back(*, number: int, actor: Actor, why: str = "") -> AppliedRules:
    """Bring the rules before a held change back now.

    Args:
        number: of the rules that are held.
        actor: who wants it.
        why: in their words.

    Raises:
        NothingHeld: when these rules are not held.
        RecordUnavailable: when it cannot be put on record; nothing was changed.
    """
    with transaction.atomic():
        take_turns()
        return _restore(_open_hold(number), actor, why or f"asked for by {actor.label}", time.time())


def roll_back_due(now: float) -> str:
    """Bring the rules before a held change back when its time is up; return what was done, in a few words.

    Args:
        now: seconds since the epoch.

    Raises:
        RecordUnavailable: when it cannot be put on record; nothing was changed, and it is tried again.
    """
    seen = get_hold()
    if seen is None or not _is_over(seen, now):
        return ""
    with transaction.atomic():
        take_turns()
        hold = get_hold()
        if hold is None or not _is_over(hold, now):
            return ""
        restored = _restore(hold, OSTIARY, "nobody confirmed them in time", now)
    return f"rolled back to {restored.number}"


def _is_over(hold: Hold, now: float) -> bool:
    """Whether the time is up, by the clock or because as much has passed since the trial was first seen here."""
    trial, passed = (hold.number, hold.held_at), time.monotonic()
    if trial not in _FIRST_SEEN:
        _FIRST_SEEN.clear()
        _FIRST_SEEN[trial] = passed
    return hold.is_due(now) or passed - _FIRST_SEEN[trial] >= hold.until - hold.held_at


def _open_hold(number: int) -> Hold:
    hold = get_hold()
    if hold is None or hold.number != number:
        raise NothingHeld(f"Rules number {number} are not held.", hint="See what is in force: ostiary rules history")
    return hold


def _restore(hold: Hold, actor: Actor, why: str, now: float) -> AppliedRules:
    """Add the rules before as the last ones. They were in force, so nothing is asked of them."""
    try:
        before = get_applied(hold.restores)
    except UnknownRules:
        before = AppliedRules()
    _mark(hold, HoldOutcome.ROLLED_BACK, actor, why, now)
    return put_in_force(
        before.document,
        before.cedar,
        actor=actor,
        comment=f"Rolled back from number {hold.number}: {why}",
        before=get_applied(hold.number),
        now=now,
        restores=before.number,
    )


def _end(hold: Hold, outcome: HoldOutcome, actor: Actor, why: str, now: float) -> None:
    _mark(hold, outcome, actor, why, now)
    record_entity_change(
        "rules",
        "rules",
        "update",
        actor=actor,
        name=f"rules {hold.number}",
        version=hold.version,
        before={"number": hold.number, "held": {"until": int(hold.until * 1000)}},
        after={"number": hold.number, "held": None, "outcome": outcome.value},
        comment=why,
        at=now,
    )


def _mark(hold: Hold, outcome: HoldOutcome, actor: Actor, why: str, now: float) -> None:
    HoldRow.objects.filter(pk=hold.number).update(
        outcome=outcome.value,
        ended_at=datetime.fromtimestamp(now, UTC),
        ended_by=actor.label[:254],
        ended_why=why[:500],
    )
