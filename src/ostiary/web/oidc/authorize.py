"""The authorization endpoint: who is signed in, may they, and then a code for the client.

A client that cannot be told apart, or an address that is not its own, gets a page and never a redirect (RFC 9700, 4.1).
"""

import time
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlencode, urlsplit

from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from ostiary.applications.facade import App, UnknownApp, get_app
from ostiary.gateway.decider.stepping_up import step_up_path
from ostiary.gateway.sign_in import DecisionUnavailable
from ostiary.identity.entrance import PersonRow, return_path_or_start, strongest
from ostiary.identity.facade import SignInSession, client_of, get_person
from ostiary.oidc.facade import (
    Asked,
    AuthorizationRefused,
    Client,
    acr_of,
    counted_since,
    find_client,
    issue_code,
    issuer,
    read_asked,
    read_hint,
    record_sign_in,
    single_values,
)
from ostiary.policy.decision import Deny, ReasonCode
from ostiary.policy.identifiers import PersonId
from ostiary.policy.request import Authentication, AuthStrength
from ostiary.web.signin.admission import decide_admission, refused_admission
from ostiary.web.signin.asked_anew import asked_at, mark_of
from ostiary.web.signin.failures import problem_page
from ostiary.web.signin.gate import sign_in_session, to_complete_sign_in
from ostiary.web.signin.prove import can_prove_here
from ostiary.web.signin.targets import app_address

PERSON_MEANT: Final = "ostiary_person"
"""Whom an `id_token_hint` named, in the address that a browser comes back to: the token itself would be too long for it."""
_NOT_IN_FORCE: Final = frozenset(
    {ReasonCode.UNAUTHENTICATED, ReasonCode.SESSION_ENDED, ReasonCode.SESSION_IDLE, ReasonCode.PROOF_TOO_OLD}
)
"""What a fresh sign-in or proof mends, whatever the rules say of it."""
_UNDECIDED: Final = frozenset({ReasonCode.STALE_FACTS, ReasonCode.RECORD_UNAVAILABLE, ReasonCode.ENGINE_ERROR})
ASKED_ANEW: Final = "ostiary_asked"
"""When a proof was asked for on behalf of this very request, sealed, in the same address."""
MAX_PERSON_CHARACTERS: Final = 64
_STEP_UP: Final = {"phr": ("phishing-resistant", AuthStrength.PHISHING_RESISTANT), "mfa": ("any", AuthStrength.ANY)}
_STRENGTH: Final = {"phr": 2, "mfa": 1, "single": 0}


@dataclass(frozen=True, slots=True)
class Sought:
    """One request for a code, known to be a client's.

    Args:
        meant: whom the client expects; empty for anybody.
        page: path and query of this request, without the mark of a proof that was asked for.
        anew: the same with the mark of one that is asked for now.
    """

    client: Client
    app: App
    asked: Asked
    meant: str
    page: str
    anew: str


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
        meant = _person_meant(request, given.pop("id_token_hint", ""), client)
        page = f"{request.path}?{urlencode({**given, PERSON_MEANT: meant} if meant else given)}"
        anew = f"{page}&{urlencode({ASKED_ANEW: mark_of(page, time.time())})}"
        if return_path_or_start(anew) != anew:
            raise AuthorizationRefused("invalid_request", "the request is too long or holds unusual characters")
        return _answer(request, Sought(client, app, asked, meant, page, anew))
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


def _person_meant(request: HttpRequest, hint: str, client: Client) -> str:
    """Return whom the client expects: named by one of its own ID tokens, or by the address that such a request became.

    Raises:
        AuthorizationRefused: `invalid_request`, for a hint that is no ID token of ours, or was issued to another client.
    """
    if not hint:
        return request.GET.get(PERSON_MEANT, "")[:MAX_PERSON_CHARACTERS]
    claims = read_hint(hint)
    if claims is None or claims["aud"] != client.id:
        raise AuthorizationRefused(
            "invalid_request", "id_token_hint is no ID token that was issued to this client here"
        )
    return str(claims["sub"])


