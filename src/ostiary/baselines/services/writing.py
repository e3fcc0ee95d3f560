"""Writing baselines, requiring them, and taking both back. What would block too many at once asks for the number first."""

from typing import Final

from django.conf import settings
from django.db import transaction

from ostiary.baselines.adapters.built_in import built_in
from ostiary.baselines.domain.brake import refuse_unsaid
from ostiary.baselines.domain.document import BUILT_IN, DEFAULT, Baseline, UnusableBaseline, fact_of
from ostiary.baselines.domain.reader import read_baseline
from ostiary.baselines.domain.requirement import Requirement
from ostiary.baselines.domain.standing import Stored
from ostiary.baselines.journal import BASELINE, REQUIREMENT
from ostiary.baselines.models import BaselineVersion, RequiredBaseline
from ostiary.baselines.queries import get_baseline, list_requirements
from ostiary.baselines.services.cases import asked_otherwise, read_asked
from ostiary.baselines.services.judging import Cause, judge_many
from ostiary.baselines.services.rules_asking import rules_that_name
from ostiary.baselines.services.simulating import Tried, try_document, try_requirement
from ostiary.baselines.services.turns import Turn, take_turn
from ostiary.devices.facade import HELD, get_device
from ostiary.identity.facade import get_group
from ostiary.policy.identifiers import GroupId
from ostiary.visibility.facade import Actor, record_entity_change

LONGEST_AHEAD_SECONDS: Final = 366 * 86400.0
MOST_NAMED: Final = 10
"""So many rules are named in a refusal."""


def check_document(document: str) -> Baseline:
    """Return the baseline that a text is. Raises `InvalidBaseline` with every problem, line by line."""
    return read_baseline(document, built_in)


def set_baseline(document: str, *, now: float, actor: Actor, reason: str = "", blocked: int | None = None) -> Stored:
    """Put a baseline of one's own in force, in place of the version before.

    Args:
        document: its text.
        now: seconds since the epoch.
        actor: who does it.
        reason: why, for the record.
        blocked: how many devices it blocks at once, where somebody said so.

    Raises:
        InvalidBaseline: when the text cannot be used; nothing was changed.
        UnusableBaseline: when it has the name of a built-in one, or is in force already.
        TooManyBlocked: when it blocks too many devices at once and the number was not said.
    """
    read = check_document(document)
    if read.name in BUILT_IN:
        raise UnusableBaseline(
            f"{read.name} comes with Ostiary and cannot be written over.",
            hint=f"Give yours another name, and let it begin with `based on: {read.name}`.",
        )
    rows = BaselineVersion.objects.filter(name=read.name)
    if rows.filter(current=True, document=document).exists():
        raise UnusableBaseline(f"This is {read.name} as it is in force already.")
    tried = _refused(try_document(document, now=now), blocked)
    with transaction.atomic():
        _require_unchanged(tried)
        before = rows.filter(current=True).first()
        newest = rows.order_by("-number").values_list("number", flat=True).first() or 0
        rows.filter(current=True).update(current=False)
        BaselineVersion.objects.create(
            name=read.name,
            number=newest + 1,
            document=document,
            written_at=now,
            written_by=actor.label[:254],
            reason=reason[:500],
        )
        record_entity_change(
            BASELINE,
            read.name,
            "create" if before is None else "update",
            at=now,
            actor=actor,
            name=read.name,
            before=None if before is None else {"version": before.number, "document": before.document},
            after={"version": newest + 1, "document": document, "blocked_at_once": tried.turned.blocked},
            comment=reason,
        )
    _judge_anew(now)
    return get_baseline(read.name)


def remove_baseline(name: str, *, now: float, actor: Actor, reason: str = "") -> None:
    """Take a baseline of one's own away; its versions stay on record.

    Raises:
        UnknownBaseline: when there is none.
        UnusableBaseline: when it is a built-in one, required, or named by rules in force.
    """
    found = get_baseline(name)
    if found.built_in:
        raise UnusableBaseline(f"{name} comes with Ostiary and stays.")
    _refuse_named(name)
    with transaction.atomic():
        take_turn(Turn.WRITING)
        _refuse_required(name)
        BaselineVersion.objects.filter(name=name, current=True).update(current=False)
        told = {"version": found.number, "document": found.document}
        record_entity_change(BASELINE, name, "delete", at=now, actor=actor, name=name, before=told, comment=reason)
    _judge_anew(now)


