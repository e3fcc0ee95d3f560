"""Judges devices and keeps what came of it: the verdict, since when each check fails, and what is told to the gateway.

Facts that turn too many devices at once do not take effect: what they were stands for an hour, or until an administrator decides.
"""

from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from typing import Any, Final

from django.conf import settings
from django.db import transaction

from ostiary.baselines.domain.brake import WINDOW_SECONDS, held_until, is_too_many
from ostiary.baselines.domain.case import Case, Opinion, judge_case
from ostiary.baselines.journal import HELD, JUDGED_BY, VERDICT
from ostiary.baselines.models import DeviceVerdict, Failing, HeldTurn
from ostiary.baselines.queries import to_verdict
from ostiary.baselines.services.cases import lock_judged, read_asked, read_cases
from ostiary.changes import announce_change
from ostiary.devices.facade import State
from ostiary.policy.identifiers import DeviceId
from ostiary.visibility.facade import record_entity_change

SECTION: Final = "compliance"
_WRITTEN: Final = (
    "compliant", "until", "required", "meets", "failing", "unknown", "judged_at", "turned_at", "last_until", "last_meets", "held_until",
)  # fmt: skip
LONGEST_SECONDS: Final = 7 * 86400.0
"""No verdict is good for longer, whatever it rests on."""


class Cause(StrEnum):
    """Why devices are judged. The brake is for facts alone: what is done by hand was asked about, what time brings was announced."""

    FACTS = "facts"
    TIME = "time"
    HAND = "hand"


def posture_has_changed(*, devices: Iterable[DeviceId], now: float, by_time: bool = False, **_more: object) -> None:
    """Judge devices of which something else is known now, in the transaction that made it known. What only grew too old is not held."""
    judge_devices(devices, now=now, cause=Cause.TIME if by_time else Cause.FACTS)


@transaction.atomic
def judge_devices(
    devices: Iterable[DeviceId] | None, *, now: float, cause: Cause, ahead: float = 0.0
) -> tuple[DeviceId, ...]:
    """Judge devices, keep their verdicts and tell the gateway.

    Args:
        devices: which; all of them for `None`.
        now: seconds since the epoch.
        cause: why.
        ahead: as it will be so many seconds later, so that what time ends is replaced before it ends.

    Returns:
        Those whose verdict is another now.
    """
    wanted = None if devices is None else tuple(dict.fromkeys(devices))
    lock_judged(wanted)
    asked, at = read_asked(), now + ahead
    cases = read_cases(asked, now=at, devices=wanted)
    rows = {
        row.pk: row
        for row in DeviceVerdict.objects.select_for_update(of=("self",))
        .select_related("device", "device__owner")
        .filter(pk__in=[one.device for one in cases])
    }
    before = {pk: to_verdict(row) for pk, row in rows.items()}
    opinions = {one.device: judge_case(one, asked.baselines, asked.requirements, at) for one in cases}
    turned: list[str] = []
    for case in cases:
        row = rows.get(case.device)
        if row is None:
            rows[case.device] = row = DeviceVerdict(device_id=case.device)
        if _write(row, opinions[case.device], now=now, cause=cause):
            turned.append(case.device)
    _keep_failing(cases, opinions)
    others = _brake(rows, turned, now=now) if turned else ()
    _save(rows, others, known=frozenset(before))
    changed = _tell(rows, before, others)
    _put_on_record(cases, rows, before, opinions, now=now)
    return changed


def _write(row: DeviceVerdict, opinion: Opinion, *, now: float, cause: Cause) -> bool:
    """Write an opinion into a row; return whether facts turned it, so that the brake has a say."""
    required = list(dict.fromkeys(one.baseline for one in opinion.required))
    turns = row.compliant and not opinion.compliant
    by_facts = turns and cause is Cause.FACTS
    if opinion.compliant:
        row.turned_at = row.held_until = 0.0
    elif turns:
        row.last_until, row.last_meets = row.until, row.meets
        row.turned_at = now if by_facts else 0.0
    elif cause is Cause.HAND and not set(opinion.failing) <= set(row.failing):
        row.turned_at = row.held_until = 0.0
    row.compliant, row.until = opinion.compliant, min(opinion.until, now + LONGEST_SECONDS)
    row.required = required
    row.meets, row.failing, row.unknown = list(opinion.meets), list(opinion.failing), opinion.unknown
    row.judged_at = now
    return by_facts


