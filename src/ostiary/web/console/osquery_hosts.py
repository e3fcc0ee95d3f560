"""Pages about hosts that run osquery: the secrets they enrol with, and which device each is."""

from functools import partial
from typing import Final

from django import forms
from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from ostiary.errors import OstiaryError
from ostiary.osquery.facade import (
    Host,
    UnknownHost,
    add_secret,
    get_host,
    link_host,
    list_hosts,
    list_secrets,
    remove_host,
    revoke_secret,
    unlink_host,
)
from ostiary.web.console.acting import ask_and_act
from ostiary.web.console.assertion import caller_of
from ostiary.web.console.guard import WRITE, console_page
from ostiary.web.console.listing import cut, matches
from ostiary.web.console.page import page_number, render_page
from ostiary.web.console.permissions import Action, Resource
from ostiary.web.console.problems import add_problem
from ostiary.web.console.reasons import ReasonForm
from ostiary.web.console.source_links import LinkForm, device_choice

SECTION: Final = Resource.DEVICES


class SecretForm(ReasonForm):
    """What an enrol secret is called, and how long it works."""

    name = forms.CharField(
        label=gettext_lazy("Name"),
        max_length=63,
        help_text=gettext_lazy("As it stands on record: small letters, digits and hyphens."),
    )
    lifetime = forms.CharField(
        label=gettext_lazy("How long it works"),
        max_length=10,
        initial="365d",
        help_text=gettext_lazy("Hours, days or weeks: 12h, 365d, 52w."),
    )
    rotate = forms.BooleanField(
        label=gettext_lazy("Take the place of one of this name"),
        required=False,
        help_text=gettext_lazy("Hosts that have enrolled go on."),
    )
    field_order = ("name", "lifetime", "rotate", "reason")


@console_page(Resource.DEVICES, Action.VIEW)
def osquery_hosts(request: HttpRequest) -> HttpResponseBase:
    """List the hosts, those first that are linked with no device, and the secrets."""
    text = request.GET.get("q", "").strip()[:200]
    found = sorted(
        (one for one in list_hosts() if matches(text, (one.name, one.identifier, one.serial, one.device_name))),
        key=lambda one: one.device is not None,
    )
    context = {
        "page": cut(found, page_number(request)),
        "text": text,
        "secrets": list_secrets(),
        "enabled": settings.INSTANCE.configuration.osquery.enabled,
    }
    return render_page(request, "sources/osquery.html", SECTION, context)


@console_page(Resource.DEVICES, Action.GRANT, methods=WRITE)
def osquery_secret_add(request: HttpRequest) -> HttpResponseBase:
    """Make a secret with which hosts enrol; it is shown once."""
    form = SecretForm(request.POST or None)
    back = reverse("console:osquery_hosts")
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        try:
            made = add_secret(
                given["name"],
                actor=caller_of(request).actor,
                lifetime=given["lifetime"],
                rotate=given["rotate"],
                reason=given["reason"],
            )
        except OstiaryError as error:
            add_problem(form, error)
        else:
            instance = settings.INSTANCE
            context = {"made": made, "host": instance.authority(instance.identity_host), "back_url": back}
            return render_page(request, "sources/secret_made.html", SECTION, context)
    context = {"form": form, "back_url": back}
    return render_page(request, "sources/secret_add.html", SECTION, context, status=422 if form.errors else 200)


@console_page(Resource.DEVICES, Action.GRANT, methods=WRITE)
def osquery_secret_revoke(request: HttpRequest, secret_name: str) -> HttpResponseBase:
    """Let no host enrol with a secret any more."""
    secret = next((one for one in list_secrets() if one.name == secret_name and one.revoked_at is None), None)
    if secret is None:
        raise Http404
    hosts = reverse("console:osquery_hosts")
    return ask_and_act(
        request,
        SECTION,
        "sources/secret_revoke.html",
        {"secret": secret, "back_url": hosts},
        act=partial(revoke_secret, secret.name),
        done=_("No host can enrol with %(name)s any more.") % {"name": secret.name},
        then=hosts,
    )


@console_page(Resource.DEVICES, Action.GRANT, methods=WRITE)
def osquery_link(request: HttpRequest, host_id: int) -> HttpResponseBase:
    """Say which device a host is."""
    host = _host_or_404(host_id, linked=False)
    form = LinkForm(request.POST or None)
    back = reverse("console:osquery_hosts")
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        try:
            linked = link_host(host.id, device=given["device"], actor=caller_of(request).actor, reason=given["reason"])
        except OstiaryError as error:
            add_problem(form, error)
        else:
            messages.success(request, _("What osquery says there counts for %(name)s.") % {"name": linked.device_name})
            return redirect(back)
    context = {**device_choice(request, name=host.name.partition(".")[0]), "form": form, "host": host, "back_url": back}
    return render_page(request, "sources/osquery_link.html", SECTION, context, status=422 if form.errors else 200)


@console_page(Resource.DEVICES, Action.GRANT, methods=WRITE)
def osquery_unlink(request: HttpRequest, host_id: int) -> HttpResponseBase:
    """Take back which device a host is."""
    host = _host_or_404(host_id, linked=True)
    back = reverse("console:osquery_hosts")
    return ask_and_act(
        request,
        SECTION,
        "sources/osquery_unlink.html",
        {"host": host, "back_url": back},
        act=partial(unlink_host, host.id),
        done=_("%(name)s is linked with no device any more.") % {"name": host.name},
        then=back,
    )


@console_page(Resource.DEVICES, Action.REVOKE, methods=WRITE)
def osquery_remove(request: HttpRequest, host_id: int) -> HttpResponseBase:
    """Put a host out."""
    host = _host_or_404(host_id)
    back = reverse("console:osquery_hosts")
    return ask_and_act(
        request,
        SECTION,
        "sources/osquery_remove.html",
        {"host": host, "back_url": back},
        act=partial(remove_host, host.id),
        done=_("%(name)s is put out.") % {"name": host.name},
        then=back,
    )


def _host_or_404(number: int, *, linked: bool | None = None) -> Host:
    try:
        host = get_host(number)
    except UnknownHost:
        raise Http404 from None
    if linked is not None and (host.device is not None) is not linked:
        raise Http404
    return host
