"""Signs what applications read: ID tokens and logout tokens; reads back the ID tokens that they show us.

Source: OpenID Connect Core 1.0, sections 2 and 3.1.3.6; Back-Channel Logout 1.0, section 2.4; RP-Initiated Logout 1.0.
"""

import base64
import hashlib
import secrets
import time
from collections.abc import Mapping
from typing import Any, Final

import jwt
from django.conf import settings

from ostiary.oidc.adapters.key_files import ALGORITHM, SigningKey, add_key, list_keys

ID_TOKEN_SECONDS: Final = 600
LOGOUT_TOKEN_SECONDS: Final = 120
LOGOUT_EVENT: Final = "http://schemas.openid.net/event/backchannel-logout"
MAX_HINT_CHARACTERS: Final = 8192


def issuer() -> str:
    """Return who issues tokens: the sign-in host's address."""
    instance = settings.INSTANCE
    return str(instance.url(instance.identity_host, ""))


def key_set() -> dict[str, Any]:
    """Return the public keys by which tokens are checked, the one that signs first."""
    return {"keys": [key.public_jwk() for key in signing_keys()]}


def signing_keys() -> tuple[SigningKey, ...]:
    """Return the keys; the first is made when it is first needed."""
    folder = settings.INSTANCE.secrets
    return list_keys(folder) or add_key(folder, now=time.time(), unless=True)


def sign_id_token(claims: Mapping[str, Any], *, access_token: str, now: float) -> str:
    """Return an ID token, bound to the access token that goes with it.

    Args:
        claims: about the person and their sign-in; `aud` among them.
        access_token: issued together with it.
        now: seconds since the epoch.
    """
    half = hashlib.sha256(access_token.encode()).digest()[:16]
    at_hash = base64.urlsafe_b64encode(half).rstrip(b"=").decode()
    times = {"iss": issuer(), "iat": int(now), "exp": int(now) + ID_TOKEN_SECONDS}
    return _sign({**claims, **times, "at_hash": at_hash}, "JWT")


def sign_logout_token(*, client: str, person: str, session: str, now: float) -> str:
    """Return what tells a client that a sign-in ended.

    Args:
        client: whom it is for.
        person: whose sign-in.
        session: which.
        now: seconds since the epoch.
    """
    claims = {
        "iss": issuer(),
        "aud": client,
        "sub": person,
        "sid": session,
        "iat": int(now),
        "exp": int(now) + LOGOUT_TOKEN_SECONDS,
        "jti": secrets.token_urlsafe(16),
        "events": {LOGOUT_EVENT: {}},
    }
    return _sign(claims, "logout+jwt")


def read_hint(token: str) -> dict[str, Any] | None:
    """Return what an ID token of ours says, whenever it ran out; `None` for anything else."""
    if len(token) > MAX_HINT_CHARACTERS:
        return None
    options: Any = {"verify_exp": False, "verify_aud": False, "verify_iat": False, "require": ["sub", "aud", "sid"]}
    try:
        kid = jwt.get_unverified_header(token).get("kid")
        key = next((one for one in signing_keys() if one.kid == kid), None)
        if key is None:
            return None
        claims: dict[str, Any] = jwt.decode(
            token, key.private.public_key(), algorithms=[ALGORITHM], issuer=issuer(), options=options
        )
    except jwt.PyJWTError:
        return None
    return claims if "events" not in claims else None


def _sign(claims: Mapping[str, Any], kind: str) -> str:
    key = signing_keys()[0]
    return jwt.encode(dict(claims), key.private, algorithm=ALGORITHM, headers={"kid": key.kid, "typ": kind})
