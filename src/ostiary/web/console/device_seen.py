"""Devices that people use and nobody enrolled: who, with what, from where; asking them to enrol it, or hearing nothing of it."""

import time
from functools import partial
from typing import Final

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from ostiary.devices.facade import Seen, UnknownDevice, ask_to_enrol, get_seen, ignore_seen, list_seen
from ostiary.errors import OstiaryError
from ostiary.web.console.acting import ask_and_act
from ostiary.web.console.assertion import caller_of
from ostiary.web.console.columns import ShownColumns, with_columns
from ostiary.web.console.export import export_table, wants_export
from ostiary.web.console.guard import WRITE, console_page
from ostiary.web.console.listing import cut, matches
from ostiary.web.console.page import page_number, render_page
from ostiary.web.console.permissions import Action, Resource
from ostiary.web.console.problems import add_problem
from ostiary.web.console.reasons import ReasonForm
from ostiary.web.console.tables import SEEN

SECTION: Final = Resource.DEVICES
USUAL_DAYS: Final = 30


class IgnoreForm(ReasonForm):
    """For how long, and why."""

    days = forms.IntegerField(label=gettext_lazy("For how many days"), min_value=0, max_value=365)


@console_page(Resource.DEVICES, Action.VIEW)
@with_columns(SEEN)
def devices_seen(request: HttpRequest, columns: ShownColumns) -> HttpResponseBase:
    """List them, the latest first."""
    text, ignored = _filters(request)
    page = cut(_found(text, ignored=ignored), page_number(request))
    context = {"page": page, "columns": columns, "text": text, "ignored": ignored}
    return render_page(request, "devices/seen.html", SECTION, context)


@console_page(Resource.DEVICES, Action.EXPORT)
def devices_seen_export(request: HttpRequest) -> HttpResponseBase:
    """Return those listed as a file."""
    if not wants_export(request):
        return redirect("console:devices_seen")
    text, ignored = _filters(request)
    rows = (
        {
            "person": one.email,
            "browser": one.browser,
            "network": one.network,
            "first_at": one.first_at,
            "last_at": one.last_at,
            "requests": one.requests,
            "has_device": one.has_device,
            "asked_at": one.asked_at,
            "ignored_until": one.ignored_until,
        }
        for one in _found(text, ignored=ignored)
    )
    return export_table(request, "unknown-devices", rows)


@console_page(Resource.DEVICES, Action.CHANGE, methods=WRITE)
def device_seen_ask(request: HttpRequest, seen_id: int) -> HttpResponseBase:
    """Say what is asked of somebody, and ask it."""
    seen = _seen_or_404(seen_id)
    return ask_and_act(
        request,
        SECTION,
        "devices/seen_ask.html",
        _context(seen),
        act=partial(ask_to_enrol, seen.id, now=time.time()),
        done=_("%(email)s is asked by mail.") % {"email": seen.email},
        then=reverse("console:devices_seen"),
    )


@console_page(Resource.DEVICES, Action.CHANGE, methods=WRITE)
def device_seen_ignore(request: HttpRequest, seen_id: int) -> HttpResponseBase:
    """Say what ignoring it does, ask for how long, and do it."""
    seen = _seen_or_404(seen_id)
    form = IgnoreForm(request.POST or None, initial={"days": USUAL_DAYS})
    if request.method == "POST" and form.is_valid():
        said = form.cleaned_data
        actor = caller_of(request).actor
        try:
            ignore_seen(seen.id, days=said["days"], now=time.time(), actor=actor, reason=said["reason"])
        except OstiaryError as error:
            add_problem(form, error, "days")
        else:
            messages.success(request, _("That is noted."))
            return redirect("console:devices_seen")
    context = {**_context(seen), "form": form}
    return render_page(request, "devices/seen_ignore.html", SECTION, context, status=422 if form.errors else 200)


def _filters(request: HttpRequest) -> tuple[str, bool]:
    return request.GET.get("q", "").strip(), request.GET.get("ignored") == "on"


def _found(text: str, *, ignored: bool) -> list[Seen]:
    every = list_seen(now=time.time(), ignored=ignored)
    return [one for one in every if matches(text, (one.email, one.browser, one.network))]


def _context(seen: Seen) -> dict[str, object]:
    return {"seen": seen, "back_url": reverse("console:devices_seen")}


def _seen_or_404(seen_id: int) -> Seen:
    try:
        return get_seen(seen_id, now=time.time())
    except UnknownDevice:
        raise Http404 from None
