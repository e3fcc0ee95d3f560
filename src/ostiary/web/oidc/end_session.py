"""Signing out from an app: at once where the app shows whose sign-in it means, asked otherwise.

Source: OpenID Connect RP-Initiated Logout 1.0.
"""

import contextlib
from typing import Final
from urllib.parse import urlencode, urlsplit

from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from ostiary.identity.entrance import PersonRow, person_actor
from ostiary.identity.facade import UnknownSession, revoke_session
from ostiary.oidc.facade import Client, find_client, read_hint
from ostiary.web.signin.gate import sign_in_session

_ASKED: Final = ("id_token_hint", "client_id", "post_logout_redirect_uri", "state")


@csrf_exempt
@require_http_methods(["GET", "POST"])
def end_session(request: HttpRequest) -> HttpResponse:
    """End the browser's sign-in here and everywhere, and go on to where the client wants, if that address is its own.

    Without an ID token of this very sign-in the person is asked: any page could have sent them here. A POST from another site
    brings no cookies, so it becomes the same request by GET: answered at once, it would leave the sign-in as it is.
    """
    if request.method == "POST":
        return _by_address(request)
    given = request.GET
    hint = read_hint(given.get("id_token_hint", ""))
    client = _client(given.get("client_id", ""), hint)
    session = sign_in_session(request)
    if session is not None and isinstance(request.user, PersonRow):
        if hint is None or client is None or hint["sid"] != session.id or hint["sub"] != session.person_id:
            return HttpResponseRedirect(reverse("account_logout"))
        with contextlib.suppress(UnknownSession):
            revoke_session(
                session_id=session.id, reason=f"signed_out_at_{client.id}", actor=person_actor(request, request.user)
            )
        logout(request)
    return _go_on(client, given.get("post_logout_redirect_uri", ""), given.get("state", ""))


def _by_address(request: HttpRequest) -> HttpResponse:
    given = {name: request.POST[name] for name in _ASKED if name in request.POST}
    response = HttpResponse(status=303)
    response["Location"] = f"{request.path}?{urlencode(given)}"
    return response


def _client(client_id: str, hint: dict[str, object] | None) -> Client | None:
    """Return whose request it is; a hint for another client counts for nothing."""
    named = client_id or str(hint["aud"] if hint else "")
    if hint is not None and hint["aud"] != named:
        return None
    return find_client(named)


def _go_on(client: Client | None, uri: str, state: str) -> HttpResponse:
    if client is None or uri not in client.post_logout_redirect_uris:
        return HttpResponseRedirect(reverse("account_login"))
    response = HttpResponse(status=303)
    mark = "&" if urlsplit(uri).query else "?"
    response["Location"] = f"{uri}{mark}{urlencode({'state': state})}" if state else uri
    return response
