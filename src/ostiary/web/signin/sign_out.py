"""Signing out: here and at every app at once."""

import contextlib

from django.contrib import messages
from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from ostiary.identity.entrance import PersonRow, person_actor
from ostiary.identity.facade import UnknownSession, revoke_session
from ostiary.web.signin.gate import sign_in_session


@require_http_methods(["GET", "POST"])
def sign_out(request: HttpRequest) -> HttpResponse:
    """Ask on GET, so that no picture or link elsewhere can sign somebody out; end the sign-in on POST."""
    session = sign_in_session(request)
    if request.method == "GET" and session is not None:
        return render(request, "account/logout.html")
    if session is not None and isinstance(request.user, PersonRow):
        with contextlib.suppress(UnknownSession):
            revoke_session(session_id=session.id, reason="signed_out", actor=person_actor(request, request.user))
    logout(request)
    messages.success(request, _("You are signed out here and in every app."))
    return HttpResponseRedirect(reverse("account_login"))
