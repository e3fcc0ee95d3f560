"""Pages about the directories that keep people and groups here by SCIM: which, made with a token shown once, revoked."""

import time
from functools import partial

from django import forms
from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponseBase
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from ostiary.errors import OstiaryError
from ostiary.scim.facade import add_client, list_clients, revoke_client
from ostiary.web.console.acting import ask_and_act
from ostiary.web.console.assertion import caller_of
from ostiary.web.console.guard import WRITE, console_page
from ostiary.web.console.listing import cut, matches
from ostiary.web.console.page import page_number, render_page
from ostiary.web.console.permissions import Action, Resource
from ostiary.web.console.problems import add_problem
from ostiary.web.console.reasons import ReasonForm

SECTION = Resource.PEOPLE


class ClientForm(ReasonForm):
    """What a directory is called, and how long its token works."""

    name = forms.CharField(
        label=gettext_lazy("Name"),
        max_length=63,
        help_text=gettext_lazy("As it stands on record: small letters, digits and hyphens."),
    )
    lifetime = forms.CharField(
        label=gettext_lazy("How long the token works"),
        max_length=10,
        initial="365d",
        help_text=gettext_lazy("Hours, days or weeks: 12h, 365d, 52w."),
    )
    field_order = ("name", "lifetime", "reason")


@console_page(Resource.PEOPLE, Action.VIEW)
def scim_clients(request: HttpRequest) -> HttpResponseBase:
    """List the clients, those included whose token is worth nothing any more."""
    text, now = request.GET.get("q", "").strip()[:200], time.time()
    page = cut([one for one in list_clients() if matches(text, (one.name,))], page_number(request))
    context = {
        "page": page,
        "lines": [(one, one.works(now)) for one in page.items],
        "text": text,
        "enabled": settings.INSTANCE.configuration.scim.enabled,
    }
    return render_page(request, "scim/list.html", SECTION, context)


@console_page(Resource.PEOPLE, Action.CHANGE, methods=WRITE)
def scim_client_add(request: HttpRequest) -> HttpResponseBase:
    """Let a directory keep people and groups here; its token is shown once."""
    form = ClientForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        try:
            added = add_client(
                given["name"], actor=caller_of(request).actor, lifetime=given["lifetime"], reason=given["reason"]
            )
        except OstiaryError as error:
            add_problem(form, error)
        else:
            instance = settings.INSTANCE
            context = {"added": added, "url": instance.url(instance.identity_host, "/scim/v2")}
            return render_page(request, "scim/added.html", SECTION, context)
    context = {"form": form, "back_url": reverse("console:scim_clients")}
    return render_page(request, "scim/add.html", SECTION, context, status=422 if form.errors else 200)


@console_page(Resource.PEOPLE, Action.CHANGE, methods=WRITE)
def scim_client_revoke(request: HttpRequest, client_name: str) -> HttpResponseBase:
    """Say what taking a token back does, and do it."""
    client = next((one for one in list_clients() if one.name == client_name and one.revoked_at is None), None)
    if client is None:
        raise Http404
    clients = reverse("console:scim_clients")
    return ask_and_act(
        request,
        SECTION,
        "scim/revoke.html",
        {"client": client, "back_url": clients},
        act=partial(revoke_client, client.name),
        done=_("%(name)s may not keep people here any more.") % {"name": client.name},
        then=clients,
    )
