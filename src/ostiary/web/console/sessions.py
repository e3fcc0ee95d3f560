"""Pages about who is signed in, and ending that. What a session may open is decided per request, not here."""

from functools import partial

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from ostiary.errors import OstiaryError
from ostiary.identity.facade import (
    SignInSession,
    UnknownSession,
    get_person,
    get_session,
    list_sessions,
    revoke_session,
    revoke_sessions_of,
)
from ostiary.policy.identifiers import SessionId
from ostiary.web.console.acting import ask_and_act
from ostiary.web.console.assertion import caller_of
from ostiary.web.console.columns import ShownColumns, with_columns
from ostiary.web.console.export import MAX_ROWS, export_table, wants_export
from ostiary.web.console.guard import WRITE, console_page
from ostiary.web.console.page import PAGE_SIZE, page_number, render_page
from ostiary.web.console.people import find_person, page_of
from ostiary.web.console.permissions import Action, Resource, may_act_on
from ostiary.web.console.problems import add_problem
from ostiary.web.console.reasons import ReasonForm
from ostiary.web.console.tables import SESSIONS
from ostiary.web.portal.going_on import GoingOnField, ask_about_tokens, name_tokens, wants_tokens_ended

SECTION = Resource.SESSIONS


class EndAllForm(ReasonForm):
    """Why every sign-in of somebody ends, and whether their access tokens end with them."""

    tokens = GoingOnField(initial=True)
    field_order = ("tokens", "reason")


@console_page(Resource.SESSIONS, Action.VIEW)
@with_columns(SESSIONS)
def sessions(request: HttpRequest, columns: ShownColumns) -> HttpResponseBase:
    """List who is signed in, last seen first."""
    page = list_sessions(page=page_number(request), page_size=PAGE_SIZE)
    context = {"page": page, "columns": columns, "own": caller_of(request).session}
    return render_page(request, "sessions/list.html", SECTION, context)


@console_page(Resource.SESSIONS, Action.EXPORT)
def sessions_export(request: HttpRequest) -> HttpResponseBase:
    """Return who is signed in as a file; session identifiers are left out."""
    if not wants_export(request):
        return redirect("console:sessions")
    rows = (
        {
            "email": session.person_email,
            "created_at": session.created_at,
            "last_seen_at": session.last_seen_at,
            "expires_at": session.expires_at,
            "address": session.address,
            "browser": session.browser,
            "methods": " ".join(proof.method for proof in session.authentications),
        }
        for session in list_sessions(page=1, page_size=MAX_ROWS).items
    )
    return export_table(request, "sessions", rows)


@console_page(Resource.SESSIONS, Action.REVOKE, methods=WRITE)
def session_revoke(request: HttpRequest, session_id: str) -> HttpResponseBase:
    """Say what ending one session does, and do it."""
    session = find_session(session_id)
    caller = caller_of(request)
    person = get_person(session.person_id)
    if not may_act_on(caller.role, person):
        return _not_theirs(request)
    sessions = reverse("console:sessions")
    return ask_and_act(
        request,
        SECTION,
        "sessions/revoke.html",
        {"session": session, "back_url": sessions, "oneself": session.id == caller.session},
        act=partial(revoke_session, session_id=session.id),
        done=_("%(email)s is signed out there.") % {"email": session.person_email},
        then=sessions,
    )


@console_page(Resource.SESSIONS, Action.REVOKE, methods=WRITE)
def sessions_revoke_of(request: HttpRequest, person_id: str) -> HttpResponseBase:
    """Say what ending all sessions of a person does, and do it."""
    person = find_person(person_id)
    caller = caller_of(request)
    if not may_act_on(caller.role, person):
        return _not_theirs(request)
    form = EndAllForm(request.POST or None)
    ask_about_tokens(form, name_tokens(person.id), _("Scripts that use them stop: %(names)s. Left out, they go on."))
    if request.method == "POST" and form.is_valid():
        try:
            count = revoke_sessions_of(
                person_id=person.id,
                reason=form.cleaned_data["reason"],
                actor=caller.actor,
                afresh=wants_tokens_ended(form),
            )
        except OstiaryError as error:
            add_problem(form, error)
        else:
            words = ngettext("%(count)d session of %(name)s ended.", "%(count)d sessions of %(name)s ended.", count)
            messages.success(request, words % {"count": count, "name": person.name})
            return redirect("console:person", person.id)
    open_sessions = list_sessions(person_id=person.id, page=1, page_size=20)
    context = {
        "form": form,
        "person": person,
        "sessions": open_sessions,
        "back_url": page_of(person),
        "oneself": person.id == caller.person.id,
    }
    return render_page(request, "sessions/revoke_all.html", SECTION, context, status=422 if form.errors else 200)


def find_session(session_id: str) -> SignInSession:
    """Return the session or answer 404."""
    try:
        return get_session(SessionId(session_id))
    except UnknownSession:
        raise Http404 from None


def _not_theirs(request: HttpRequest) -> HttpResponseBase:
    messages.error(request, _("You cannot sign this person out. An administrator can."))
    return redirect("console:sessions")
