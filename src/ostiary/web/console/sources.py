"""Pages about who else speaks of devices: device management elsewhere, and what it knows. Linking is in `source_links`."""

from functools import partial
from typing import Final

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from ostiary.errors import OstiaryError
from ostiary.mdm.facade import (
    Connection,
    Kept,
    Kind,
    ask_for_import,
    connect,
    describe,
    list_connections,
    list_records,
    remove_connection,
    try_connection,
)
from ostiary.web.console.acting import ask_and_act
from ostiary.web.console.assertion import caller_of
from ostiary.web.console.guard import WRITE, console_page
from ostiary.web.console.listing import cut, matches
from ostiary.web.console.page import page_number, render_page
from ostiary.web.console.permissions import Action, Resource
from ostiary.web.console.problems import add_problem
from ostiary.web.console.reasons import ReasonForm
from ostiary.web.console.source_links import connection_or_404

SECTION: Final = Resource.DEVICES


class ConnectForm(ReasonForm):
    """What a connection to device management needs. Which of it, its kind says."""

    kind = forms.ChoiceField(label=gettext_lazy("Product"), choices=[(one.value, one.words) for one in Kind])
    name = forms.CharField(
        label=gettext_lazy("Name"),
        max_length=63,
        help_text=gettext_lazy("As it stands on record: small letters, digits and hyphens."),
    )
    address = forms.CharField(
        label=gettext_lazy("Address"),
        max_length=300,
        required=False,
        help_text=gettext_lazy("https:// and the host. Intune: empty for Microsoft's own."),
    )
    tenant = forms.CharField(
        label=gettext_lazy("Tenant"),
        max_length=200,
        required=False,
        help_text=gettext_lazy("Intune alone: the directory's identifier or domain."),
    )
    client = forms.CharField(
        label=gettext_lazy("Client identifier"),
        max_length=200,
        required=False,
        help_text=gettext_lazy("Intune and Jamf Pro."),
    )
    secret = forms.CharField(
        label=gettext_lazy("Token, or the client's secret"),
        max_length=4000,
        widget=forms.PasswordInput(attrs={"autocomplete": "off"}),
        help_text=gettext_lazy("Kept encrypted, and shown nowhere."),
    )
    field_order = ("kind", "name", "address", "tenant", "client", "secret", "reason")


@console_page(Resource.DEVICES, Action.VIEW)
def sources(request: HttpRequest) -> HttpResponseBase:
    """List the connections, and the records that are linked with no device."""
    text = _text(request)
    found = [one for one in list_records(linked=False) if _matches(text, one)]
    page = cut(found, page_number(request))
    context = {"connections": list_connections(), "page": page, "text": text}
    return render_page(request, "sources/list.html", SECTION, context)


@console_page(Resource.DEVICES, Action.CHANGE, methods=WRITE)
def source_connect(request: HttpRequest) -> HttpResponseBase:
    """Ask device management from now on."""
    form = ConnectForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        try:
            described = describe(
                given["kind"], address=given["address"], tenant=given["tenant"], client_id=given["client"]
            )
            made = connect(
                given["name"],
                described,
                secret=given["secret"],
                actor=caller_of(request).actor,
                reason=given["reason"],
            )
        except OstiaryError as error:
            add_problem(form, error)
        else:
            messages.success(request, _("It answers. Its devices come in within a minute."))
            return redirect("console:source", made.name)
    context = {"form": form, "back_url": reverse("console:sources")}
    return render_page(request, "sources/connect.html", SECTION, context, status=422 if form.errors else 200)


@console_page(Resource.DEVICES, Action.VIEW)
def source(request: HttpRequest, connection_name: str) -> HttpResponseBase:
    """Show one connection, and what it knows."""
    connection, text = connection_or_404(connection_name), _text(request)
    found = [one for one in list_records(connection=connection.name) if _matches(text, one)]
    page = cut(found, page_number(request))
    return render_page(request, "sources/detail.html", SECTION, {"connection": connection, "page": page, "text": text})


@console_page(Resource.DEVICES, Action.CHANGE, methods=WRITE)
def source_try(request: HttpRequest, connection_name: str) -> HttpResponseBase:
    """Ask for the first page of devices, and say what came."""
    connection = connection_or_404(connection_name)
    form, tried = forms.Form(request.POST or None), None
    if request.method == "POST":
        try:
            tried = try_connection(connection.name)
        except OstiaryError as error:
            form = forms.Form({})
            add_problem(form, error)
    context = {"form": form, "connection": connection, "tried": tried, "back_url": _page_of(connection)}
    return render_page(request, "sources/try.html", SECTION, context, status=422 if form.errors else 200)


@console_page(Resource.DEVICES, Action.CHANGE, methods=WRITE)
def source_import(request: HttpRequest, connection_name: str) -> HttpResponseBase:
    """Have the worker bring in what a connection knows."""
    connection = connection_or_404(connection_name)
    if request.method == "POST":
        ask_for_import(connection.name, actor=caller_of(request).actor)
        messages.success(request, _("It is asked within ten seconds. How far it is stands here."))
        return redirect("console:source", connection.name)
    context = {"form": forms.Form(), "connection": connection, "back_url": _page_of(connection)}
    return render_page(request, "sources/import.html", SECTION, context)


@console_page(Resource.DEVICES, Action.CHANGE, methods=WRITE)
def source_remove(request: HttpRequest, connection_name: str) -> HttpResponseBase:
    """Ask a system no more."""
    connection = connection_or_404(connection_name)
    return ask_and_act(
        request,
        SECTION,
        "sources/remove.html",
        {"connection": connection, "back_url": _page_of(connection)},
        act=partial(remove_connection, connection.name),
        done=_("%(name)s is not asked any more.") % {"name": connection.name},
        then=reverse("console:sources"),
    )


def _text(request: HttpRequest) -> str:
    return request.GET.get("q", "").strip()[:200]


def _matches(text: str, kept: Kept) -> bool:
    record = kept.record
    return matches(text, (record.there, record.name, record.serial, record.owner, kept.device_name, kept.device or ""))


def _page_of(connection: Connection) -> str:
    return reverse("console:source", args=[connection.name])
