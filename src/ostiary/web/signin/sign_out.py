"""Signing out: here and at every app at once, and on to the directory by which they came where that was chosen."""

import contextlib

from django.contrib import messages
from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from ostiary.identity.entrance import PersonRow, parting_of, person_actor
from ostiary.identity.facade import UnknownSession, revoke_session
from ostiary.web.signin.directory_sign_out import leave_directory
from ostiary.web.signin.gate import sign_in_session
from ostiary.web.signin.targets import app_or_none, to_app


@require_http_methods(["GET", "POST"])
def sign_out(request: HttpRequest) -> HttpResponse:
    """Ask on GET, so that no picture or link elsewhere can sign somebody out; end the sign-in on POST."""
    if request.method == "GET" and sign_in_session(request) is not None:
        return render(request, "account/logout.html", {"parting": parting_of(request)})
    parting = parting_of(request)
    _end(request, "signed_out")
    if parting is not None:
        return leave_directory(request, parting)
    messages.success(request, _("You are signed out here and in every app."))
    return HttpResponseRedirect(reverse("account_login"))


@require_POST
def sign_in_again(request: HttpRequest) -> HttpResponse:
    """End the sign-in and go to a page of an app, which asks for a new one: for those who have nothing to prove here."""
    app = app_or_none(request.POST.get("app", ""))
    _end(request, "signed_out")
    return to_app(app, request.POST.get("return", "/")) if app is not None else HttpResponseRedirect("/")


def _end(request: HttpRequest, reason: str) -> None:
    session = sign_in_session(request)
    if session is not None and isinstance(request.user, PersonRow):
        with contextlib.suppress(UnknownSession):
            revoke_session(session_id=session.id, reason=reason, actor=person_actor(request, request.user))
    logout(request)
