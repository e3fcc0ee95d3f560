"""Hands a complete sign-in over to an app's host, bound to the browser that asked there."""

import re
import secrets
import time
from typing import Final

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from ostiary.applications.facade import CONSOLE_APP, App
from ostiary.config.secrets import read_secret
from ostiary.gateway.tokens import HANDOVER_SECONDS, HandoverClaims, sign_handover
from ostiary.identity.entrance import (
    PersonRow,
    is_administrator,
    is_break_glass_only,
    proved_since,
    record_handover,
    return_path_or_start,
)
from ostiary.identity.facade import SignInSession, client_of, get_person
from ostiary.policy.identifiers import PersonId
from ostiary.policy.request import AuthStrength
from ostiary.web.signin.failures import problem_page
from ostiary.web.signin.people import signed_in
from ostiary.web.signin.targets import app_or_none

BIND: Final = re.compile(r"[A-Za-z0-9_-]{43}", re.ASCII)
CALLBACK_PATH: Final = "/.ostiary/callback"


@require_safe
def hand_over(request: HttpRequest) -> HttpResponse:
    """Answer `/continue?app=…&bind=…&return=…` with a redirect to the app that carries a one-time code.

    The gate has made sure of a complete sign-in. Whether the person may use the app is decided there, request by
    request; here only the browser's sign-in is carried over.
    """
    app = app_or_none(request.GET.get("app", ""))
    bind = request.GET.get("bind", "")
    if app is None or not app.behind_gateway or not BIND.fullmatch(bind):
        return problem_page(
            request,
            status=400,
            title=_("This link is not complete"),
            words=_("Open the app again, or choose it from your apps."),
        )
    person, session = signed_in(request)
    path = return_path_or_start(request.GET.get("return", "/"))
    if app.id != CONSOLE_APP and is_break_glass_only(session.authentications):
        return problem_page(
            request,
            status=403,
            title=_("An emergency sign-in opens the console only"),
            words=_("Sign in as usual to open other apps."),
        )
    if _needs_passkey_first(app, person, session):
        query = urlencode({"need": "phishing-resistant", "app": app.id, "return": path})
        return HttpResponseRedirect(f"{reverse('step_up')}?{query}")
    code = _code(app=app, session=session, bind=bind, path=path)
    groups = get_person(PersonId(person.id)).groups
    record_handover(person=person, app=app.id, session=session.id, groups=groups, client=client_of(request))
    return HttpResponseRedirect(f"{settings.INSTANCE.url(app.host, CALLBACK_PATH)}?{urlencode({'code': code})}")


def _needs_passkey_first(app: App, person: PersonRow, session: SignInSession) -> bool:
    """Administrators open the console with a passkey; an emergency sign-in is what remains when they cannot."""
    if app.id != CONSOLE_APP or is_break_glass_only(session.authentications):
        return False
    proved = proved_since(session.authentications, at_least=AuthStrength.PHISHING_RESISTANT, since=0.0)
    return proved is None and is_administrator(person.id)


def _code(*, app: App, session: SignInSession, bind: str, path: str) -> str:
    now = time.time()
    claims = HandoverClaims(
        app=app.id,
        person=session.person_id,
        session=session.id,
        bind=bind,
        return_path=path,
        issued_at=now,
        expires_at=now + HANDOVER_SECONDS,
        jti=secrets.token_urlsafe(16),
    )
    return sign_handover(read_secret(settings.INSTANCE.secrets, "handover.key").reveal(), claims)
