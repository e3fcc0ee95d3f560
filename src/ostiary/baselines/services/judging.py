"""Judges devices and keeps what came of it: the verdict, since when each check fails, and what is told to the gateway.

Facts that turn too many devices at once do not take effect for a while: see `braking`.
"""

from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from typing import Final

from django.db import transaction

from ostiary.baselines.domain.case import Case, Opinion, judge_case
from ostiary.baselines.domain.document import stages_after
from ostiary.baselines.domain.holding import counts_until
from ostiary.baselines.domain.standing import Verdict
from ostiary.baselines.journal import record_verdict
from ostiary.baselines.models import DeviceVerdict, Failing
from ostiary.baselines.queries import to_verdict
from ostiary.baselines.services.braking import HOLD_FIELDS, brake
from ostiary.baselines.services.cases import lock_judged, read_asked, read_cases
from ostiary.baselines.services.turns import give_way
from ostiary.changes import announce_change
from ostiary.policy.identifiers import DeviceId

SECTION: Final = "compliance"
_WRITTEN: Final = (
    "compliant", "until", "required", "meets", "failing", "blocking", "unknown", "judged_at", "turned_at", "turned_by", "worse", "last_until",
    "last_meets", "lost", "asked", *HOLD_FIELDS,
)  # fmt: skip
AT_ONCE: Final = 500
"""So many devices in one transaction: reports and sign-ins have their turn between."""
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


def judge_many(devices: Iterable[DeviceId], *, now: float, cause: Cause, ahead: float = 0.0) -> None:
    """Judge devices, some hundred in each transaction. Arguments as for `judge_devices`.

    What is killed in between is known by what was asked of each device when it was judged: the worker judges the others.
    """
    wanted = sorted(set(devices))
    for start in range(0, len(wanted), AT_ONCE):
        if start:
            give_way()
        judge_devices(wanted[start : start + AT_ONCE], now=now, cause=cause, ahead=ahead)


@transaction.atomic
def judge_devices(devices: Iterable[DeviceId], *, now: float, cause: Cause, ahead: float = 0.0) -> tuple[DeviceId, ...]:
    """Judge devices, keep their verdicts and tell the gateway.

    Args:
        devices: which.
        now: seconds since the epoch.
        cause: why.
        ahead: as it will be so many seconds later, so that what time ends is replaced before it ends.

    Returns:
        Those whose verdict is another now.
    """
    wanted = tuple(dict.fromkeys(devices))
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
        row.asked = asked.mark_of(case.device)
    _keep_failing(cases, opinions)
    others = brake(rows, turned, now=now) if turned else ()
    _save(rows.values(), others)
    changed = _tell(rows, before, others)
    _put_on_record(cases, rows, before, now=now)
    for other in others:
        said = "held: too many devices turned at once"
        record_verdict(other, other.device.name, other.device.owner.email, compliant=True, now=now, comment=said)
    return changed


def _write(row: DeviceVerdict, opinion: Opinion, *, now: float, cause: Cause) -> bool:
    """Write an opinion into a row; return whether facts turned it, so that the brake has a say.

    What was over already was ended by time, whatever became known with it: nothing that is only too old is ever held.
    """
    by_facts = cause is Cause.FACTS and row.until > now
    turns, was_held = row.compliant and not opinion.compliant, row.held_until > now
    if opinion.compliant:
        _forget_turn(row)
    elif turns:
        _forget_turn(row)
        row.last_until, row.last_meets = row.until, row.meets
    row.blocking = list(opinion.blocking)
    row.lost = (
        {} if opinion.compliant else {one: opinion.lacking[one] for one in row.last_meets if one in opinion.lacking}
    )
    row.held_until = counts_until(row.blocking, row.held_checks, row.hold_ends, now)
    worse = was_held and not row.held_until and not opinion.compliant
    turned = by_facts and (turns or worse)
    if turned:
        row.turned_at, row.worse = now, worse
        lacks = {*row.blocking, *(name for lost in row.lost.values() for name in lost)}
        row.turned_by = sorted(lacks - set(row.held_checks))
    row.compliant, row.until = opinion.compliant, min(opinion.until, now + LONGEST_SECONDS)
    row.required = list(dict.fromkeys(one.baseline for one in opinion.required))
    row.meets, row.failing, row.unknown = list(opinion.meets), list(opinion.failing), opinion.unknown
    row.judged_at = now
    return turned


