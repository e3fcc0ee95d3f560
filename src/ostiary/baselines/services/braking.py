"""The brake: facts that turn too many devices at once are held, check by check, for an hour or until an administrator decides.

A fault shows on more than one device, so what only one of a crowd fails is not held. Nor is what a held device fails besides: that
is another turn, and held only where it is a crowd's again.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from django.conf import settings
from django.db.models import QuerySet

from ostiary.baselines.domain.brake import WINDOW_SECONDS, held_until, is_too_many
from ostiary.baselines.domain.holding import counts_until, fault_of
from ostiary.baselines.journal import HELD, JUDGED_BY
from ostiary.baselines.models import DeviceVerdict, HeldTurn
from ostiary.baselines.services.turns import Turn, take_turn
from ostiary.devices.facade import State
from ostiary.visibility.facade import record_entity_change

HOLD_FIELDS: Final = ("held_checks", "hold_ends", "held_until")
"""All that the brake writes of a verdict."""
COMPARED: Final = 200
"""With so many of a crowd, the newest, it is compared what turned a device."""


def brake(rows: Mapping[str, DeviceVerdict], turned: Sequence[str], *, now: float) -> tuple[DeviceVerdict, ...]:
    """Hold devices that facts turn now where they are too many together with those that turned lately.

    Args:
        rows: of all that are judged now, locked; those that turn are changed in place.
        turned: which of them turn.
        now: seconds since the epoch.

    Returns:
        Those that turned lately and count as before again: `HOLD_FIELDS` of them are to be saved.
    """
    back: list[DeviceVerdict] = []
    for worse in (False, True):
        here = [row for one in turned if (row := rows[one]).worse is worse and row.device.state == State.ACTIVE]
        lately = _lately(rows, now=now)
        back += _hold(here, lately.filter(worse=True) if worse else lately, now=now) if here else ()
    return tuple(back)


def _hold(here: Sequence[DeviceVerdict], lately: QuerySet[DeviceVerdict], *, now: float) -> list[DeviceVerdict]:
    take_turn(Turn.BRAKING)
    fleet = DeviceVerdict.objects.filter(device__state=State.ACTIVE).count()
    count = len(here) + lately.count()
    if not is_too_many(count, fleet, settings.INSTANCE.configuration.devices.brake_percent):
        return []
    newest = lately.order_by("-turned_at").values_list("turned_by", flat=True)[:COMPARED]
    fault = fault_of([*(one.turned_by for one in here), *newest])
    free = lately.filter(held_until=0.0).select_related("device", "device__owner")
    back = [row for row in free.select_for_update(of=("self",), skip_locked=True) if _is_held(row, fault, now)]
    if [row for row in here if _is_held(row, fault, now)] or back:
        _open(count, fleet, now=now)
    return back


def _is_held(row: DeviceVerdict, fault: Iterable[str], now: float) -> bool:
    """Hold of what turned a device all that is the crowd's; return whether it counts as before with that."""
    more = set(row.turned_by) & set(fault)
    if not more:
        return False
    row.hold_ends = row.hold_ends or held_until(now, row.last_until)
    row.held_checks = sorted({*row.held_checks, *more})
    row.held_until = counts_until(row.blocking, row.held_checks, row.hold_ends, now)
    return row.held_until > 0.0


def _lately(rows: Iterable[str], *, now: float) -> QuerySet[DeviceVerdict]:
    lately = DeviceVerdict.objects.filter(
        turned_at__gt=now - WINDOW_SECONDS, compliant=False, device__state=State.ACTIVE
    )
    return lately.exclude(pk__in=list(rows)).order_by()


def _open(count: int, fleet: int, *, now: float) -> None:
    turn = HeldTurn.objects.filter(ended_at=0.0).order_by("-pk").first()
    if turn is not None:
        HeldTurn.objects.filter(pk=turn.pk).update(devices=count, of=fleet)
        return
    turn = HeldTurn.objects.create(held_at=now, devices=count, of=fleet)
    told = {"devices": count, "of": fleet}
    record_entity_change(
        HELD, str(turn.pk), "create", at=now, actor=JUDGED_BY, after=told, comment="too many devices turned at once"
    )
