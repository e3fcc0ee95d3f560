"""What clients are answered with: the tokens of a sign-in, claims about somebody, and the provider's own description.

Source: OpenID Connect Core 1.0, sections 2, 3.1.3.3, 5.3.2 and 12.2; Discovery 1.0, section 3; RFC 9207.
"""

from typing import Any, Final

from ostiary.identity.facade import Person, get_person
from ostiary.oidc.adapters.key_files import ALGORITHM
from ostiary.oidc.authentication import ALGORITHMS
from ostiary.oidc.domain.authorization import SCOPES
from ostiary.oidc.domain.claims import ACR_VALUES, About, claims_about
from ostiary.oidc.domain.client import FIXED_CLAIMS, Client
from ostiary.oidc.services.grants import ACCESS_SECONDS, Held, Tokens
from ostiary.oidc.signing import issuer, sign_id_token

AUTHORIZE: Final = "/oidc/authorize"
TOKEN: Final = "/oidc/token"  # noqa: S105 - a path
USERINFO: Final = "/oidc/userinfo"
REVOKE: Final = "/oidc/revoke"
KEYS: Final = "/oidc/keys"
END_SESSION: Final = "/oidc/end-session"
DISCOVERY: Final = "/.well-known/openid-configuration"
_METHODS: Final = ["client_secret_basic", "client_secret_post", "private_key_jwt", "none"]


def token_answer(client: Client, tokens: Tokens, *, first: bool, now: float) -> dict[str, Any]:
    """Return what the token endpoint answers. `auth_time`, `acr` and `amr` speak of the same proofs, also at a refresh (12.2).

    Args:
        client: whom.
        tokens: what was issued.
        first: whether a code was exchanged; an ID token of a refresh has no nonce.
        now: seconds since the epoch.
    """
    held = tokens.held
    claims: dict[str, Any] = {
        "aud": client.id,
        "sub": held.person,
        "sid": held.session,
        "auth_time": int(held.auth_time),
        **({"acr": held.acr, "amr": list(held.amr)} if held.acr else {}),
        **_about(client, held),
    }
    if first and held.nonce:
        claims["nonce"] = held.nonce
    answer: dict[str, Any] = {
        "access_token": tokens.access,
        "token_type": "Bearer",
        "expires_in": ACCESS_SECONDS,
        "scope": " ".join(held.scopes),
        "id_token": sign_id_token(claims, access_token=tokens.access, now=now),
    }
    if tokens.refresh:
        answer["refresh_token"] = tokens.refresh
    return answer


def userinfo_answer(client: Client, held: Held) -> dict[str, Any]:
    """Return what the userinfo endpoint answers."""
    return {"sub": held.person, **_about(client, held)}


def discovery() -> dict[str, Any]:
    """Return the provider's description of itself."""
    base = issuer()
    return {
        "issuer": base,
        "authorization_endpoint": base + AUTHORIZE,
        "token_endpoint": base + TOKEN,
        "userinfo_endpoint": base + USERINFO,
        "jwks_uri": base + KEYS,
        "revocation_endpoint": base + REVOKE,
        "end_session_endpoint": base + END_SESSION,
        "scopes_supported": list(SCOPES),
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": ["authorization_code", "refresh_token"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": [ALGORITHM],
        "token_endpoint_auth_methods_supported": _METHODS,
        "token_endpoint_auth_signing_alg_values_supported": list(ALGORITHMS),
        "revocation_endpoint_auth_methods_supported": _METHODS,
        "code_challenge_methods_supported": ["S256"],
        "claims_supported": sorted(
            {"name", "preferred_username", "email", "email_verified", "groups", "roles"}
            | (FIXED_CLAIMS & {"iss", "sub", "aud", "exp", "iat", "sid", "nonce", "auth_time", "acr", "amr"})
        ),
        "acr_values_supported": list(ACR_VALUES),
        "prompt_values_supported": ["none", "login", "consent", "select_account"],
        "claims_parameter_supported": False,
        "request_parameter_supported": False,
        "request_uri_parameter_supported": False,
        "authorization_response_iss_parameter_supported": True,
        "backchannel_logout_supported": True,
        "backchannel_logout_session_supported": True,
    }


def _about(client: Client, held: Held) -> dict[str, Any]:
    person: Person = get_person(held.person)
    about = About(
        id=person.id,
        email=person.email,
        name=person.name,
        groups=tuple(person.groups),
        email_verified=person.email_confirmed,
    )
    return claims_about(about, held.scopes, client)