def _forget_turn(row: DeviceVerdict) -> None:
    row.turned_at = row.hold_ends = row.last_until = 0.0
    row.turned_by, row.held_checks, row.last_meets, row.worse = [], [], [], False


def _save(rows: Iterable[DeviceVerdict], others: Sequence[DeviceVerdict]) -> None:
    """Write verdicts, those that are there already over: so many fields of so many rows are many times faster so than updated."""
    DeviceVerdict.objects.bulk_create(
        rows, update_conflicts=True, unique_fields=["device"], update_fields=_WRITTEN, batch_size=500
    )
    DeviceVerdict.objects.bulk_update(others, HOLD_FIELDS, batch_size=500)


def _keep_failing(cases: Sequence[Case], opinions: Mapping[DeviceId, Opinion]) -> None:
    """Note since when each check fails, and how far that has come; forget what holds again.

    What is merely not known now, or excepted, goes on, and nothing comes of it meanwhile. Where less comes of it than was told,
    a ladder being milder now, its owner is told anew of what comes later.
    """
    stages = {(case.device, name): found for case in cases for name, found in opinions[case.device].stages.items()}
    kept = {(case.device, name) for case in cases for name in opinions[case.device].kept}
    over: list[int] = []
    further: list[Failing] = []
    for row in Failing.objects.filter(device__in=[one.device for one in cases]):
        key = (DeviceId(row.device_id), row.check_name)
        _, stage = stages.pop(key, (0.0, None))
        if stage is None and key not in kept:
            over.append(row.pk)
            continue
        reached = "" if stage is None else stage.value
        told = row.told if stage is None or row.told not in stages_after(stage) else reached
        if (row.stage, row.told) != (reached, told):
            row.tries = row.tries if row.stage == reached else 0
            row.stage, row.told = reached, told
            further.append(row)
    Failing.objects.filter(pk__in=over).delete()
    Failing.objects.bulk_update(further, ["stage", "told", "tries"], batch_size=500)
    Failing.objects.bulk_create(
        [
            Failing(device_id=one, check_name=name, since=since, stage=stage)
            for (one, name), (since, stage) in stages.items()
        ],
        ignore_conflicts=True,
    )


def _tell(
    rows: Mapping[str, DeviceVerdict], before: Mapping[str, Verdict], others: Sequence[DeviceVerdict]
) -> tuple[DeviceId, ...]:
    """Announce what became another; grants end where somebody could lose something."""
    changed: list[DeviceId] = [DeviceId(row.pk) for row in others]
    loses = published = bool(others)
    for pk, row in rows.items():
        was = before.get(pk)
        if was is None:
            published = True
            changed.append(DeviceId(pk))
            continue
        found = to_verdict(row)
        published = published or (was.compliant, was.meets, was.until) != (found.compliant, found.meets, found.until)
        if (was.compliant, was.meets) != (found.compliant, found.meets):
            changed.append(DeviceId(pk))
            loses = loses or (was.compliant and not found.compliant) or not set(was.meets) <= set(found.meets)
    if published:
        announce_change(SECTION, takes_away=loses, at_once=False)
    return tuple(changed)


def _put_on_record(
    cases: Sequence[Case], rows: Mapping[str, DeviceVerdict], before: Mapping[str, Verdict], *, now: float
) -> None:
    for case in cases:
        row, was = rows[case.device], before.get(case.device)
        compliant = row.compliant or row.held_until > 0.0
        if (was is None and compliant) or (was is not None and was.compliant != compliant):
            record_verdict(row, case.name, case.owner, compliant=compliant, now=now)
