"""Exceptions: a check is not asked of a device for a while, for a reason. Whoever has the device asks; somebody else answers."""

from typing import Final

from django.db import IntegrityError, transaction

from ostiary.baselines.domain.runs_on import runs_on
from ostiary.baselines.domain.standing import Excepted, ExceptionState, UnknownException, UnusableException
from ostiary.baselines.journal import EXCEPTION
from ostiary.baselines.models import CheckException
from ostiary.baselines.queries import get_exception, list_baselines
from ostiary.baselines.services.judging import Cause, judge_devices
from ostiary.devices.facade import HELD, Device, get_device, get_posture
from ostiary.policy.identifiers import DeviceId
from ostiary.visibility.domain.events import EntityChange
from ostiary.visibility.facade import Actor, record_entity_change

LONGEST_SECONDS: Final = 90 * 86400.0
MAX_REASON_CHARACTERS: Final = 500


@transaction.atomic
def ask_exception(device: str, check: str, *, until: float, reason: str, now: float, actor: Actor) -> Excepted:
    """Ask that a check is not asked of a device for a while; nothing changes until somebody grants it.

    Args:
        device: which.
        check: the name of a check that some baseline asks of it.
        until: until when, 90 days ahead at most (seconds since the epoch).
        reason: why; never empty.
        now: seconds since the epoch.
        actor: who asks.

    Raises:
        UnknownDevice: when there is none.
        UnusableException: when no check of it is called so, the time or the reason is none, or one is asked for or granted already.
    """
    found = get_device(device)
    _refuse_unusable(found, check, until=until, reason=reason, now=now)
    try:
        with transaction.atomic():
            row = CheckException.objects.create(
                device_id=found.id,
                check_name=check,
                state=ExceptionState.WAITING,
                reason=reason.strip(),
                asked_by=actor.label[:254],
                asked_by_id=actor.id[:254],
                asked_at=now,
                until=until,
            )
    except IntegrityError:
        raise UnusableException(f"Somebody asked for {check} on {found.name} at the same moment.") from None
    return _recorded(row.pk, "create", now=now, actor=actor, reason=reason)


@transaction.atomic
def grant_exception(number: int, *, now: float, actor: Actor, until: float | None = None, reason: str = "") -> Excepted:
    """Grant an exception that waits, until the moment that was asked for or another.

    Raises:
        UnknownException: when there is none.
        UnusableException: when it does not wait, its time is over, its device has ended, or the actor is who has the device.
    """
    row = _lock(number, ExceptionState.WAITING)
    device = get_device(row.device_id)
    if device.state not in HELD:
        raise UnusableException(f"{device.name} is {device.state.value}.")
    if actor.kind == "person" and actor.id == device.owner_id:
        raise UnusableException("Somebody else has to answer this: the device is your own.")
    row.until = row.until if until is None else until
    _require_time(row.until, now)
    _answer(row, ExceptionState.GRANTED, now=now, actor=actor, reason=reason)
    judge_devices((DeviceId(row.device_id),), now=now, cause=Cause.HAND)
    return _recorded(number, "enable", now=now, actor=actor, reason=reason)


@transaction.atomic
def refuse_exception(number: int, *, now: float, actor: Actor, reason: str = "") -> Excepted:
    """Refuse an exception that waits. Errors as for `grant_exception`."""
    row = _lock(number, ExceptionState.WAITING)
    _answer(row, ExceptionState.REFUSED, now=now, actor=actor, reason=reason)
    return _recorded(number, "disable", now=now, actor=actor, reason=reason)


@transaction.atomic
def end_exception(number: int, *, now: float, actor: Actor, reason: str = "") -> Excepted:
    """End an exception that was granted, before its time. Errors as for `grant_exception`."""
    row = _lock(number, ExceptionState.GRANTED)
    row.until = min(row.until, now)
    _answer(row, ExceptionState.ENDED, now=now, actor=actor, reason=reason)
    judge_devices((DeviceId(row.device_id),), now=now, cause=Cause.HAND)
    return _recorded(number, "disable", now=now, actor=actor, reason=reason)


def checks_of(device: Device, *, now: float) -> tuple[str, ...]:
    """Return the names of every check that some baseline asks of a device at a moment (seconds since the epoch), sorted."""
    platform = runs_on(device.platform, get_posture(device.id, now=now).systems)
    checks = (check for stored in list_baselines() for check in stored.baseline.checks)
    return tuple(sorted({check.name for check in checks if platform is None or platform in check.on}))


def _refuse_unusable(device: Device, check: str, *, until: float, reason: str, now: float) -> None:
    if device.state not in HELD:
        raise UnusableException(f"{device.name} is {device.state.value}.")
    known = checks_of(device, now=now)
    if check not in known:
        raise UnusableException(
            f"Nothing called {check[:60]!r} is asked of {device.name}.", hint=f"Say one of: {', '.join(known)}."
        )
    if not reason.strip() or len(reason) > MAX_REASON_CHARACTERS:
        raise UnusableException(f"Say why, in at most {MAX_REASON_CHARACTERS} characters.")
    _require_time(until, now)
    open_ones = CheckException.objects.filter(
        device_id=device.id, check_name=check, state__in=(ExceptionState.WAITING, ExceptionState.GRANTED)
    )
    if (there := open_ones.first()) is not None:
        raise UnusableException(f"An exception for {check} on {device.name} is {there.state} already: {there.pk}.")


def _require_time(until: float, now: float) -> None:
    if not now < until <= now + LONGEST_SECONDS:
        raise UnusableException(
            "An exception ends within 90 days.", hint="Where it is for good, write a baseline that does not ask for it."
        )


def _lock(number: int, state: ExceptionState) -> CheckException:
    row = CheckException.objects.select_for_update().filter(pk=number).first()
    if row is None:
        raise UnknownException(f"There is no exception {number}.", hint="See: ostiary baseline exceptions list")
    if row.state != state:
        raise UnusableException(f"Exception {number} is {row.state}.")
    return row


def _answer(row: CheckException, state: ExceptionState, *, now: float, actor: Actor, reason: str) -> None:
    row.state, row.answered_by, row.answered_at = state, actor.label[:254], now
    row.answer = reason[:MAX_REASON_CHARACTERS]
    row.save()


def _recorded(number: int, change: EntityChange, *, now: float, actor: Actor, reason: str) -> Excepted:
    found = get_exception(number)
    told = {
        "device": found.device,
        "check": found.check,
        "state": found.state.value,
        "until": found.until,
        "asked_by": found.asked_by,
        "reason": found.reason,
    }
    record_entity_change(
        EXCEPTION, str(number), change, at=now, actor=actor, name=found.device_name, after=told, comment=reason
    )
    return found
