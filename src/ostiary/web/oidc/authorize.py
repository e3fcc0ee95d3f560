"""The authorization endpoint: who is signed in, may they, and then a code for the client.

A client that cannot be told apart, or an address that is not its own, gets a page and never a redirect (RFC 9700, 4.1).
"""

import time
from typing import Final
from urllib.parse import urlencode, urlsplit

from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from ostiary.applications.facade import App, UnknownApp, get_app
from ostiary.gateway.decider.stepping_up import step_up_path
from ostiary.gateway.sign_in import DecisionUnavailable
from ostiary.identity.entrance import TOTP, WEBAUTHN, PersonRow, person_actor, return_path_or_start, strongest
from ostiary.identity.facade import SignInSession, client_of, get_person, revoke_session
from ostiary.oidc.facade import (
    Asked,
    AuthorizationRefused,
    Client,
    acr_of,
    auth_time_of,
    find_client,
    issue_code,
    issuer,
    read_asked,
    record_sign_in,
    single_values,
)
from ostiary.policy.decision import Deny
from ostiary.policy.identifiers import PersonId
from ostiary.policy.request import AuthStrength
from ostiary.web.signin.admission import decide_admission, refused_admission
from ostiary.web.signin.failures import problem_page
from ostiary.web.signin.gate import sign_in_session, to_complete_sign_in

ASKED_FRESH: Final = "ostiary_oidc_fresh"
FRESH_SECONDS: Final = 15 * 60
"""How long after a request a proof given since counts for it: a later one was given for something else."""
_STEP_UP: Final = {"phr": ("phishing-resistant", AuthStrength.PHISHING_RESISTANT), "mfa": ("any", AuthStrength.ANY)}
_STRENGTH: Final = {"phr": 2, "mfa": 1, "single": 0}


class NotRedirected(Exception):
    """What is wrong is said on a page: nobody knows where it would be safe to send the browser."""


@csrf_exempt
@require_http_methods(["GET", "POST"])
def authorize(request: HttpRequest) -> HttpResponse:
    """Answer a client's request for a code.

    A POST from another site brings no cookies, so it becomes the same request by GET.
    """
    if request.method == "POST":
        return HttpResponseRedirect(f"{request.path}?{request.POST.urlencode()}")
    try:
        client, app, redirect_uri = _trusted(request)
    except NotRedirected as wrong:
        return problem_page(request, status=400, title=_("This sign-in is not set up correctly"), words=str(wrong))
    state = (request.GET.getlist("state") or [""])[0]
    try:
        given = single_values({name: request.GET.getlist(name) for name in request.GET})
        asked = read_asked(given, client)
        page = f"{request.path}?{urlencode(given)}"
        if return_path_or_start(page) != page:
            raise AuthorizationRefused("invalid_request", "the request is too long or holds unusual characters")
        return _answer(request, client, app, asked, page)
    except AuthorizationRefused as refused:
        return _send_back(redirect_uri, {"error": refused.code, "error_description": refused.message, "state": state})


def _trusted(request: HttpRequest) -> tuple[Client, App, str]:
    """Return the client, its app and where it wants the answer; all three are known to belong together."""
    names, uris = request.GET.getlist("client_id"), request.GET.getlist("redirect_uri")
    client = find_client(names[0]) if len(names) == 1 else None
    if client is None:
        raise NotRedirected(_("The app is not known here. Whoever looks after it sees its identifier in the console."))
    try:
        app = get_app(client.id)
    except UnknownApp:
        raise NotRedirected(_("The app is not known here.")) from None
    if len(uris) != 1 or uris[0] not in client.redirect_uris:
        raise NotRedirected(
            _("%(app)s wants the answer at an address that is not registered for it: %(uri)s")
            % {"app": app.name, "uri": (uris or ["–"])[0][:200]}
        )
    return client, app, uris[0]


