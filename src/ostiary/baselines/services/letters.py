"""Letters to whoever has a device: of each stage that a check reached, and of what is not known and blocks. Each is tried three times at most."""

from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

import structlog
from django.conf import settings
from django.core.mail import EmailMessage
from django.db.models import Exists, F, OuterRef, QuerySet
from django.template.loader import render_to_string

from ostiary.baselines.domain.document import Check, Stage
from ostiary.baselines.domain.evaluation import NEVER, Finding, Outcome, block_at
from ostiary.baselines.domain.standing import Standing
from ostiary.baselines.models import DeviceVerdict, Failing, NotKnown
from ostiary.baselines.services.cases import devices_judged
from ostiary.baselines.services.looking import look_at
from ostiary.devices.facade import FACTS, Device, Posture, UnknownDevice, UnusableDevice, get_device, get_posture
from ostiary.devices.models import DevicePosture

LETTERS_AT_ONCE: Final = 20
"""In one run: verdicts must not run out behind a slow mail server. The others have their turn in the next run."""
AGAIN_SECONDS: Final = (900.0, 43200.0)
"""So long after a letter could not be sent it is tried again: soon, and half a day later. Then it is given up."""
UNKNOWN_SECONDS: Final = 600.0
"""What is not known for a shorter time is nothing to write about: the next report may tell it."""
DAY_SECONDS: Final = 86400.0
_TOLD_OF: Final = {stage.value: number for number, stage in enumerate(Stage)}

log = structlog.get_logger(__name__)


def tell_owners(*, now: float) -> int:
    """Write to whoever has a device about each stage that a check of it reached, once. Return of how many devices it was tried.

    Of those that are held nobody is told that they are blocked: they are not.
    """
    rows = Failing.objects.filter(stage__in=(Stage.NOTIFY, Stage.WARN, Stage.BLOCK)).exclude(stage=F("told"))
    found: dict[str, list[Failing]] = {}
    held = DeviceVerdict.objects.filter(compliant=False, held_until__gt=now).values("pk")
    for row in rows.select_related("device").filter(device__in=devices_judged().exclude(pk__in=held)):
        if _TOLD_OF.get(row.told, -1) < _TOLD_OF[row.stage] and _has_its_turn(row, now):
            found.setdefault(row.device_id, []).append(row)
    chosen = list(found.items())[:LETTERS_AT_ONCE]
    for device, failing in chosen:
        mine = [row for row in failing if _claim(Failing.objects.filter(told=row.told), row, now)]
        if mine and _tell_of_stages(device, {row.check_name for row in mine}, now=now):
            for row in mine:
                Failing.objects.filter(pk=row.pk, stage=row.stage).update(told=row.stage, tries=0)
    return len(chosen)


def tell_of_unknown(*, now: float) -> int:
    """Write to whoever has a device that is blocked because something is not known, once a day at most. Return as for `tell_owners`.

    Only where somebody looked at the device since: of a computer that is switched off nothing is known, and it is no news.
    """
    _note_unknown(now)
    waiting = NotKnown.objects.filter(since__gt=0.0, since__lte=now - UNKNOWN_SECONDS, told_at__lt=F("since"))
    since = [row for row in waiting.filter(told_at__lte=now - DAY_SECONDS) if _has_its_turn(row, now)]
    looked = dict(
        DevicePosture.objects.filter(device__in=[row.pk for row in since])
        .order_by("looked_at")
        .values_list("device_id", "looked_at")
    )
    chosen = [row for row in since if row.pk in looked and looked[row.pk].timestamp() >= row.since][:LETTERS_AT_ONCE]
    for row in chosen:
        if _claim(NotKnown.objects.filter(told_at=row.told_at), row, now) and _tell_what_is_unknown(row.pk, now=now):
            NotKnown.objects.filter(pk=row.pk).update(told_at=now, tries=0)
    return len(chosen)