def _brake(rows: Mapping[str, DeviceVerdict], turned: Sequence[str], *, now: float) -> tuple[DeviceVerdict, ...]:
    """Hold those that turn now where they are too many together with those that turned lately; return the latter."""
    lately = (
        DeviceVerdict.objects.select_related("device", "device__owner")
        .filter(turned_at__gt=now - WINDOW_SECONDS, compliant=False, held_until=0.0, device__state=State.ACTIVE)
        .exclude(pk__in=list(rows))
    )
    already = DeviceVerdict.objects.filter(turned_at__gt=now - WINDOW_SECONDS, held_until__gt=0.0).exclude(
        pk__in=turned
    )
    fleet = DeviceVerdict.objects.filter(device__state=State.ACTIVE).count()
    count = len(turned) + lately.count() + already.count()
    if not is_too_many(count, fleet, settings.INSTANCE.configuration.devices.brake_percent):
        return ()
    back = tuple(lately)
    for row in (*(rows[pk] for pk in turned), *back):
        until = held_until(now, row.last_until)
        row.held_until = until if until > now else 0.0
    _open_hold(count, fleet, now=now)
    return back


def _open_hold(count: int, fleet: int, *, now: float) -> None:
    turn = HeldTurn.objects.filter(ended_at=0.0).order_by("-pk").first()
    if turn is None:
        turn = HeldTurn.objects.create(held_at=now, devices=count, of=fleet)
        told = {"devices": count, "of": fleet}
        record_entity_change(
            HELD, str(turn.pk), "create", at=now, actor=JUDGED_BY, after=told, comment="too many devices turned at once"
        )
    else:
        HeldTurn.objects.filter(pk=turn.pk).update(devices=count, of=fleet)


def _save(rows: Mapping[str, DeviceVerdict], others: Sequence[DeviceVerdict], *, known: frozenset[str]) -> None:
    DeviceVerdict.objects.bulk_create([row for pk, row in rows.items() if pk not in known])
    there = [row for pk, row in rows.items() if pk in known]
    DeviceVerdict.objects.bulk_update(there, _WRITTEN, batch_size=500)
    DeviceVerdict.objects.bulk_update(others, ["held_until"], batch_size=500)


def _keep_failing(cases: Sequence[Case], opinions: Mapping[DeviceId, Opinion]) -> None:
    """Note since when each check fails; forget what holds again. What is merely not known now goes on."""
    stages = {(case.device, name): found for case in cases for name, found in opinions[case.device].stages.items()}
    kept = {(case.device, name) for case in cases for name in opinions[case.device].kept}
    over: list[int] = []
    further: list[Failing] = []
    for row in Failing.objects.filter(device__in=[one.device for one in cases]):
        key = (DeviceId(row.device_id), row.check_name)
        _, stage = stages.pop(key, (0.0, None))
        if stage is None and key not in kept:
            over.append(row.pk)
        elif stage is not None and row.stage != stage.value:
            row.stage = stage.value
            further.append(row)
    Failing.objects.filter(pk__in=over).delete()
    Failing.objects.bulk_update(further, ["stage"], batch_size=500)
    Failing.objects.bulk_create(
        [
            Failing(device_id=one, check_name=name, since=since, stage=stage)
            for (one, name), (since, stage) in stages.items()
        ],
        ignore_conflicts=True,
    )


def _tell(
    rows: Mapping[str, DeviceVerdict], before: Mapping[str, Any], others: Sequence[DeviceVerdict]
) -> tuple[DeviceId, ...]:
    """Announce what became another; grants end where somebody could lose something."""
    changed: list[DeviceId] = [DeviceId(row.pk) for row in others]
    loses = published = bool(others)
    for pk, row in rows.items():
        was, held = before.get(pk), 0.0 if row.compliant else row.held_until
        compliant, meets = row.compliant or held > 0.0, tuple(row.last_meets if held else row.meets)
        if was is None:
            published = True
            changed.append(DeviceId(pk))
            continue
        published = published or (was.compliant, was.meets, was.until) != (compliant, meets, held or row.until)
        if (was.compliant, was.meets) != (compliant, meets):
            changed.append(DeviceId(pk))
            loses = loses or (was.compliant and not compliant) or not set(was.meets) <= set(meets)
    if published:
        announce_change(SECTION, takes_away=loses, at_once=False)
    return tuple(changed)


def _put_on_record(
    cases: Sequence[Case],
    rows: Mapping[str, DeviceVerdict],
    before: Mapping[str, Any],
    opinions: Mapping[DeviceId, Opinion],
    *,
    now: float,
) -> None:
    for case in cases:
        row, was = rows[case.device], before.get(case.device)
        compliant = row.compliant or row.held_until > 0.0
        if (was is None and compliant) or (was is not None and was.compliant != compliant):
            told = {
                "compliant": compliant,
                "failing": ", ".join(opinions[case.device].failing),
                "required": ", ".join(row.required),
                "owner": case.owner,
            }
            record_entity_change(
                VERDICT,
                case.device,
                "enable" if compliant else "disable",
                at=now,
                actor=JUDGED_BY,
                name=case.name,
                after=told,
            )
