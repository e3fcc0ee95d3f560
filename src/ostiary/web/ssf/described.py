"""What this transmitter offers, the keys it signs with, and tokens for an hour.

Source: OpenID SSF 1.0, section 7; RFC 7517; RFC 6749, section 4.4.
"""

import base64
from binascii import Error as NotBase64
from urllib.parse import unquote_plus

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_exempt

from ostiary.identity.facade import client_of
from ostiary.signals.facade import ACCESS_SECONDS, METHODS, access_token, issuer, public_keys
from ostiary.web.ssf.door import require, too_often, wait


@csrf_exempt
def configuration(request: HttpRequest) -> HttpResponse:
    """Say what this transmitter offers (section 7)."""
    require(request, "GET")
    base = issuer()
    return JsonResponse(
        {
            "spec_version": "1_0",
            "issuer": base,
            "jwks_uri": f"{base}/ssf/jwks.json",
            "delivery_methods_supported": list(METHODS),
            "configuration_endpoint": f"{base}/ssf/streams",
            "status_endpoint": f"{base}/ssf/status",
            "add_subject_endpoint": f"{base}/ssf/subjects/add",
            "remove_subject_endpoint": f"{base}/ssf/subjects/remove",
            "verification_endpoint": f"{base}/ssf/verify",
            "critical_subject_members": ["user"],
            "authorization_schemes": [{"spec_urn": "urn:ietf:rfc:6749"}, {"spec_urn": "urn:ietf:rfc:6750"}],
            "default_subjects": "ALL",
        }
    )


@csrf_exempt
def keys(request: HttpRequest) -> HttpResponse:
    """Give out the keys that signals are signed with."""
    require(request, "GET")
    return JsonResponse(public_keys(), content_type="application/jwk-set+json")


@csrf_exempt
def token(request: HttpRequest) -> HttpResponse:
    """Give a receiver a short-lived token for its name and its token (RFC 6749, section 4.4)."""
    require(request, "POST")
    name, secret = _client(request)
    if request.POST.get("grant_type") != "client_credentials":
        return JsonResponse({"error": "unsupported_grant_type"}, status=400)
    if delay := wait(f"token:{client_of(request).address}"):
        return too_often(delay)
    made = access_token(name, secret) if name and secret else None
    if made is None:
        refused = JsonResponse({"error": "invalid_client"}, status=401)
        refused["WWW-Authenticate"] = 'Basic realm="ssf"'
        return refused
    said = {"access_token": made, "token_type": "Bearer", "expires_in": ACCESS_SECONDS, "scope": "ssf.manage ssf.read"}
    return JsonResponse(said)


def _client(request: HttpRequest) -> tuple[str, str]:
    """Return the name and the secret a client proves itself with: in the header, or in the form (RFC 6749, section 2.3.1)."""
    scheme, _, given = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return request.POST.get("client_id", ""), request.POST.get("client_secret", "")
    try:
        name, _, secret = base64.b64decode(given, validate=True).decode().partition(":")
    except (NotBase64, ValueError):
        return "", ""
    return unquote_plus(name), unquote_plus(secret)
