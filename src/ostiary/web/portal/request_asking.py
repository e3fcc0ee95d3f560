"""Asking for access in the portal, and for access to go on. What can be asked for is `requests`' to say."""

import structlog
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from ostiary.errors import OstiaryError
from ostiary.gateway.asking import Openings
from ostiary.identity.entrance import person_actor, return_path_or_start
from ostiary.identity.facade import UnknownGroup, get_group, get_person
from ostiary.policy.identifiers import GroupId, MalformedIdentifier, PersonId, parse_slug
from ostiary.requests.facade import ask, extend
from ostiary.web.portal.request_forms import AskForm, TermForm
from ostiary.web.portal.requests import own_request
from ostiary.web.signin.failures import problem_page
from ostiary.web.signin.people import signed_in
from ostiary.web.signin.targets import app_or_none

log = structlog.get_logger(__name__)


@require_http_methods(["GET", "POST"])
def ask_for_access(request: HttpRequest) -> HttpResponse:
    """Ask to get into an app, or into a group that is named."""
    row, _session = signed_in(request)
    person = get_person(PersonId(row.id))
    app = app_or_none(request.GET.get("app", ""))
    if app is not None and app.builtin:
        return nothing_to_ask(request)
    path = return_path_or_start(request.GET.get("return", "/"))
    named = _named_group(request)
    try:
        groups = (named,) if named else Openings().groups_for(person, app.id, path) if app else ()
    except OstiaryError as error:
        log.error("portal_rules_unusable", detail=str(error))
        groups = ()
    if not groups:
        return nothing_to_ask(request)
    form = AskForm(groups, request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            asked = ask(
                person_id=person.id,
                group_id=GroupId(form.cleaned_data["group"]),
                seconds=form.seconds,
                reason=form.cleaned_data["reason"],
                app=app.id if app else None,
                return_path=path,
                actor=person_actor(request, row),
            )
        except OstiaryError as error:
            form.add_error(None, str(error))
        else:
            messages.success(request, _("Your request is on its way. You get a mail when it is answered."))
            return HttpResponseRedirect(reverse("portal_request", args=[asked.id]))
    context = {"form": form, "app": app, "groups": groups, "portal_tab": "requests"}
    return render(request, "portal/request_new.html", context, status=422 if form.errors else 200)


@require_http_methods(["GET", "POST"])
def go_on(request: HttpRequest, request_id: str) -> HttpResponse:
    """Ask for access to go on after its end."""
    row, _session = signed_in(request)
    asked = own_request(request_id, row)
    form = TermForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            more = extend(
                request_id=asked.id,
                seconds=form.seconds,
                reason=form.cleaned_data["reason"],
                actor=person_actor(request, row),
            )
        except OstiaryError as error:
            form.add_error(None, str(error))
        else:
            messages.success(request, _("Your request is on its way. You get a mail when it is answered."))
            return HttpResponseRedirect(reverse("portal_request", args=[more.id]))
    context = {"form": form, "extends": asked, "portal_tab": "requests"}
    return render(request, "portal/request_new.html", context, status=422 if form.errors else 200)


def _named_group(request: HttpRequest) -> GroupId | None:
    """Return the group that the address names, when there is one that may be asked for."""
    try:
        group = get_group(GroupId(parse_slug(request.GET.get("group", ""), what="group")))
    except (UnknownGroup, MalformedIdentifier):
        return None
    return None if group.builtin else group.id


def nothing_to_ask(request: HttpRequest) -> HttpResponse:
    """Return the page for an app that nobody can be let into by a group."""
    contact = settings.INSTANCE.configuration.contact
    words = _("No group would open this to you, or it is open already.")
    more = _("Write to %(contact)s.") % {"contact": contact} if contact else _("Your administrators can help.")
    return problem_page(request, status=404, title=_("There is nothing to ask for here"), words=f"{words} {more}")
