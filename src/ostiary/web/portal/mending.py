"""What a device lacks, why it matters and how to mend it: for whoever has it, from any device, blocked or not."""

import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from ostiary.baselines.facade import (
    NEVER,
    Excepted,
    ExceptionState,
    Finding,
    Outcome,
    Standing,
    UnusableException,
    ask_exception,
    block_at,
    check_now,
    list_exceptions,
    look_at,
)
from ostiary.devices.facade import (
    HELD,
    REPORT_SECONDS,
    Device,
    Posture,
    State,
    UnknownDevice,
    UnusableDevice,
    get_posture,
    list_devices,
    watch_device,
)
from ostiary.identity.entrance import person_actor
from ostiary.policy.identifiers import PersonId
from ostiary.web.device_standing import SOON_SECONDS, pause_of
from ostiary.web.fact_words import seen_in_words
from ostiary.web.portal.closed_here import closed_here
from ostiary.web.portal.devices import device_gone, device_of
from ostiary.web.signin.device import active_device_of
from ostiary.web.signin.people import signed_in

DAY_SECONDS: Final = 86400.0
ASKED: Final = "again"
PATIENCE_SECONDS: Final = 60.0
"""For how long after it was due the page looks by itself whether the device has reported since it was asked for."""
ASKED_SECONDS: Final = 900.0
"""For how long the address of the page means that somebody asked."""
LOOK_SECONDS: Final = 2


class MoreTimeForm(forms.Form):
    """For how long, and why, something should not be asked of a device."""

    days = forms.IntegerField(label=gettext_lazy("For how many days"), min_value=1, max_value=90, initial=7)
    reason = forms.CharField(
        label=gettext_lazy("Why it cannot be mended now"), max_length=500, widget=forms.Textarea(attrs={"rows": 3})
    )


@dataclass(frozen=True, slots=True)
class Lacking:
    """One thing that is asked of a device and is not so.

    Args:
        name: of the check.
        title: what was looked at and what was seen, a line for each.
        why: what it is good for.
        steps: how to mend it on this system; empty where nobody wrote any.
        blocks: whether apps are closed because of it.
        held: whether they would be, and are not yet because too many devices failed it at once.
        blocks_at: from when on they will be; `None` for never.
        since: when it began; `None` where it is not known at all.
        unknown: whether nobody can tell how it is.
        asked: the exception that was asked for last, where nobody has answered it yet or it was refused.
    """

    name: str
    title: tuple[str, ...]
    why: str
    steps: str
    severity: str
    blocks: bool
    held: bool
    blocks_at: float | None
    since: float | None
    unknown: bool
    asked: Excepted | None


@require_safe
def mend_this(request: HttpRequest) -> HttpResponse:
    """Lead to the page of the device somebody is on, or of the only one they have; never to theirs from somebody else's."""
    row, _session = signed_in(request)
    proven = active_device_of(request)
    if proven is not None and proven.fact.owner != row.id:
        words = _("You are on “%(name)s”, which is somebody else's: what it lacks is shown to them. Here are yours.")
        messages.info(request, words % {"name": proven.fact.name})
        return HttpResponseRedirect(reverse("portal_devices"))
    mine = [one.id for one in list_devices(owner=PersonId(row.id)) if one.state in _JUDGED]
    here = [one for one in mine if proven is not None and one == proven.fact.id] or mine
    if len(here) != 1:
        return HttpResponseRedirect(reverse("portal_devices"))
    return HttpResponseRedirect(reverse("portal_mend", args=(here[0],)))


@never_cache
@require_safe
def mend(request: HttpRequest, device_id: str) -> HttpResponse:
    """Say what a device lacks and how to mend it."""
    row, session = signed_in(request)
    now = time.time()
    try:
        found = _judged(device_id, PersonId(row.id))
    except UnknownDevice:
        return device_gone(request)
    try:
        standing, posture = look_at(found.id, now=now), get_posture(found.id, now=now)
    except (UnknownDevice, UnusableDevice):
        return device_gone(request)
    watched = watch_device(found.id, now=now)
    asked = _asked_at(request, now)
    waits = asked is not None and (found.seen_at is None or found.seen_at < asked)
    due_at = _due_at(found, standing, watched, now)
    required = [one for judged in standing.of_required for one in judged.findings]
    context = {
        "device": found,
        "standing": standing,
        "posture": posture,
        "closed": closed_here(request, found, session, standing, posture, now=now)
        if found.state is State.ACTIVE
        else (),
        "lacking": _lacking(standing, posture, list_exceptions(device=found.id), now),
        "held": [one for one in _once(required) if one.outcome is Outcome.HOLDS],
        "excepted": [one for one in _once(required) if one.outcome is Outcome.EXCEPTED],
        "asked": asked,
        "waits": waits,
        "gave_up": waits and asked is not None and now > max(asked, due_at) + PATIENCE_SECONDS,
        "due_seconds": max(0, round((due_at - now) / 10) * 10),
        "look_seconds": LOOK_SECONDS,
        "portal_tab": "devices",
    }
    return render(request, "portal/mend.html", context)


