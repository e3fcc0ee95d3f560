"""Reads of baselines and of how devices stand. They return frozen types and change nothing."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from functools import lru_cache

from django.db.models import Count, Max, QuerySet

from ostiary.baselines.adapters.built_in import built_in, built_in_text
from ostiary.baselines.domain.document import BUILT_IN, Baseline, UnknownBaseline
from ostiary.baselines.domain.holding import still_met
from ostiary.baselines.domain.reader import InvalidBaseline, read_baseline
from ostiary.baselines.domain.requirement import Requirement
from ostiary.baselines.domain.standing import (
    DayCount,
    Excepted,
    ExceptionState,
    Held,
    Stored,
    UnknownException,
    Verdict,
)
from ostiary.baselines.models import (
    BaselineVersion,
    CheckException,
    ComplianceDay,
    DeviceVerdict,
    HeldTurn,
    RequiredBaseline,
)
from ostiary.devices.facade import State
from ostiary.policy.identifiers import DeviceId
from ostiary.visibility.facade import Page


def list_baselines() -> tuple[Stored, ...]:
    """Return every baseline: those that came with the product, mildest first, then one's own by name."""
    given = tuple(Stored(baseline=built_in(name), document=built_in_text(name)) for name in BUILT_IN)
    return given + tuple(map(_stored, BaselineVersion.objects.filter(current=True).order_by("name")))


def get_baseline(name: str, *, number: int = 0) -> Stored:
    """Return one baseline, or an earlier version of one's own.

    Raises:
        UnknownBaseline: when there is none of this name and number.
    """
    if name in BUILT_IN and not number:
        return Stored(baseline=built_in(name), document=built_in_text(name))
    rows = BaselineVersion.objects.filter(name=name[:41].replace("\x00", ""))
    row = (rows.filter(number=number) if number else rows.filter(current=True)).first()
    if row is None:
        raise UnknownBaseline(f"No baseline is called {name[:40]!r}.", hint="See: ostiary baseline list")
    return _stored(row)


def list_versions(name: str) -> tuple[Stored, ...]:
    """Return every version of one's own baseline, the newest first."""
    return tuple(map(_stored, BaselineVersion.objects.filter(name=name[:41])))


def list_requirements() -> tuple[Requirement, ...]:
    """Return everything that was ever required and not taken back, those that begin later included."""
    return tuple(
        Requirement(baseline=row.baseline, group=row.group, device=row.device, starts_at=row.starts_at, by=row.made_by)
        for row in RequiredBaseline.objects.all()
    )


def list_verdicts(devices: Iterable[DeviceId] | None = None) -> dict[DeviceId, Verdict]:
    """Return how devices stand that are active or in quarantine, by identifier; of all, where it is not said of which."""
    rows = DeviceVerdict.objects.select_related("device", "device__owner").order_by("device__name")
    rows = rows.filter(device__state__in=(State.ACTIVE, State.QUARANTINED))
    chosen = rows if devices is None else rows.filter(pk__in=list(devices))
    return {DeviceId(row.pk): to_verdict(row) for row in chosen}


def list_exceptions(*, state: ExceptionState | None = None, device: str = "") -> tuple[Excepted, ...]:
    """Return exceptions, the newest first; of one state or device, where that is said."""
    rows = CheckException.objects.select_related("device", "device__owner")
    rows = rows.filter(state=state.value) if state else rows
    return tuple(map(to_exception, rows.filter(device_id=device) if device else rows))


def get_exception(number: int) -> Excepted:
    """Return one exception. Raises `UnknownException`."""
    row = CheckException.objects.select_related("device", "device__owner").filter(pk=number).first()
    if row is None:
        raise UnknownException(f"There is no exception {number}.", hint="See: ostiary baseline exceptions list")
    return to_exception(row)


def count_waiting() -> int:
    """Return how many exceptions wait for an answer."""
    return CheckException.objects.filter(state=ExceptionState.WAITING).count()


def get_held(now: float) -> Held | None:
    """Return what the brake holds at a moment (seconds since the epoch); `None` where it holds nothing."""
    found = _held(now).aggregate(devices=Count("pk"), until=Max("held_until"))
    turn = HeldTurn.objects.filter(ended_at=0.0).order_by("-pk").first()
    if not found["devices"] or turn is None:
        return None
    return Held(devices=found["devices"], of=turn.of, held_at=turn.held_at, until=found["until"], kept_by=turn.kept_by)