def require_baseline(
    name: str,
    *,
    now: float,
    actor: Actor,
    group: str = "",
    device: str = "",
    starts_at: float | None = None,
    reason: str = "",
    blocked: int | None = None,
) -> Requirement:
    """Require a baseline: of every device, of those of a group's members, or of one.

    Args:
        name: of the baseline.
        now: seconds since the epoch.
        actor: who does it.
        group: of whose members' devices.
        device: of which device.
        starts_at: from when on (seconds since the epoch); at once by default. What is required until then stays so.
        reason: why, for the record.
        blocked: how many devices it blocks when it begins, where somebody said so.

    Raises:
        UnknownBaseline, UnknownGroup, UnknownDevice: when there is none.
        UnusableBaseline: when it begins in the past or too far ahead, the device has ended, or both a group and a device are named.
        TooManyBlocked: when it blocks too many devices as they are now, and the number was not said.
    """
    wanted = _requirement(name, now=now, actor=actor, group=group, device=device, starts_at=starts_at)
    tried = _refused(try_requirement(wanted, now=now), blocked)
    rows = RequiredBaseline.objects.filter(group=group, device=device)
    with transaction.atomic():
        _require_unchanged(tried)
        before = [one for one in tried.asked.requirements if one.scope == wanted.scope]
        if wanted.starts_at <= now:
            rows.delete()
        else:
            rows.filter(starts_at__gt=now).delete()
        RequiredBaseline.objects.create(
            baseline=name,
            group=group,
            device=device,
            starts_at=wanted.starts_at,
            made_at=now,
            made_by=actor.label[:254],
            reason=reason[:500],
        )
        record_entity_change(
            REQUIREMENT,
            device or group or "every device",
            "update",
            at=now,
            actor=actor,
            name=name,
            before=_told(before[-1]) if before else {"baseline": DEFAULT if not group and not device else ""},
            after={**_told(wanted), "blocked_at_once": tried.turned.blocked},
            comment=reason,
        )
    _judge_anew(now)
    return wanted


def withdraw_requirement(
    *, now: float, actor: Actor, group: str = "", device: str = "", reason: str = "", blocked: int | None = None
) -> None:
    """Have a group's devices, or one device, be asked for no more than every other.

    Raises:
        UnusableBaseline: when nothing is required of it in particular.
        TooManyBlocked: as for `require_baseline`: what every other device is asked for may be more.
    """
    found = [one for one in list_requirements() if one.scope == (group, device)]
    if not found:
        raise UnusableBaseline("Nothing is required there in particular.", hint="See: ostiary baseline list")
    tried = _refused(try_requirement(None, now=now, without=(group, device)), blocked)
    with transaction.atomic():
        _require_unchanged(tried)
        RequiredBaseline.objects.filter(group=group, device=device).delete()
        about = device or group or "every device"
        record_entity_change(REQUIREMENT, about, "delete", at=now, actor=actor, before=_told(found[-1]), comment=reason)
    _judge_anew(now)


def _requirement(
    name: str, *, now: float, actor: Actor, group: str, device: str, starts_at: float | None
) -> Requirement:
    get_baseline(name)
    if group and device:
        raise UnusableBaseline("Say a group or a device, not both.")
    if group:
        get_group(GroupId(group))
    if device and (found := get_device(device)).state not in HELD:
        raise UnusableBaseline(f"{found.name} is {found.state.value}.", hint="See: ostiary device list")
    start = now if starts_at is None else starts_at
    if start < now or start > now + LONGEST_AHEAD_SECONDS:
        raise UnusableBaseline("A requirement begins now or within a year.", hint="Leave the moment out to begin now.")
    return Requirement(baseline=name, group=group, device=device, starts_at=start, by=actor.label)


def _refused(tried: Tried, said: int | None) -> Tried:
    """Return what was tried, unless it blocks too many and the number was not said."""
    percent = settings.INSTANCE.configuration.devices.brake_percent
    refuse_unsaid(tried.turned.blocked, tried.turned.of, percent, said)
    return tried


def _require_unchanged(tried: Tried) -> None:
    """Take the turn to write, inside a transaction. Devices are tried before it, for that takes its time and others wait for a turn."""
    take_turn(Turn.WRITING)
    if read_asked() != tried.asked:
        raise UnusableBaseline(
            "What is asked of devices was changed at the same moment.",
            hint="Look at what it is now, and do this again.",
        )


def _judge_anew(now: float) -> None:
    judge_many(asked_otherwise(read_asked()), now=now, cause=Cause.HAND)


def _refuse_required(name: str) -> None:
    if any(one.baseline == name for one in list_requirements()):
        raise UnusableBaseline(
            f"{name} is required.", hint="Require another one there first: ostiary baseline require NAME"
        )


def _refuse_named(name: str) -> None:
    """No device would meet it any more: whoever such a rule lets in would be out at once, and nothing would hold that."""
    rules = rules_that_name(name)
    if rules:
        more = f" and {len(rules) - MOST_NAMED} more" if len(rules) > MOST_NAMED else ""
        raise UnusableBaseline(
            f"Rules in force ask for {fact_of(name)}: {', '.join(rules[:MOST_NAMED])}{more}.",
            hint="Apply rules first that do not ask for it.",
        )


def _told(one: Requirement) -> dict[str, str | float]:
    return {"baseline": one.baseline, "starts_at": one.starts_at}