def _note_unknown(now: float) -> None:
    """Keep since when each device is blocked because something is not known. Nothing is written where nothing is new."""
    blocked = DeviceVerdict.objects.filter(compliant=False, unknown=True, held_until__lte=now)
    blocked = blocked.filter(device__in=devices_judged())
    noted = NotKnown.objects.filter(pk=OuterRef("pk"))
    rows = NotKnown.objects.annotate(blocked=Exists(blocked.filter(pk=OuterRef("pk"))))
    over = list(rows.filter(since__gt=0.0, blocked=False).values_list("pk", flat=True))
    if over:
        NotKnown.objects.filter(pk__in=over).update(since=0.0, tries=0)
    again = list(rows.filter(since=0.0, blocked=True).values_list("pk", flat=True))
    if again:
        NotKnown.objects.filter(pk__in=again).update(since=now)
    first = [NotKnown(device_id=one, since=now) for one in blocked.exclude(Exists(noted)).values_list("pk", flat=True)]
    if first:
        NotKnown.objects.bulk_create(first, ignore_conflicts=True)


def _has_its_turn(row: Failing | NotKnown, now: float) -> bool:
    if not row.tries:
        return True
    return row.tries <= len(AGAIN_SECONDS) and now >= row.tried_at + AGAIN_SECONDS[row.tries - 1]


def _claim(rows: QuerySet[Any], row: Failing | NotKnown, now: float) -> bool:
    """Count the try before it: what is killed while it sends is tried again later, and nothing is sent by two at once."""
    return bool(rows.filter(pk=row.pk, tries=row.tries).update(tries=row.tries + 1, tried_at=now))


def _tell_of_stages(device: str, wanted: Collection[str], *, now: float) -> bool:
    """Write about checks that fail; return whether that is done with."""
    looked = _look(device, now)
    if looked is None:
        return False
    found, standing = looked
    findings = {
        one.check.name: one
        for judged in standing.of_required
        for one in judged.failing
        if one.check.name in wanted and one.since is not None
    }
    if not findings:
        return False
    ends = min(block_at(one, now) for one in findings.values())
    shown = {
        "blocked": any(one.blocks for one in findings.values()),
        "ends_at": None if ends == NEVER else datetime.fromtimestamp(ends, UTC),
        "checks": [(one.check, _mend(one.check, standing.platform)) for one in findings.values()],
    }
    return _send("failing", found, shown)


def _tell_what_is_unknown(device: str, *, now: float) -> bool:
    looked = _look(device, now)
    if looked is None:
        return False
    found, standing = looked
    findings = {
        one.check.name: one
        for judged in standing.of_required
        for one in judged.failing
        if one.blocks and one.outcome is Outcome.UNKNOWN
    }
    if not findings:
        return False
    posture = get_posture(device, now=now)
    return _send("unknown", found, {"checks": [(one.check, _unknown(one, posture)) for one in findings.values()]})


def _unknown(finding: Finding, posture: Posture) -> Sequence[tuple[str, str, bool]]:
    """Each fact that is not known in words, why where somebody said so, and whether only those told it whose word is worth less."""
    return [(FACTS[name].words, posture.unknown.get(name, ""), name in posture.known) for name in finding.failing]


def _look(device: str, now: float) -> tuple[Device, Standing] | None:
    try:
        return get_device(device), look_at(device, now=now)
    except (UnknownDevice, UnusableDevice):
        return None


def _send(name: str, device: Device, shown: Mapping[str, Any]) -> bool:
    instance = settings.INSTANCE
    context = {
        "organisation": instance.display_name,
        "device": device,
        "address": instance.url(instance.identity_host, f"/devices/{device.id}/mend"),
        **shown,
    }
    subject, _, body = render_to_string(f"baselines/mail/{name}.txt", context).partition("\n")
    try:
        EmailMessage(" ".join(subject.split()), body.strip() + "\n", to=[device.owner]).send()
    except Exception as error:
        log.error("compliance_mail_not_sent", device=device.id, error=str(error))
        return False
    return True


def _mend(check: Check, platform: str | None) -> str:
    return next((steps for one, steps in check.mend.items() if one == platform), "")
