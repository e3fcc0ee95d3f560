"""The filter that recognises grants: one provider an app, so that a grant for one is none for another.

It travels in a file of its own, because replacing the key set in it ends every grant at once.
"""

import hashlib
import json
from collections.abc import Iterable

from ostiary.applications.facade import App
from ostiary.gateway.plan.contents import FILTER_GRANTS, Json, discovery
from ostiary.gateway.plan.devices import GRANTED_CLAIM, GRANTED_HEADER
from ostiary.gateway.tokens import grant_audience

GRANT_COOKIE = "__Host-ostiary-grant"
GRANT_METADATA = "grant"
ASSERTION_CLAIM = "assertion"
ASSERTION_HEADER = "x-ostiary-assertion"
CLOCK_SKEW_SECONDS = 1
JWT_NAMESPACE = "envoy.filters.http.jwt_authn"
_CACHED_TOKENS = 1000
_MAX_TOKEN_BYTES = 8192
_EXTENSION_TYPE = "type.googleapis.com/envoy.config.core.v3.TypedExtensionConfig"


def identity_claim(header: str) -> str:
    """Return the claim that carries one of the app's identity headers.

    Args:
        header: the header's name in lower case.
    """
    return f"h_{header.replace('-', '_')}"


def render_grants(apps: Iterable[App], key_set: str, *, devices: bool = False) -> bytes:
    """Return the grants file for `apps`; compact, because it is written in the moment of a revocation."""
    return _encode(grants_filter(apps, key_set, devices=devices))


def rotate_grants(content: bytes, key_set: str) -> bytes:
    """Return a grants file with another key set and nothing else changed.

    Args:
        content: the file in force, which the data plane has accepted before.
        key_set: the only keys whose grants are valid from now on.

    Raises:
        ValueError: when `content` is no grants file.
    """
    try:
        resource: Json = json.loads(content)["resources"][0]
        for provider in resource["typed_config"]["providers"].values():
            provider["local_jwks"] = {"inline_string": key_set}
    except (KeyError, IndexError, TypeError, AttributeError) as error:
        raise ValueError(f"not a grants file: {error}") from None
    resource.pop("@type")
    return _encode(resource)


def _encode(resource: Json) -> bytes:
    compact = json.dumps(resource, separators=(",", ":"))
    version = hashlib.sha256(compact.encode()).hexdigest()[:12]
    return json.dumps(discovery(_EXTENSION_TYPE, [resource], version), separators=(",", ":")).encode()


def grants_filter(apps: Iterable[App], key_set: str, *, devices: bool = False) -> Json:
    """Return the filter as an extension resource.

    Args:
        apps: every app that people reach.
        key_set: JWKS with the public key of the grants that are valid now.
        devices: whether there are grants for connections with a certificate, which are none for others.
    """
    kinds = (False, True) if devices else (False,)
    names = {
        grant_audience(app.id, on_device=on_device): (app, on_device)
        for app in sorted(apps, key=lambda app: app.id)
        for on_device in kinds
    }
    return {
        "name": FILTER_GRANTS,
        "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.filters.http.jwt_authn.v3.JwtAuthentication",
            "providers": {name: _provider(name, app, key_set, on_device=on) for name, (app, on) in names.items()},
            "requirement_map": {name: _grant_or_nothing(name) for name in names},
        },
    }


def _provider(audience: str, app: App, key_set: str, *, on_device: bool) -> Json:
    """Return who may vouch for a request to `app`.

    That a grant was verified is seen by its header in the metadata, which no client can write. Its claims would do as well
    and cost as much as verifying it.
    """
    headers = {ASSERTION_HEADER: ASSERTION_CLAIM, "x-ostiary-reference": "jti", "x-ostiary-session": "sid"}
    headers |= {name: identity_claim(name) for name in app.identity_headers}
    if on_device:
        headers[GRANTED_HEADER] = GRANTED_CLAIM
    return {
        "audiences": [audience],
        "require_expiration": True,
        "local_jwks": {"inline_string": key_set},
        "from_cookies": [GRANT_COOKIE],
        "header_in_metadata": GRANT_METADATA,
        "clock_skew_seconds": CLOCK_SKEW_SECONDS,
        "jwt_cache_config": {"jwt_cache_size": _CACHED_TOKENS, "jwt_max_token_size": _MAX_TOKEN_BYTES},
        "claim_to_headers": [{"header_name": name, "claim_name": claim} for name, claim in headers.items()],
    }


def _grant_or_nothing(provider: str) -> Json:
    """A request without a valid grant goes on to be decided; it is not refused here."""
    return {"requires_any": {"requirements": [{"provider_name": provider}, {"allow_missing_or_failed": {}}]}}
