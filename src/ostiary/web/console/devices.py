"""Pages about devices: whose they are, which wait to be approved, and ending them. People enrol theirs in the portal."""

import time
from collections.abc import Callable
from functools import partial
from typing import Final

import msgspec
from django import forms
from django.conf import settings
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
    get_device,
    list_devices,
    quarantine_device,
    release_device,
    rename_device,
    report_lost,
    retire_device,
)
from ostiary.errors import OstiaryError
from ostiary.web.console.acting import ask_and_act
from ostiary.web.console.assertion import caller_of
from ostiary.web.console.columns import ShownColumns, with_columns
from ostiary.web.console.device_sections import fill_sections
from ostiary.web.console.device_words import PROTECTION_WORDS, SECURE_BOOT_WORDS, STATE_WORDS, WHY_WORDS, shown
from ostiary.web.console.export import export_table, wants_export
from ostiary.web.console.guard import WRITE, console_page
from ostiary.web.console.listing import cut, matches
from ostiary.web.console.page import page_number, render_page
from ostiary.web.console.permissions import Action, Resource
from ostiary.web.console.problems import add_problem
from ostiary.web.console.tables import DEVICES

SECTION: Final = Resource.DEVICES


class RenameForm(forms.Form):
    """What a device is called."""

    name = forms.CharField(label=gettext_lazy("Name"), max_length=63)


@console_page(Resource.DEVICES, Action.VIEW)
@with_columns(DEVICES)
def devices(request: HttpRequest, columns: ShownColumns) -> HttpResponseBase:
    """List the devices, those that wait to be approved first."""
    text, state = _filters(request)
    page = cut(_found(text, state), page_number(request))
    instance = settings.INSTANCE
    context = {
        "page": page,
        "lines": [shown(one) for one in page.items],
        "columns": columns,
        "text": text,
        "state": state,
        "states": [(one.value, words) for one, words in STATE_WORDS.items()],
        "filtered": bool(text or state),
        "enabled": instance.configuration.devices.enabled,
        "enrol": f"ostiary-agent enrol {instance.url(instance.identity_host, '')}",
    }
    return render_page(request, "devices/list.html", SECTION, context)


@console_page(Resource.DEVICES, Action.EXPORT)
def devices_export(request: HttpRequest) -> HttpResponseBase:
    """Return the listed devices as a file."""
    if not wants_export(request):
        return redirect("console:devices")
    rows = (
        {
            "id": one.id,
            "name": one.name,
            "owner": one.owner,
            "state": one.state.value,
            "why": one.why.value if one.why else None,
            "platform": one.platform,
            "key": one.thumbprint,
            "key_protection": one.key_protection,
            "enrolled_at": one.enrolled_at,
            "asked_from": one.asked_from,
            "confirmed_from": one.confirmed_from,
            "approved_at": one.approved_at,
            "approved_by": one.approved_by,
            "seen_at": one.seen_at,
            "certified_until": one.certified_until,
        }
        for one in _found(*_filters(request))
    )
    return export_table(request, "devices", rows)


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


def devices_matching(text: str) -> list[Device]:
    """Return devices of which a name, an owner, an identifier or a platform matches, by name."""
    return [one for one in list_devices() if matches(text, (one.id, one.name, one.owner, one.platform))]


def _filters(request: HttpRequest) -> tuple[str, str]:
    return request.GET.get("q", "").strip(), request.GET.get("state", "")


def _found(text: str, state: str) -> list[Device]:
    found = [one for one in devices_matching(text) if not state or one.state == state]
    return sorted(found, key=lambda one: one.state is not State.WAITING)


def _context(found: Device) -> dict[str, object]:
    return {
        "device": found,
        "line": shown(found),
        "why": WHY_WORDS[found.why] if found.why is not None else "",
        "protection": PROTECTION_WORDS.get(found.key_protection, found.key_protection),
        "secure_boot": SECURE_BOOT_WORDS[found.tpm.secure_boot] if found.tpm is not None else "",
        "ongoing": found.state in HELD,
        "elsewhere": found.state is State.WAITING and confirmed_elsewhere(found),
        "back_url": reverse("console:device", args=[found.id]),
    }


def _device_or_404(device_id: str) -> Device:
    try:
        return get_device(device_id)
    except UnknownDevice:
        raise Http404 from None
