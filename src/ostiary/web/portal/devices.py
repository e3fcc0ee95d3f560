"""My devices: what there is, confirming a computer that asks to be enrolled, renaming, giving up, reporting lost."""

import time
from dataclasses import dataclass

from django import forms
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from ostiary.baselines.facade import list_stands
from ostiary.devices.facade import (
    HELD,
    Asking,
    Device,
    Posture,
    UnknownCode,
    UnknownDevice,
    UnusableDevice,
    confirm_enrolment,
    get_device,
    give_up_device,
    list_devices,
    list_postures,
    look_at_enrolment,
    refuse_enrolment,
    rename_device,
    report_lost,
)
from ostiary.devices.facade import State as DeviceState
from ostiary.errors import OstiaryError
from ostiary.identity.entrance import person_actor
from ostiary.identity.facade import client_of
from ostiary.policy.identifiers import PersonId
from ostiary.web.fact_words import ShownFact, shown_facts
from ostiary.web.signin.people import signed_in
from ostiary.web.signin.prove import recent_proof_or_redirect


class CodeForm(forms.Form):
    """The code that a computer shows."""

    code = forms.CharField(
        label=gettext_lazy("The code on the computer's screen"),
        max_length=40,
        widget=forms.TextInput(
            attrs={"autocomplete": "off", "autocapitalize": "characters", "spellcheck": "false", "class": "code"}
        ),
    )


class NameForm(forms.Form):
    """What a device is called."""

    name = forms.CharField(label=gettext_lazy("Name"), max_length=63)


@dataclass(frozen=True, slots=True)
class KnownOf:
    """What is known of a device, for its owner: what looks bad first, and everything.

    `stale`: it was told of, but too long ago. `looked_at`: when it was told of last, seconds since the epoch.
    """

    bad: tuple[ShownFact, ...]
    facts: tuple[ShownFact, ...]
    stale: bool
    looked_at: float | None


def known_of(posture: Posture | None) -> KnownOf | None:
    """Return what is known of a device, for its owner; `None` where nothing was ever told of it."""
    if posture is None or posture.reported_at is None:
        return None
    facts = shown_facts(posture)
    bad = tuple(one for one in facts if one.meaning == "refused")
    return KnownOf(bad=bad, facts=facts, stale=not posture.known, looked_at=posture.reported_at)


@require_safe
def devices(request: HttpRequest) -> HttpResponse:
    """Show the person's devices, those in use first."""
    row, _session = signed_in(request)
    found = sorted(list_devices(owner=PersonId(row.id)), key=lambda one: (one.state not in HELD, one.name.lower()))
    now = time.time()
    postures = list_postures(now=now, devices=[one.id for one in found if one.state in HELD])
    enabled = settings.INSTANCE.configuration.devices.enabled
    stands = list_stands([one.id for one in found], now=now) if enabled else {}
    context = {
        "devices": [(one, one.state in HELD, known_of(postures.get(one.id)), stands.get(one.id)) for one in found],
        "enabled": enabled,
        "portal_tab": "devices",
    }
    return render(request, "portal/devices.html", context)


@never_cache
@require_http_methods(["GET", "POST"])
def enrol(request: HttpRequest) -> HttpResponse:
    """After a fresh proof: take a code, show what asks under it and from where, and take a yes or a no.

    The code is in no address, and nothing is said yes to in one step: a link somebody sends cannot do it.
    """
    row, _session = signed_in(request)
    if (redirect := recent_proof_or_redirect(request)) is not None:
        return redirect
    form = CodeForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        person, address = PersonId(row.id), client_of(request).address
        try:
            asking = look_at_enrolment(form.cleaned_data["code"], person_id=person, address=address)
            if (answer := request.POST.get("answer")) is None:
                return render(request, "portal/device_confirm.html", {"asking": asking, "portal_tab": "devices"})
            return _answered(request, asking, answer)
        except (UnknownCode, UnusableDevice) as error:
            form.add_error("code", str(error))
    context = {"form": form, "portal_tab": "devices"}
    return render(request, "portal/device_enrol.html", context, status=422 if form.errors else 200)


