"""Access that begins at once in the portal: in an emergency, and as an administrator. Whose that is, is `requests`' to say."""

import time

import structlog
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from ostiary.applications.facade import CONSOLE_APP
from ostiary.errors import OstiaryError
from ostiary.gateway.asking import Openings
from ostiary.identity.entrance import person_actor, return_path_or_start
from ostiary.identity.facade import get_person
from ostiary.policy.identifiers import GroupId, PersonId
from ostiary.policy.request import AuthStrength
from ostiary.requests.facade import (
    FRESH_SECONDS,
    State,
    become_administrator,
    emergency_strength,
    may_become_administrator,
    may_use_emergency,
    use_emergency,
)
from ostiary.web.portal.request_asking import nothing_to_ask
from ostiary.web.portal.request_forms import EmergencyForm, WhyForm
from ostiary.web.portal.request_words import minutes_in_words
from ostiary.web.signin.failures import problem_page
from ostiary.web.signin.people import signed_in
from ostiary.web.signin.prove import fresh_proof_or_page
from ostiary.web.signin.targets import app_or_none

log = structlog.get_logger(__name__)


@require_http_methods(["GET", "POST"])
def emergency(request: HttpRequest) -> HttpResponse:
    """Get into an app at once, by a fresh proof and with a reason that others review."""
    row, session = signed_in(request)
    if not may_use_emergency(PersonId(row.id)):
        return _not_theirs(request, _("Emergency access is not yours to use"), _("You may ask for access instead."))
    app, path = app_or_none(request.GET.get("app", "")), return_path_or_start(request.GET.get("return", "/"))
    if app is None or app.builtin:
        return nothing_to_ask(request)
    try:
        groups = Openings().groups_for(get_person(PersonId(row.id)), app.id, path)
    except OstiaryError as error:
        log.error("portal_rules_unusable", detail=str(error))
        groups = ()
    if not groups:
        return nothing_to_ask(request)
    words = _("Emergency access needs a fresh proof.")
    since = time.time() - FRESH_SECONDS
    if page := fresh_proof_or_page(request, need=emergency_strength(row), since=since, app=app, words=words):
        return page
    form = EmergencyForm(groups, request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            used = use_emergency(
                person_id=PersonId(row.id),
                group_id=GroupId(form.cleaned_data["group"]),
                reason=form.cleaned_data["reason"],
                proofs=session.authentications,
                app=app.id,
                return_path=path,
                actor=person_actor(request, row),
            )
        except OstiaryError as error:
            form.add_error(None, f"{error} {error.hint}".strip())
        else:
            messages.success(request, _("You are in. Everybody concerned is told now, and somebody else reviews it."))
            return HttpResponseRedirect(reverse("portal_request", args=[used.id]))
    access = settings.INSTANCE.configuration.access
    context = {
        "form": form,
        "app": app,
        "several": len(groups) > 1,
        "span": minutes_in_words(access.emergency_minutes),
        "days": access.review_days,
        "portal_tab": "requests",
    }
    return render(request, "portal/request_emergency.html", context, status=422 if form.errors else 200)


@require_http_methods(["GET", "POST"])
def administrator(request: HttpRequest) -> HttpResponse:
    """Become an administrator for a while, by a passkey used now and with a reason."""
    row, session = signed_in(request)
    console, path = app_or_none(CONSOLE_APP), return_path_or_start(request.GET.get("return", "/"))
    if console is None or not may_become_administrator(PersonId(row.id)):
        words = _("It is for people whom an administrator named, and who are none at the moment.")
        return _not_theirs(request, _("You cannot become an administrator"), words)
    words = _("Becoming an administrator needs your passkey, now.")
    need, since = AuthStrength.PHISHING_RESISTANT, time.time() - FRESH_SECONDS
    if page := fresh_proof_or_page(request, need=need, since=since, app=console, words=words):
        return page
    form = WhyForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            asked = become_administrator(
                person_id=PersonId(row.id),
                reason=form.cleaned_data["reason"],
                proofs=session.authentications,
                return_path=path,
                actor=person_actor(request, row),
            )
        except OstiaryError as error:
            form.add_error(None, f"{error} {error.hint}".strip())
        else:
            now = asked.state is State.GRANTED
            messages.success(
                request,
                _("You are an administrator for a while.")
                if now
                else _("Your request is on its way. You get a mail when it is answered."),
            )
            return HttpResponseRedirect(reverse("portal_request", args=[asked.id]))
    access = settings.INSTANCE.configuration.access
    context = {
        "form": form,
        "span": minutes_in_words(access.administrator_minutes),
        "waits": access.administrator_approval == "administrator",
        "portal_tab": "requests",
    }
    return render(request, "portal/request_administrator.html", context, status=422 if form.errors else 200)


def _not_theirs(request: HttpRequest, title: str, words: str) -> HttpResponse:
    return problem_page(request, status=403, title=title, words=words)
