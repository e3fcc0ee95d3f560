"""The token endpoint and the one where tokens are handed back. Every answer was decided and is on record."""

import time

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_POST

from ostiary.oidc.answers import TOKEN
from ostiary.oidc.facade import (
    AuthorizationRefused,
    Client,
    Held,
    Tokens,
    authenticate_client,
    issue_tokens,
    issuer,
    look_at_code,
    look_at_refresh_token,
    revoke,
    rotate,
    token_answer,
)
from ostiary.web import workload
from ostiary.web.oidc.program import (
    decide_for,
    living_session,
    program_page,
    read_form,
    too_often,
    wait_seconds,
    why_refused,
)


@program_page
@require_POST
def token(request: HttpRequest) -> HttpResponse:
    """Exchange a code, or a refresh token, for tokens; a service's grants are answered by `workload`."""
    form, now = read_form(request), time.time()
    if form.get("grant_type") in workload.GRANTS:
        return workload.token(request)
    client = _client(request, form, now)
    if wait := wait_seconds(client):
        return too_often(wait)
    match form.get("grant_type"):
        case "authorization_code":
            held = look_at_code(
                client,
                form.get("code", ""),
                redirect_uri=form.get("redirect_uri", ""),
                verifier=form.get("code_verifier", ""),
                now=now,
            )
            return _answer(request, client, held, refresh="", now=now)
        case "refresh_token":
            refresh = form.get("refresh_token", "")
            held = look_at_refresh_token(client, refresh, now=now)
            return _answer(request, client, held, refresh=refresh, now=now)
        case _:
            raise AuthorizationRefused(
                "unsupported_grant_type", "authorization_code, refresh_token, or a service's grant"
            )


@program_page
@require_POST
def revocation(request: HttpRequest) -> HttpResponse:
    """Take a token back, and all that came of the same sign-in; an unknown one is answered alike (RFC 7009, 2.2)."""
    form, now = read_form(request), time.time()
    client = _client(request, form, now)
    if wait := wait_seconds(client):
        return too_often(wait)
    revoke(client, form.get("token", ""), now=now)
    return HttpResponse(status=200)


def _client(request: HttpRequest, form: dict[str, str], now: float) -> Client:
    authorization = request.headers.get("authorization", "")
    return authenticate_client(form, authorization, endpoint=issuer() + TOKEN, now=now)


def _answer(request: HttpRequest, client: Client, held: Held, *, refresh: str, now: float) -> HttpResponse:
    """Decide first: whoever is refused keeps a refresh token that may be good again, when the rules or the hour change."""
    session = living_session(held)
    if session is None:
        raise AuthorizationRefused("invalid_grant", "the sign-in has ended")
    reply = decide_for(request, held, session)
    if not reply.allowed:
        raise AuthorizationRefused("invalid_grant", why_refused(reply))
    tokens: Tokens = rotate(client, refresh, now=now) if refresh else issue_tokens(held, now=now)
    return JsonResponse(token_answer(client, tokens, first=not refresh, now=now))