@require_POST
def check_again(request: HttpRequest, device_id: str) -> HttpResponse:
    """Judge the device on what is known, and wait for its agent's next word, which comes every few seconds while somebody looks."""
    row, _session = signed_in(request)
    try:
        found = _judged(device_id, PersonId(row.id))
    except UnknownDevice:
        return device_gone(request)
    now = time.time()
    check_now(found.id, now=now)
    watch_device(found.id, now=now)
    return HttpResponseRedirect(f"{reverse('portal_mend', args=(found.id,))}?{ASKED}={now:.3f}")


@require_http_methods(["GET", "POST"])
def more_time(request: HttpRequest, device_id: str, check: str) -> HttpResponse:
    """Ask that something is not asked of a device for a while. Somebody else answers."""
    row, _session = signed_in(request)
    now = time.time()
    try:
        found = _judged(device_id, PersonId(row.id))
    except UnknownDevice:
        return device_gone(request)
    form = MoreTimeForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        until = now + form.cleaned_data["days"] * DAY_SECONDS
        try:
            ask_exception(
                found.id,
                check,
                until=until,
                reason=form.cleaned_data["reason"],
                now=now,
                actor=person_actor(request, row),
            )
        except UnusableException as error:
            form.add_error(None, str(error))
        else:
            messages.success(request, _("You asked. You are told here as soon as somebody answers."))
            return HttpResponseRedirect(reverse("portal_mend", args=(found.id,)))
    context = {"form": form, "device": found, "check": check, "portal_tab": "devices"}
    return render(request, "portal/mend_more_time.html", context, status=422 if form.errors else 200)


_JUDGED: Final = HELD - {State.WAITING}


def _judged(device_id: str, person: PersonId) -> Device:
    """Return a device of the person of which something is asked; any other does not exist for these pages."""
    found = device_of(device_id, person)
    if found.state not in _JUDGED:
        raise UnknownDevice("There is no such device.")
    return found


def _asked_at(request: HttpRequest, now: float) -> float | None:
    """Return when the device was asked to report, as the address of the page says; `None` for anything else."""
    try:
        asked = float(request.GET.get(ASKED, ""))
    except ValueError:
        return None
    return asked if now - ASKED_SECONDS < asked <= now else None


def _due_at(device: Device, standing: Standing, watched: float, now: float) -> float:
    """Return when a device reports at the latest: as it was told last, which depends on how it stood and whether somebody looked."""
    if device.seen_at is None:
        return now
    since = [one.since for judged in standing.of_required for one in judged.failing]
    lately = all(one is not None and one > device.seen_at + 1.0 for one in since)
    if 0.0 < watched <= device.seen_at:
        return device.seen_at + SOON_SECONDS
    return device.seen_at + (REPORT_SECONDS if lately else pause_of(standing, now=now))


def _once(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Return each check once: several baselines may ask the same; the one that takes more away is told of."""
    found: dict[str, Finding] = {}
    for one in findings:
        if one.check.name not in found or one.blocks:
            found[one.check.name] = one
    return tuple(found.values())


def _lacking(standing: Standing, posture: Posture, exceptions: Iterable[Excepted], now: float) -> tuple[Lacking, ...]:
    latest = {one.check: one for one in reversed(tuple(exceptions))}
    shown = {ExceptionState.WAITING, ExceptionState.REFUSED}
    asked = {check: one for check, one in latest.items() if one.state in shown}
    failing = _once(one for judged in standing.of_required for one in judged.failing)
    found = [_as_lacking(one, standing, posture, asked.get(one.check.name), now) for one in failing]
    return tuple(sorted(found, key=lambda one: (not one.blocks, one.blocks_at or NEVER, one.name)))


def _as_lacking(one: Finding, standing: Standing, posture: Posture, asked: Excepted | None, now: float) -> Lacking:
    ends = block_at(one, now)
    return Lacking(
        name=one.check.name,
        title=tuple(seen_in_words(fact, posture, one.check.evidence) for fact in one.failing),
        why=one.check.why,
        steps=one.check.mend.get(standing.platform, "") if standing.platform is not None else "",
        severity=one.check.severity.value,
        blocks=one.blocks,
        held=one.blocks and one.check.name in standing.verdict.held_checks,
        blocks_at=None if ends == NEVER else ends,
        since=one.since,
        unknown=one.outcome is Outcome.UNKNOWN,
        asked=asked,
    )
