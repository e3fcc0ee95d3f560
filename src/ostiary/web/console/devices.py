"""A device's page and what is done with one there. The list is in `device_list`; people enrol theirs in the portal."""

import time
from collections.abc import Callable
from functools import partial
from typing import Final

import msgspec
from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from ostiary.devices.facade import (
    HELD,
    Device,
    State,
    UnknownDevice,
    approve_device,
    confirmed_elsewhere,
    deny_device,
    doubts_about,
    get_device,
    quarantine_device,
    release_device,
    rename_device,
    report_lost,
    retire_device,
)
from ostiary.errors import OstiaryError
from ostiary.web.console.acting import ask_and_act
from ostiary.web.console.assertion import caller_of
from ostiary.web.console.device_sections import fill_sections
from ostiary.web.console.device_words import PROTECTION_WORDS, SECURE_BOOT_WORDS, WHY_WORDS, shown
from ostiary.web.console.guard import WRITE, console_page
from ostiary.web.console.page import render_page
from ostiary.web.console.permissions import Action, Resource
from ostiary.web.console.problems import add_problem

SECTION: Final = Resource.DEVICES


class RenameForm(forms.Form):
    """What a device is called."""

    name = forms.CharField(label=gettext_lazy("Name"), max_length=63)


@console_page(Resource.DEVICES, Action.VIEW)
def device(request: HttpRequest, device_id: str) -> HttpResponseBase:
    """Show one device."""
    found = _device_or_404(device_id)
    context = {**_context(found), "sections": fill_sections(found, time.time())}
    return render_page(request, "devices/detail.html", SECTION, context)


@console_page(Resource.DEVICES, Action.CHANGE, methods=WRITE)
def device_rename(request: HttpRequest, device_id: str) -> HttpResponseBase:
    """Call a device something else."""
    found = _device_or_404(device_id)
    form = RenameForm(request.POST or None, initial={"name": found.name})
    if request.method == "POST" and form.is_valid():
        try:
            rename_device(found.id, form.cleaned_data["name"], actor=caller_of(request).actor)
        except OstiaryError as error:
            add_problem(form, error, "name")
        else:
            messages.success(request, _("The device was renamed."))
            return redirect("console:device", found.id)
    context = {**_context(found), "form": form}
    return render_page(request, "devices/rename.html", SECTION, context, status=422 if form.errors else 200)


class Act(msgspec.Struct, frozen=True):
    """What an administrator does to one device, on a page that says so first.

    Args:
        needs: what whoever does it must be allowed.
        do: the use case.
        done: what is said afterwards; `%(name)s` is the device's.
    """

    needs: Action
    do: Callable[..., object]
    done: Promise


ACTS: Final = {
    "approve": Act(Action.GRANT, approve_device, gettext_lazy("%(name)s is approved.")),
    "deny": Act(Action.GRANT, deny_device, gettext_lazy("%(name)s is turned away.")),
    "release": Act(Action.GRANT, release_device, gettext_lazy("%(name)s counts as managed again.")),
    "quarantine": Act(Action.REVOKE, quarantine_device, gettext_lazy("%(name)s is in quarantine.")),
    "lost": Act(Action.REVOKE, report_lost, gettext_lazy("%(name)s is refused for good.")),
    "retire": Act(Action.REVOKE, retire_device, gettext_lazy("%(name)s is retired.")),
}
"""By the last part of the page's address; its template is called the same."""


def device_act(name: str) -> Callable[..., HttpResponseBase]:
    """Return the page that says what an act does to a device, and does it once a reason is given."""
    act = ACTS[name]

    @console_page(Resource.DEVICES, act.needs, methods=WRITE)
    def page(request: HttpRequest, device_id: str) -> HttpResponseBase:
        found = _device_or_404(device_id)
        return ask_and_act(
            request,
            SECTION,
            f"devices/{name}.html",
            _context(found),
            act=partial(act.do, found.id),
            done=str(act.done) % {"name": found.name},
            then=reverse("console:devices") if name == "deny" else reverse("console:device", args=[found.id]),
        )

    return page


def _context(found: Device) -> dict[str, object]:
    return {
        "device": found,
        "line": shown(found),
        "why": WHY_WORDS[found.why] if found.why is not None else "",
        "protection": PROTECTION_WORDS.get(found.key_protection, found.key_protection),
        "secure_boot": SECURE_BOOT_WORDS[found.tpm.secure_boot] if found.tpm is not None else "",
        "ongoing": found.state in HELD,
        "elsewhere": found.state is State.WAITING and confirmed_elsewhere(found),
        "doubts": doubts_about(found) if found.state is State.WAITING else (),
        "back_url": reverse("console:device", args=[found.id]),
    }


def _device_or_404(device_id: str) -> Device:
    try:
        return get_device(device_id)
    except UnknownDevice:
        raise Http404 from None
