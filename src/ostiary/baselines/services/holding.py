"""What the brake holds: an administrator lets it happen, or keeps it held; left alone it happens by itself."""

import structlog
from django.conf import settings
from django.core.mail import EmailMessage
from django.db import models, transaction
from django.template.loader import render_to_string

from ostiary.baselines.domain.brake import LONGEST_HOLD_SECONDS
from ostiary.baselines.domain.standing import Held, NothingHeld
from ostiary.baselines.journal import HELD, JUDGED_BY, record_verdict
from ostiary.baselines.models import DeviceVerdict, HeldTurn
from ostiary.baselines.queries import get_held
from ostiary.baselines.services.judging import SECTION
from ostiary.changes import announce_change
from ostiary.identity.facade import ADMINISTRATORS, list_members
from ostiary.visibility.facade import Actor, record_entity_change

log = structlog.get_logger(__name__)


@transaction.atomic
def let_happen(*, now: float, actor: Actor, reason: str = "") -> int:
    """Let every turn that is held take effect now; return how many devices that were.

    Raises:
        NothingHeld: when none is.
    """
    _require(now)
    count = _release(DeviceVerdict.objects.filter(hold_ends__gt=0.0), now=now)
    _close(now)
    told = {"let_happen": count}
    record_entity_change(HELD, "let happen", "disable", at=now, actor=actor, after=told, comment=reason)
    return count


@transaction.atomic
def keep_held(*, now: float, actor: Actor, reason: str = "") -> Held:
    """Have what is held stay held for a day from now, unless somebody lets it happen before. Errors as for `let_happen`.

    It is no more than was held: what else a device fails meanwhile, and what is not known of it any more, counts.
    """
    _require(now)
    until = now + LONGEST_HOLD_SECONDS
    DeviceVerdict.objects.filter(held_until__gt=now).update(held_until=until)
    DeviceVerdict.objects.filter(hold_ends__gt=now).update(hold_ends=until)
    HeldTurn.objects.filter(ended_at=0.0).update(kept_by=actor.label[:254])
    announce_change(SECTION, takes_away=False)
    record_entity_change(HELD, "keep held", "update", at=now, actor=actor, after={"until": until}, comment=reason)
    return _require(now)


@transaction.atomic
def end_holds(*, now: float, ahead: float) -> int:
    """Let happen what nobody decided about in time, so many seconds before it would anyway. For the worker."""
    over = DeviceVerdict.objects.filter(hold_ends__gt=0.0, hold_ends__lte=now + ahead)
    count = _release(over, now=now)
    left = DeviceVerdict.objects.filter(hold_ends__gt=0.0).exists()
    if not left and HeldTurn.objects.filter(ended_at=0.0).exists():
        _close(now)
        said = "time is up" if count else "none is left"
        record_entity_change(
            HELD, "over", "disable", at=now, actor=JUDGED_BY, after={"let_happen": count}, comment=said
        )
    return count


def tell_administrators(*, now: float) -> int:
    """Write to the administrators about devices that are held, once each time. For the worker; return how often.

    Raises:
        OSError: when nobody could be written to; it is tried again.
    """
    turn, held = HeldTurn.objects.filter(ended_at=0.0, told_at=0.0).first(), get_held(now)
    if turn is None or held is None:
        return 0
    failures: list[OSError] = []
    told = 0
    for member in list_members(ADMINISTRATORS):
        if member.active:
            try:
                told += _letter(held, member.email).send()
            except OSError as error:
                failures.append(error)
                log.warning("held_devices_not_told", to=member.email, error=str(error))
    if failures and not told:
        raise failures[0]
    HeldTurn.objects.filter(pk=turn.pk).update(told_at=now)
    return 1


def _require(now: float) -> Held:
    held = get_held(now)
    if held is None:
        raise NothingHeld("No device is held.", hint="See: ostiary baseline list")
    return held


def _release(rows: "models.QuerySet[DeviceVerdict]", *, now: float) -> int:
    """End holds; have the verdicts that were held count, each on record: when they turned nothing was taken away yet."""
    found = list(rows.filter(held_until__gt=0.0).select_related("device", "device__owner").order_by("pk"))
    rows.update(held_until=0.0, hold_ends=0.0, held_checks=[], turned_at=0.0)
    for row in found:
        name, owner = row.device.name, row.device.owner.email
        record_verdict(row, name, owner, compliant=False, now=now, comment="no longer held")
    if found:
        announce_change(SECTION, takes_away=True)
    return len(found)


def _close(now: float) -> None:
    HeldTurn.objects.filter(ended_at=0.0).update(ended_at=now)


def _letter(held: Held, address: str) -> EmailMessage:
    instance = settings.INSTANCE
    shown = {
        "organisation": instance.display_name,
        "held": held,
        "link": instance.url(instance.console_host, "/devices/baselines/held"),
    }
    subject, _, body = render_to_string("baselines/mail/held.txt", shown).partition("\n")
    return EmailMessage(" ".join(subject.split()), body.strip() + "\n", to=[address])
