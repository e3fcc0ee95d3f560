"""What is said about somebody to a client that holds an access token."""

import time

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_http_methods

from ostiary.gateway.decider.authzen.callers import bearer_token
from ostiary.oidc.facade import find_by_access_token, find_client, userinfo_answer
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
@require_http_methods(["GET", "POST"])
def userinfo(request: HttpRequest) -> HttpResponse:
    """Answer with the claims of the access token's scopes, when the rules still let the person in (RFC 6750)."""
    held = find_by_access_token(_token(request), now=time.time())
    client = find_client(held.client) if held is not None else None
    session = living_session(held) if held is not None else None
    if held is None or client is None or session is None:
        return _refuse(401, "invalid_token", "the access token is unknown, over, or its sign-in has ended")
    if wait := wait_seconds(client):
        return too_often(wait)
    reply = decide_for(request, held, session)
    if not reply.allowed:
        return _refuse(403, "insufficient_scope", why_refused(reply))
    return JsonResponse(userinfo_answer(client, held))


def _token(request: HttpRequest) -> str:
    if authorization := request.headers.get("authorization", ""):
        return bearer_token(authorization) or ""
    return read_form(request).get("access_token", "") if request.method == "POST" else ""


def _refuse(status: int, code: str, words: str) -> HttpResponse:
    response = JsonResponse({"error": code, "error_description": words}, status=status)
    response["WWW-Authenticate"] = f'Bearer realm="oidc", error="{code}"'
    return response
