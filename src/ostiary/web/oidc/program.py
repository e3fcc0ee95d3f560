"""What the endpoints for programs share: the form they read, the errors they answer, how often a client may ask.

Source: RFC 6749 section 5.2; RFC 6750 section 3.
"""

import time
from collections.abc import Callable
from functools import lru_cache, wraps
from math import ceil
from typing import Any, Final

import structlog
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_exempt

from ostiary.gateway.decider.authzen.callers import Allowances
from ostiary.gateway.sign_in import DecisionUnavailable, SignInQuestion, SignInReply, decide_sign_in
from ostiary.identity.facade import SignInSession, UnknownSession, client_of, get_session
from ostiary.oidc.facade import AuthorizationRefused, Client, Held
from ostiary.policy.decision import Deny

MAX_FORM_BYTES: Final = 64 * 1024
ASKED_A_SECOND: Final = 50.0

log = structlog.get_logger(__name__)


def program_page(view: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Answer what went wrong in a program's words, and let nobody keep an answer."""

    @csrf_exempt
    @wraps(view)
    def answered(request: HttpRequest) -> HttpResponse:
        try:
            response = view(request)
        except AuthorizationRefused as refused:
            response = error(refused.code, refused.message)
        except DecisionUnavailable as undecided:
            log.error("oidc_undecided", detail=undecided.detail)
            response = error("temporarily_unavailable", undecided.message, status=503)
        response["Cache-Control"] = "no-store"
        response["Pragma"] = "no-cache"
        return response

    return answered


def error(code: str, words: str, *, status: int = 400) -> HttpResponse:
    """Return an error as the standard writes it."""
    response = JsonResponse(
        {"error": code, "error_description": words}, status=401 if code == "invalid_client" else status
    )
    if code == "invalid_client":
        response["WWW-Authenticate"] = 'Basic realm="oidc", charset="UTF-8"'
    return response


def read_form(request: HttpRequest) -> dict[str, str]:
    """Return the fields of a form, each once.

    Raises:
        AuthorizationRefused: `invalid_request`.
    """
    if (request.content_type or "").lower() != "application/x-www-form-urlencoded":
        raise AuthorizationRefused("invalid_request", "send application/x-www-form-urlencoded")
    length = request.headers.get("content-length", "0")
    if not length.isdigit() or int(length) > MAX_FORM_BYTES:
        raise AuthorizationRefused("invalid_request", "the form is too long")
    found: dict[str, str] = {}
    for name, values in request.POST.lists():
        if len(values) > 1:
            raise AuthorizationRefused("invalid_request", f"{str(name)[:60]} is given more than once")
        found[name] = str(values[0])
    if any("\x00" in value for value in found.values()):
        raise AuthorizationRefused("invalid_request", "a value holds a null character")
    return found


def wait_seconds(client: Client) -> int:
    """Count one request of a client; return how long it must wait, 0 when it need not."""
    allowances, now = _allowances(), time.monotonic()
    wait = allowances.wait(client.id, now)
    if not wait:
        allowances.charge(client.id, 1, now)
    return ceil(wait)


def too_often(seconds: int) -> HttpResponse:
    """Return the answer to a client that asks too often."""
    response = error("temporarily_unavailable", "this client asks too often", status=429)
    response["Retry-After"] = str(seconds)
    return response


def living_session(held: Held) -> SignInSession | None:
    """Return the sign-in that something rests on, when it is not over and still the same person's."""
    try:
        session = get_session(held.session)
    except UnknownSession:
        return None
    return session if session.complete and session.person_id == held.person else None


def decide_for(request: HttpRequest, held: Held, session: SignInSession) -> SignInReply:
    """Decide, on record, whether somebody who is not there may still use an app: from where they last were.

    Raises:
        DecisionUnavailable: when there is no decision.
    """
    client = client_of(request)
    question = SignInQuestion(
        app=_app_id(held),
        person=held.person,
        session=held.session,
        address=session.address,
        user_agent=client.user_agent,
        request_id=request.headers.get("x-request-id", "")[:64],
        host=request.get_host().partition(":")[0],
        method=request.method or "POST",
        path=request.path,
        asked_by=f"oidc:{held.client}",
    )
    return decide_sign_in(question)


def why_refused(reply: SignInReply) -> str:
    """Return why, for the app's log; no more than a person would read, and where it stands on record."""
    reason = reply.decision.reason.value if isinstance(reply.decision, Deny) else ""
    return f"the rules refuse it ({reason}): reference {reply.reference}"


def _app_id(held: Held) -> Any:
    return held.client


@lru_cache(maxsize=1)
def _allowances() -> Allowances:
    return Allowances(per_second=ASKED_A_SECOND)
