"""What programs read about the sign-in host: the keys that sign, and one description for all that give out tokens here.

Clients of the OpenID Connect provider and services that ask for themselves have one issuer and one token endpoint. So the same
document stands at both well-known addresses: of OpenID Connect Discovery 1.0, section 4, and of RFC 8414, section 3.
"""

from typing import Any, Final

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_safe

from ostiary.oidc.facade import discovery, key_set
from ostiary.web import workload

KEEP_SECONDS: Final = 300
_JOINED: Final = {
    "grant_types_supported": workload.GRANTS,
    "token_endpoint_auth_signing_alg_values_supported": workload.ALGORITHMS,
}


@require_safe
def keys(request: HttpRequest) -> HttpResponse:  # noqa: ARG001 - Django's signature
    """Answer with the public keys."""
    return _kept(JsonResponse(key_set(), content_type="application/jwk-set+json"))


@require_safe
def configuration(request: HttpRequest) -> HttpResponse:  # noqa: ARG001 - Django's signature
    """Answer with the description, at either address."""
    return _kept(JsonResponse(description()))


def description() -> dict[str, Any]:
    """Return what the provider says of itself, with what it gives to services."""
    found = discovery()
    return {**found, **{name: list(dict.fromkeys((*found[name], *more))) for name, more in _JOINED.items()}}


def _kept(response: HttpResponse) -> HttpResponse:
    response["Cache-Control"] = f"public, max-age={KEEP_SECONDS}"
    return response