@require_http_methods(["GET", "POST"])
def lost(request: HttpRequest, device_id: str) -> HttpResponse:
    """Say what follows, then end the device and sign its owner out everywhere, here included."""
    row, _session = signed_in(request)
    try:
        found = device_of(device_id, PersonId(row.id))
        if request.method == "GET":
            return render(request, "portal/device_lost.html", {"device": found, "portal_tab": "devices"})
        report_lost(found.id, actor=person_actor(request, row), reason="reported by its owner")
    except (UnknownDevice, UnusableDevice):
        return device_gone(request)
    request.session.flush()
    messages.success(
        request, _("“%(name)s” is refused everywhere, and you are signed out everywhere.") % {"name": found.name}
    )
    return HttpResponseRedirect(reverse("account_login"))


@require_http_methods(["GET", "POST"])
def retire(request: HttpRequest, device_id: str) -> HttpResponse:
    """Say what follows, then end a device that is not used any more."""
    row, _session = signed_in(request)
    try:
        found = device_of(device_id, PersonId(row.id))
        if found.state is DeviceState.QUARANTINED:
            messages.warning(
                request,
                _("“%(name)s” is in quarantine. An administrator releases or retires it.") % {"name": found.name},
            )
            return HttpResponseRedirect(reverse("portal_devices"))
        if request.method == "GET":
            return render(request, "portal/device_retire.html", {"device": found, "portal_tab": "devices"})
        give_up_device(found.id, actor=person_actor(request, row), reason="given up by its owner")
    except (UnknownDevice, UnusableDevice):
        return device_gone(request)
    messages.success(request, _("“%(name)s” is given up.") % {"name": found.name})
    return HttpResponseRedirect(reverse("portal_devices"))


@require_http_methods(["GET", "POST"])
def rename(request: HttpRequest, device_id: str) -> HttpResponse:
    """Call a device something else."""
    row, _session = signed_in(request)
    try:
        found = device_of(device_id, PersonId(row.id))
    except UnknownDevice:
        return device_gone(request)
    form = NameForm(request.POST or None, initial={"name": found.name})
    if request.method == "POST" and form.is_valid():
        try:
            renamed = rename_device(found.id, form.cleaned_data["name"], actor=person_actor(request, row))
        except OstiaryError as error:
            form.add_error("name", str(error))
        else:
            messages.success(request, _("It is called “%(name)s” now.") % {"name": renamed.name})
            return HttpResponseRedirect(reverse("portal_devices"))
    context = {"form": form, "device": found, "portal_tab": "devices"}
    return render(request, "portal/device_rename.html", context, status=422 if form.errors else 200)


def _answered(request: HttpRequest, asking: Asking, answer: str) -> HttpResponse:
    """Do what the person said of the very computer they saw; another key under the same code is another computer."""
    row, _session = signed_in(request)
    seen, actor = request.POST.get("seen", ""), person_actor(request, row)
    if answer != "yes":
        refuse_enrolment(asking.code, seen, actor=actor)
        messages.info(request, _("You said no: “%(name)s” is not enrolled.") % {"name": asking.name})
        return HttpResponseRedirect(reverse("portal_devices"))
    device = confirm_enrolment(
        asking.code, seen, person_id=PersonId(row.id), address=client_of(request).address, actor=actor
    )
    if device.state is DeviceState.WAITING:
        words = _("“%(name)s” is yours. An administrator has yet to approve it.")
    else:
        words = _("“%(name)s” is enrolled. It gets its certificate by itself.")
    messages.success(request, words % {"name": device.name})
    return HttpResponseRedirect(reverse("portal_devices"))


def device_gone(request: HttpRequest) -> HttpResponse:
    """Say that a device is not there (any more), and show those that are."""
    messages.info(request, _("That device is gone already."))
    return HttpResponseRedirect(reverse("portal_devices"))


def device_of(device_id: str, person_id: PersonId) -> Device:
    """Return a device of the person; somebody else's does not exist for these pages."""
    found = get_device(device_id)
    if found.owner_id != person_id or found.state not in HELD:
        raise UnknownDevice("There is no such device.")
    return found
