"""What time does to devices, for the worker: stages, grace, facts that grow too old, exceptions, requirements that begin, and the letters."""

from datetime import UTC, datetime
from typing import Final

from django.db import transaction
from django.db.models import Q

from ostiary.baselines.domain.standing import ExceptionState
from ostiary.baselines.journal import JUDGED_BY, REQUIREMENT
from ostiary.baselines.models import CheckException, ComplianceDay, DeviceVerdict, Failing, NotKnown, RequiredBaseline
from ostiary.baselines.services.cases import asked_otherwise, devices_judged, read_asked, required_now
from ostiary.baselines.services.holding import end_holds, tell_administrators
from ostiary.baselines.services.judging import Cause, judge_devices, judge_many
from ostiary.baselines.services.letters import tell_of_unknown, tell_owners
from ostiary.devices.facade import State, get_device
from ostiary.devices.models import StoredDevice
from ostiary.policy.identifiers import DeviceId
from ostiary.visibility.facade import record_entity_change

AHEAD_SECONDS: Final = 20.0
"""What ends within this time is judged as if it had ended: the gateway hears of it before it is over."""
RENEW_BEFORE_SECONDS: Final = 900.0
"""A verdict that ends within this time is renewed from what was reported since."""
RENEW_EVERY_SECONDS: Final = 60.0


def settle_compliance(*, now: float) -> int:
    """Judge the devices whose verdict is over or nearly so, tell who has to know, and count the day.

    Args:
        now: seconds since the epoch.

    Returns:
        How much there was to do.
    """
    _forget_ended(now)
    done = end_holds(now=now, ahead=AHEAD_SECONDS) + _end_exceptions(now)
    due = _due(now)
    judge_many(due, now=now, cause=Cause.TIME, ahead=AHEAD_SECONDS)
    done += len(due) + tell_owners(now=now) + tell_of_unknown(now=now)
    count_day(now=now)
    return done + tell_administrators(now=now)


def check_now(device: str, *, now: float) -> None:
    """Judge one device at once. Raises `UnknownDevice`.

    What became known was judged when it did, so what is found here is time's doing.
    """
    judge_devices((get_device(device).id,), now=now, cause=Cause.TIME)


def count_day(*, now: float) -> None:
    """Note how many devices stand how, for the day that it is (UTC)."""
    rows = DeviceVerdict.objects.filter(device__in=devices_judged())
    held = Q(compliant=True) | Q(held_until__gt=now)
    total, well = rows.count(), rows.filter(held).count()
    whole = rows.filter(compliant=True, failing=[]).count()
    unknown = rows.exclude(held).filter(unknown=True).count()
    counts = {"compliant": whole, "grace": well - whole, "blocked": total - well - unknown, "unknown": unknown}
    day = datetime.fromtimestamp(now, UTC).date()
    if total and not ComplianceDay.objects.filter(day=day, **counts).exists():
        ComplianceDay.objects.update_or_create(day=day, defaults=counts)


def _due(now: float) -> tuple[DeviceId, ...]:
    """Those whose verdict is over or nearly, of which something else is asked now, and those that have none."""
    over = Q(until__lte=now + AHEAD_SECONDS)
    nearly = Q(until__lte=now + RENEW_BEFORE_SECONDS, judged_at__lte=now - RENEW_EVERY_SECONDS)
    stale = set(DeviceVerdict.objects.filter(over | nearly).values_list("pk", flat=True))
    asked = read_asked()
    due = {DeviceId(one) for one in devices_judged().values_list("pk", flat=True) if one in stale}
    due |= set(asked_otherwise(asked))
    if any(one.group for one in asked.requirements):
        known = dict(DeviceVerdict.objects.values_list("pk", "required"))
        due |= {one for one, names in required_now(asked, now=now).items() if names != known.get(one)}
    return tuple(sorted(due))


@transaction.atomic
def _forget_ended(now: float) -> None:
    """Of a device that was given up it is not kept how it stood, and of one that has ended nothing is required, asked or granted."""
    DeviceVerdict.objects.filter(device__state=State.RETIRED).delete()
    Failing.objects.filter(device__state=State.RETIRED).delete()
    NotKnown.objects.filter(device__state=State.RETIRED).delete()
    still = (ExceptionState.WAITING, ExceptionState.GRANTED)
    asked = CheckException.objects.filter(state__in=still, device__state__in=(State.RETIRED, State.LOST))
    asked.update(state=ExceptionState.ENDED, answered_at=now)
    ended = StoredDevice.objects.filter(state__in=(State.RETIRED, State.LOST))
    for row in RequiredBaseline.objects.exclude(device="").filter(device__in=ended.values("pk")):
        row.delete()
        told = {"baseline": row.baseline, "starts_at": row.starts_at}
        record_entity_change(
            REQUIREMENT, row.device, "delete", at=now, actor=JUDGED_BY, before=told, comment="the device has ended"
        )


@transaction.atomic
def _end_exceptions(now: float) -> int:
    over = CheckException.objects.filter(state=ExceptionState.GRANTED, until__lte=now + AHEAD_SECONDS)
    devices = tuple(map(DeviceId, over.values_list("device_id", flat=True)))
    if devices:
        over.update(state=ExceptionState.ENDED, answered_at=now)
        judge_devices(devices, now=now, cause=Cause.TIME)
    CheckException.objects.filter(state=ExceptionState.WAITING, until__lte=now).update(
        state=ExceptionState.ENDED, answered_at=now
    )
    return len(devices)