def _answer(request: HttpRequest, client: Client, app: App, asked: Asked, page: str) -> HttpResponse:
    session, silent = sign_in_session(request), "none" in asked.prompts
    if session is None or not session.complete or not isinstance(request.user, PersonRow):
        if silent:
            raise AuthorizationRefused("login_required", "nobody is signed in")
        return to_complete_sign_in(request, page)
    if not _is_fresh(request, asked, session, page):
        if silent:
            raise AuthorizationRefused("login_required", "the sign-in is older than max_age")
        return _prove_again(request, request.user, session, page)
    if not silent and (stronger := _stronger(request.user, app, asked, session, page)) is not None:
        return stronger
    if silent:
        _require_silently(request, app)
    elif (refusal := refused_admission(request, app, return_path=page)) is not None:
        return refusal
    code = _issue(request, client, asked, request.user, session)
    return _send_back(asked.redirect_uri, {"code": code, "state": asked.state})


def _issue(request: HttpRequest, client: Client, asked: Asked, person: PersonRow, session: SignInSession) -> str:
    with transaction.atomic():
        code = issue_code(client, asked, session=session, now=time.time())
        groups, address = get_person(PersonId(person.id)).groups, client_of(request).address
        record_sign_in(
            client=client.id, person=person.id, email=person.email, session=session.id, groups=groups, address=address
        )
    return code


def _is_fresh(request: HttpRequest, asked: Asked, session: SignInSession, page: str) -> bool:
    """Whether the latest proof is as new as the client wants it; `prompt=login` wants one given for this very request."""
    proved_at, now = auth_time_of(session.authentications), time.time()
    if asked.max_age and now - proved_at > asked.max_age:
        return False
    if "login" not in asked.prompts and asked.max_age != 0:
        return True
    known = request.session.get(ASKED_FRESH)
    if isinstance(known, list) and len(known) == 2 and known[0] == page and _since(known[1], proved_at, now):
        del request.session[ASKED_FRESH]
        return True
    if "none" not in asked.prompts:
        request.session[ASKED_FRESH] = [page, now]
    return False


def _since(asked_at: float, proved_at: float, now: float) -> bool:
    return asked_at <= proved_at and now - asked_at <= FRESH_SECONDS


def _prove_again(request: HttpRequest, person: PersonRow, session: SignInSession, page: str) -> HttpResponse:
    """Ask for a proof; somebody who has nothing but a password signs in anew."""
    if {TOTP, WEBAUTHN} & set(get_person(PersonId(person.id)).methods):
        return HttpResponseRedirect(f"{reverse('prove')}?{urlencode({'next': page})}")
    revoke_session(session_id=session.id, reason="signs_in_anew", actor=person_actor(request, person))
    fresh = request.session.get(ASKED_FRESH)
    request.session.flush()
    if fresh is not None:
        request.session[ASKED_FRESH] = fresh
    return HttpResponseRedirect(f"{reverse('account_login')}?{urlencode({'next': page})}")


def _stronger(person: PersonRow, app: App, asked: Asked, session: SignInSession, page: str) -> HttpResponse | None:
    """Send to a stronger proof where the client would like one and the person can give it; it is a wish, no condition."""
    wanted = next((value for value in asked.acr_values if value in _STRENGTH), "single")
    if _STRENGTH[acr_of(session.authentications)] >= _STRENGTH[wanted]:
        return None
    need, strength = _STEP_UP[wanted]
    if strongest(set(get_person(PersonId(person.id)).methods)) < strength:
        return None
    return HttpResponseRedirect(f"{reverse('step_up')}?{urlencode({'need': need, 'app': app.id, 'return': page})}")


def _require_silently(request: HttpRequest, app: App) -> None:
    try:
        reply = decide_admission(request, app)
    except DecisionUnavailable as error:
        raise AuthorizationRefused("temporarily_unavailable", error.message) from None
    if isinstance(reply.decision, Deny):
        code = "interaction_required" if step_up_path(reply.decision) else "access_denied"
        raise AuthorizationRefused(code, f"the rules refuse it: reference {reply.reference}")


def _send_back(redirect_uri: str, answer: dict[str, str]) -> HttpResponse:
    """Send the browser to the client; the address is one of the client's own (also an app's own scheme)."""
    values = {name: value for name, value in {**answer, "iss": issuer()}.items() if value}
    mark = "&" if urlsplit(redirect_uri).query else "?"
    response = HttpResponse(status=303)
    response["Location"] = f"{redirect_uri}{mark}{urlencode(values)}"
    response["Referrer-Policy"] = "no-referrer"
    return response
