"""Pages on which a person says which device a record of device management is about: one, or several that are suggested."""

from functools import partial
from typing import Any, Final

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from ostiary.devices.facade import find_devices
from ostiary.errors import OstiaryError
from ostiary.mdm.facade import (
    Connection,
    Kept,
    Suggestion,
    UnknownConnection,
    UnknownRecord,
    get_connection,
    get_record,
    link_record,
    link_suggested,
    list_suggestions,
    unlink_record,
)
from ostiary.web.console.acting import ask_and_act
from ostiary.web.console.assertion import caller_of
from ostiary.web.console.guard import WRITE, console_page
from ostiary.web.console.listing import cut
from ostiary.web.console.page import page_number, render_page
from ostiary.web.console.permissions import Action, Resource
from ostiary.web.console.problems import add_problem
from ostiary.web.console.reasons import ReasonForm

SECTION: Final = Resource.DEVICES
SUGGESTED_AT_ONCE: Final = 100


class LinkForm(ReasonForm):
    """Which device is meant."""

    device = forms.CharField(
        label=gettext_lazy("Device"),
        max_length=63,
        error_messages={"required": gettext_lazy("Choose the device that is meant.")},
    )
    field_order = ("device", "reason")


class SuggestedForm(ReasonForm):
    """Which of the suggested pairs belong together, each as the record's number and the device."""

    pair = forms.MultipleChoiceField(
        label=gettext_lazy("Pairs"),
        error_messages={
            "required": gettext_lazy("Tick what belongs together."),
            "invalid_choice": gettext_lazy("Something changed meanwhile: look at the list again."),
        },
    )

    def __init__(self, data: object, suggestions: tuple[Suggestion, ...]) -> None:
        super().__init__(data)  # type: ignore[arg-type]
        self.fields["pair"].choices = [(pair_key(one), "") for one in suggestions]  # type: ignore[attr-defined]


def pair_key(suggestion: Suggestion) -> str:
    """Return what stands for a suggested pair in the form."""
    return f"{suggestion.record.id}:{suggestion.device.id}"


def device_choice(request: HttpRequest, *, owner: str = "", name: str = "") -> dict[str, Any]:
    """Return what a page needs from which somebody chooses a device, found by words: `page` and `text`.

    Args:
        request: its query says what is looked for.
        owner: an address; their devices come first.
        name: of a computer; what is called so comes before the rest.
    """
    text = request.GET.get("q", "").strip()[:200]
    return {"text": text, "page": find_devices(text=text, owner=owner, name=name, page=page_number(request))}


@console_page(Resource.DEVICES, Action.GRANT, methods=WRITE)
def source_link(request: HttpRequest, record_id: int) -> HttpResponseBase:
    """Say which device a record is about."""
    kept = _record_or_404(record_id)
    if kept.device is not None:
        raise Http404
    form = LinkForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        try:
            linked = link_record(
                kept.id, device=given["device"], actor=caller_of(request).actor, reason=given["reason"]
            )
        except OstiaryError as error:
            add_problem(form, error)
        else:
            messages.success(request, _("What is known there counts for %(name)s.") % {"name": linked.device_name})
            return redirect("console:source", kept.connection)
    context = {
        **device_choice(request, owner=kept.record.owner, name=kept.record.name),
        "form": form,
        "kept": kept,
        "back_url": reverse("console:source", args=[kept.connection]),
    }
    return render_page(request, "sources/link.html", SECTION, context, status=422 if form.errors else 200)


@console_page(Resource.DEVICES, Action.GRANT, methods=WRITE)
def source_unlink(request: HttpRequest, record_id: int) -> HttpResponseBase:
    """Take back which device a record is about."""
    kept = _record_or_404(record_id)
    if kept.device is None:
        raise Http404
    back = reverse("console:source", args=[kept.connection])
    return ask_and_act(
        request,
        SECTION,
        "sources/unlink.html",
        {"kept": kept, "back_url": back},
        act=partial(unlink_record, kept.id),
        done=_("%(name)s is linked with no device any more.") % {"name": kept.record.name or kept.record.there},
        then=back,
    )


@console_page(Resource.DEVICES, Action.GRANT, methods=WRITE)
def source_suggested(request: HttpRequest, connection_name: str) -> HttpResponseBase:
    """Show which records are probably about which device, and link those that a person ticks."""
    connection = connection_or_404(connection_name)
    suggestions = list_suggestions(connection.name)
    form = SuggestedForm(request.POST or None, suggestions)
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        pairs = [(int(number), device) for number, _colon, device in (one.partition(":") for one in given["pair"])]
        try:
            linked = link_suggested(connection.name, pairs, actor=caller_of(request).actor, reason=given["reason"])
        except OstiaryError as error:
            add_problem(form, error)
        else:
            said = ngettext("%(count)d record is linked.", "%(count)d records are linked.", len(linked))
            messages.success(request, said % {"count": len(linked)})
            return redirect("console:source", connection.name)
    page = cut(suggestions, page_number(request), SUGGESTED_AT_ONCE)
    ticked = set(request.POST.getlist("pair"))
    every = request.GET.get("ticked") == "all" and request.method != "POST"
    context = {
        "connection": connection,
        "page": page,
        "rows": [(one, pair_key(one), every or pair_key(one) in ticked) for one in page.items],
        "every": every,
        "form": form,
        "back_url": reverse("console:source", args=[connection.name]),
    }
    return render_page(request, "sources/suggested.html", SECTION, context, status=422 if form.errors else 200)


def connection_or_404(name: str) -> Connection:
    """Return a connection, or the page that says that there is none."""
    try:
        return get_connection(name)
    except UnknownConnection:
        raise Http404 from None


def _record_or_404(number: int) -> Kept:
    try:
        return get_record(number)
    except UnknownRecord:
        raise Http404 from None