def _answer(request: HttpRequest, sought: Sought) -> HttpResponse:
    session, silent, asked = sign_in_session(request), "none" in sought.asked.prompts, sought.asked
    if session is None or not session.complete or not isinstance(request.user, PersonRow):
        if silent:
            raise AuthorizationRefused("login_required", "nobody is signed in")
        return to_complete_sign_in(request, sought.anew if _wants_anew(asked) else sought.page)
    if sought.meant and sought.meant != session.person_id:
        if silent:
            raise AuthorizationRefused("login_required", "somebody else is signed in than id_token_hint names")
        return _somebody_else(request, sought, request.user)
    since = _since(request, sought, time.time())
    proofs = counted_since(session.authentications, since)
    if not proofs:
        if silent:
            raise AuthorizationRefused("login_required", "the sign-in is older than the client wants it")
        return _prove_again(request, sought, request.user, session)
    here = request.get_full_path() if _wants_anew(asked) else sought.page
    if silent:
        _require_silently(request, sought.app)
    elif (stronger := _stronger(request.user, sought, proofs, here)) is not None:
        return stronger
    elif (refusal := refused_admission(request, sought.app, return_path=here)) is not None:
        return refusal
    code = _issue(request, sought, request.user, session, since)
    return _send_back(asked.redirect_uri, {"code": code, "state": asked.state})


def _issue(request: HttpRequest, sought: Sought, person: PersonRow, session: SignInSession, since: float) -> str:
    client = sought.client
    with transaction.atomic():
        code = issue_code(client, sought.asked, session=session, since=since, now=time.time())
        groups, address = get_person(PersonId(person.id)).groups, client_of(request).address
        record_sign_in(
            client=client.id, person=person.id, email=person.email, session=session.id, groups=groups, address=address
        )
    return code


def _wants_anew(asked: Asked) -> bool:
    """Whether a proof is wanted for this very request: `max_age=0` means the same as `prompt=login` (Core, 3.1.2.1)."""
    return "login" in asked.prompts or asked.max_age == 0


def _since(request: HttpRequest, sought: Sought, now: float) -> float:
    """Return since when proofs count for this request: 0 for any, now where none that was given yet does."""
    oldest = now - sought.asked.max_age if sought.asked.max_age else 0.0
    if not _wants_anew(sought.asked):
        return oldest
    at = asked_at(request.GET.get(ASKED_ANEW, ""), sought.page, now)
    return now if at is None else max(at, oldest)


def _prove_again(request: HttpRequest, sought: Sought, person: PersonRow, session: SignInSession) -> HttpResponse:
    """Ask for a proof; the sign-in goes on meanwhile. Who can give none here is asked whether to sign in anew."""
    if can_prove_here(person, session):
        return HttpResponseRedirect(f"{reverse('prove')}?{urlencode({'next': sought.anew})}")
    return render(request, "signin/again.html", {"app": sought.app, "path": sought.anew})


def _somebody_else(request: HttpRequest, sought: Sought, person: PersonRow) -> HttpResponse:
    """Say that the app means another account, and let the person choose: a link from elsewhere signs nobody out."""
    app = sought.app
    context = {"app": app, "path": sought.anew, "email": person.email, "back": app_address(app)}
    return render(request, "signin/another_account.html", context)


def _stronger(person: PersonRow, sought: Sought, proofs: tuple[Authentication, ...], page: str) -> HttpResponse | None:
    """Send to a stronger proof where the client would like one and the person can give it; it is a wish, no condition."""
    wanted = next((value for value in sought.asked.acr_values if value in _STRENGTH), "single")
    if _STRENGTH[acr_of(proofs)] >= _STRENGTH[wanted]:
        return None
    need, strength = _STEP_UP[wanted]
    if strongest(set(get_person(PersonId(person.id)).methods)) < strength:
        return None
    return HttpResponseRedirect(
        f"{reverse('step_up')}?{urlencode({'need': need, 'app': sought.app.id, 'return': page})}"
    )


def _require_silently(request: HttpRequest, app: App) -> None:
    try:
        reply = decide_admission(request, app)
    except DecisionUnavailable as error:
        raise AuthorizationRefused("temporarily_unavailable", error.message) from None
    if isinstance(reply.decision, Deny):
        raise AuthorizationRefused(silent_error(reply.decision), f"it is refused: reference {reply.reference}")


def silent_error(deny: Deny) -> str:
    """Return how a refusal is called where nobody may be asked (Core, 3.1.2.6): can the person mend it, and how."""
    if deny.reason in _NOT_IN_FORCE:
        return "login_required"
    if deny.reason in _UNDECIDED:
        return "temporarily_unavailable"
    return "interaction_required" if step_up_path(deny) else "access_denied"


def _send_back(redirect_uri: str, answer: dict[str, str]) -> HttpResponse:
    """Send the browser to the client; the address is one of the client's own (also an app's own scheme)."""
    values = {name: value for name, value in {**answer, "iss": issuer()}.items() if value}
    mark = "&" if urlsplit(redirect_uri).query else "?"
    response = HttpResponse(status=303)
    response["Location"] = f"{redirect_uri}{mark}{urlencode(values)}"
    response["Referrer-Policy"] = "no-referrer"
    return response