def list_held(now: float, *, page: int = 1, page_size: int = 50) -> Page[Verdict]:
    """Return one page of the devices that count as before only because they are held, by name.

    Args:
        now: seconds since the epoch.
        page: from 1; one beyond the end is the last one.
        page_size: devices a page.
    """
    rows = _held(now).select_related("device", "device__owner").order_by("device__name", "pk")
    total = rows.count()
    number = min(max(page, 1), max(1, -(-total // page_size)))
    start = (number - 1) * page_size
    found = tuple(map(to_verdict, rows[start : start + page_size]))
    return Page(items=found, total=total, page=number, page_size=page_size)


def count_held_checks(now: float) -> tuple[tuple[str, int], ...]:
    """Return what held devices fail: each check with how many devices it would block, the most first."""
    count = Counter(name for blocking in _held(now).values_list("blocking", flat=True) for name in blocking)
    return tuple(sorted(count.items(), key=lambda one: (-one[1], one[0])))


def _held(now: float) -> QuerySet[DeviceVerdict]:
    return DeviceVerdict.objects.filter(held_until__gt=now, compliant=False, device__state=State.ACTIVE).order_by()


def lacks_nothing(device: DeviceId) -> bool:
    """Tell whether a device was judged, and everything required of it holds; one small read, for what asks all the time."""
    rows = DeviceVerdict.objects.filter(pk=device, device__state__in=(State.ACTIVE, State.QUARANTINED))
    found = rows.values_list("compliant", "failing").first()
    return found is not None and found[0] and not found[1]


def count_lacking() -> int:
    """Return how many devices lack something that is required of them, grace or not."""
    return DeviceVerdict.objects.exclude(failing=[]).filter(device__state=State.ACTIVE).count()


def list_days(limit: int = 90) -> tuple[DayCount, ...]:
    """Return how devices stood on the last days, the newest first."""
    return tuple(
        DayCount(
            day=row.day.isoformat(),
            compliant=row.compliant,
            grace=row.grace,
            blocked=row.blocked,
            unknown=row.unknown,
        )
        for row in ComplianceDay.objects.all()[:limit]
    )


def to_verdict(row: DeviceVerdict) -> Verdict:
    """Return a stored verdict as the rest of Ostiary sees it: what is held counts as it did before."""
    held = row.held_until if not row.compliant else 0.0
    return Verdict(
        device=DeviceId(row.pk),
        name=row.device.name,
        owner=row.device.owner.email,
        compliant=row.compliant or held > 0.0,
        until=min(held, row.until) if held else row.until,
        meets=counted_meets(row.meets, row.lost, row.held_checks) if held else tuple(row.meets),
        failing=tuple(row.failing),
        unknown=row.unknown,
        required=tuple(row.required),
        held_until=held,
        blocking=tuple(row.blocking),
        held_checks=tuple(row.held_checks) if held else (),
    )


def counted_meets(meets: Iterable[str], lost: Mapping[str, list[str]], held: Collection[str]) -> tuple[str, ...]:
    """Return the baselines that a device counts as meeting while checks of it are held."""
    return tuple(sorted({*meets, *still_met(lost, held)}))


def to_exception(row: CheckException) -> Excepted:
    """Return a stored exception as the rest of Ostiary sees it."""
    return Excepted(
        id=row.pk,
        device=DeviceId(row.device_id),
        device_name=row.device.name,
        owner=row.device.owner.email,
        check=row.check_name,
        state=ExceptionState(row.state),
        reason=row.reason,
        asked_by=row.asked_by,
        asked_at=row.asked_at,
        until=row.until,
        answered_by=row.answered_by,
        answered_at=row.answered_at,
        answer=row.answer,
    )


def _stored(row: BaselineVersion) -> Stored:
    return Stored(
        baseline=_read(row.name, row.document),
        document=row.document,
        number=row.number,
        written_at=row.written_at,
        written_by=row.written_by,
    )


@lru_cache(maxsize=64)
def _read(name: str, document: str) -> Baseline:
    """What an earlier version of Ostiary took and this one does not asks for nothing, so no device meets it."""
    try:
        return read_baseline(document, built_in)
    except InvalidBaseline:
        return Baseline(name=name, words="This document cannot be used any more: write it anew.")
