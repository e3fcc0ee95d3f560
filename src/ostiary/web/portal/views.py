"""My apps, my sessions, my profile. Authenticators are in `authenticators`."""

import time

import structlog
from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from ostiary.errors import OstiaryError
from ostiary.identity.entrance import person_actor, send_confirmation
from ostiary.identity.facade import (
    SignInSession,
    TooManyAttempts,
    UnacceptableText,
    UnknownSession,
    client_of,
    get_person,
    get_session,
    list_sessions,
    rename_person,
    revoke_session,
    revoke_sessions_of,
    search_recoveries,
)
from ostiary.policy.identifiers import PersonId, SessionId
from ostiary.web.portal.access import MyApps, my_apps
from ostiary.web.portal.going_on import GoingOnField, ask_about_tokens, name_tokens, wants_tokens_ended
from ostiary.web.portal.standing import missing_for
from ostiary.web.signin.device import device_as_rules_see_it
from ostiary.web.signin.forms import LabelForm
from ostiary.web.signin.people import signed_in

log = structlog.get_logger(__name__)


class EverywhereForm(forms.Form):
    """What else ends with every sign-in."""

    tokens = GoingOnField(initial=True)


@require_safe
def apps(request: HttpRequest) -> HttpResponse:
    """Show what the person may open, then what is a step away."""
    row, session = signed_in(request)
    person = get_person(PersonId(row.id))
    try:
        address, device = client_of(request).address, device_as_rules_see_it(request, person.id)
        mine = my_apps(person=person, session=session, address=address, now=time.time(), device=device)
        unreadable = False
    except OstiaryError as error:
        log.error("portal_rules_unusable", detail=str(error))
        mine, unreadable = MyApps((), ()), True
    context = {
        "mine": mine,
        "unreadable": unreadable,
        "person": person,
        "missing": missing_for(person.id),
        "recoveries": search_recoveries(waiting=True, manager=person.id, page_size=1).total,
        "portal_tab": "apps",
    }
    return render(request, "portal/apps.html", context)


@require_safe
def sessions(request: HttpRequest) -> HttpResponse:
    """Show every browser the person is signed in with, this one first."""
    row, session = signed_in(request)
    found = list_sessions(person_id=PersonId(row.id), page_size=200).items
    ordered = sorted(found, key=lambda one: (one.id != session.id, -one.last_seen_at))
    context = {"sessions": ordered, "this": session, "form": _everywhere_form(row.id), "portal_tab": "sessions"}
    return render(request, "portal/sessions.html", context)


@require_POST
def end_session(request: HttpRequest, session_id: str) -> HttpResponse:
    """Sign one browser out; somebody else's session does not exist for this page."""
    row, mine = signed_in(request)
    try:
        session: SignInSession = get_session(SessionId(session_id))
        if session.person_id != row.id:
            raise UnknownSession("This sign-in has ended.")
        revoke_session(session_id=session.id, reason="signed_out_remotely", actor=person_actor(request, row))
    except UnknownSession:
        messages.info(request, _("That sign-in had ended already."))
        return HttpResponseRedirect(reverse("portal_sessions"))
    if session.id == mine.id:
        return HttpResponseRedirect(reverse("account_login"))
    messages.success(request, _("%(browser)s is signed out.") % {"browser": session.browser})
    return HttpResponseRedirect(reverse("portal_sessions"))


@require_POST
def end_all_sessions(request: HttpRequest) -> HttpResponse:
    """Sign every browser out, this one included, and end the access tokens where that is wanted."""
    row, _session = signed_in(request)
    form = _everywhere_form(row.id, request.POST)
    count = revoke_sessions_of(
        person_id=PersonId(row.id),
        reason="signed_out_everywhere",
        actor=person_actor(request, row),
        afresh=form.is_valid() and wants_tokens_ended(form),
    )
    request.session.flush()
    words = ngettext("You are signed out of %(count)d browser.", "You are signed out of %(count)d browsers.", count)
    messages.success(request, words % {"count": count})
    return HttpResponseRedirect(reverse("account_login"))


def _everywhere_form(person_id: str, data: QueryDict | None = None) -> EverywhereForm:
    form = EverywhereForm(data)
    words = _("Scripts that use them stop: %(names)s. Left out, they go on.")
    ask_about_tokens(form, name_tokens(PersonId(person_id)), words)
    return form


@require_http_methods(["GET", "POST"])
def profile(request: HttpRequest) -> HttpResponse:
    """Show and change the person's name; show the address and whether it is confirmed."""
    row, _session = signed_in(request)
    form = LabelForm(request.POST or None, initial={"name": row.name})
    if request.method == "POST" and form.is_valid():
        try:
            rename_person(person_id=PersonId(row.id), name=form.cleaned_data["name"], actor=person_actor(request, row))
        except UnacceptableText as error:
            form.add_error("name", str(error))
        else:
            messages.success(request, _("Your name is changed."))
            return HttpResponseRedirect(reverse("portal_profile"))
    return render(request, "portal/profile.html", {"form": form, "person": get_person(PersonId(row.id))})


@require_POST
def confirm_address(request: HttpRequest) -> HttpResponse:
    """Mail a link that confirms the person's address."""
    row, _session = signed_in(request)
    try:
        send_confirmation(person_id=PersonId(row.id), address=client_of(request).address)
    except TooManyAttempts as error:
        messages.warning(request, str(error))
    else:
        messages.success(request, _("A link is on its way to %(email)s.") % {"email": row.email})
    return HttpResponseRedirect(reverse("portal_profile"))
