"""Tokens of services: signed by the control plane, verified by the decision service. Who gets one is `workloads`' to say.

They have a key of their own, made from the session key, and are worth nothing anywhere else: apps never see them.
Source: RFC 7519 (JWT), RFC 8725 (best current practices), RFC 5869 (HKDF).
"""

from typing import Any, Final

import jwt
import msgspec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from ostiary.gateway.tokens import CLOCK_LEEWAY_SECONDS, MAX_TOKEN_CHARACTERS, InvalidToken
from ostiary.policy.bearers import SERVICE_PREFIX
from ostiary.policy.identifiers import AppId, ServiceId

ISSUER: Final = "ostiary-workloads"
TYPE: Final = "ost-workload+jwt"
EVERYWHERE: Final = AppId("*")
"""The audience of a token for every app that the rules open to its service. No app can be called so."""

LONGEST_SECONDS: Final = 3600


class WorkloadClaims(msgspec.Struct, frozen=True, kw_only=True):
    """What a service's token says.

    Args:
        app: the one app it is for, or `EVERYWHERE`.
        issued_at: seconds since the epoch.
        expires_at: at most `LONGEST_SECONDS` later.
        jti: names it on record.
    """

    service: ServiceId
    app: AppId
    issued_at: float
    expires_at: float
    jti: str


def workload_key(session_key: bytes) -> bytes:
    """Return the key of services' tokens, made from the content of `secrets/session.key`."""
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=b"ostiary workload token").derive(session_key)


def sign_workload(key: bytes, claims: WorkloadClaims) -> str:
    """Return the token.

    Args:
        key: of `workload_key`.
        claims: what it says.

    Raises:
        ValueError: when it would live too long.
    """
    if not claims.issued_at < claims.expires_at <= claims.issued_at + LONGEST_SECONDS:
        raise ValueError("a service's token lives an hour at most")
    payload = {
        "iss": ISSUER,
        "sub": claims.service,
        "aud": claims.app,
        "iat": claims.issued_at,
        "exp": claims.expires_at,
        "jti": claims.jti,
    }
    return SERVICE_PREFIX + jwt.encode(payload, key, algorithm="HS256", headers={"typ": TYPE})


def read_workload(key: bytes, token: str) -> WorkloadClaims:
    """Return what a token says. Whether it is still good is judged by whoever knows the time and the facts.

    Raises:
        InvalidToken: for anything that `sign_workload` did not make with this key.
    """
    if not token.startswith(SERVICE_PREFIX) or len(token) > MAX_TOKEN_CHARACTERS:
        raise InvalidToken("This is no token of a service.")
    try:
        payload: dict[str, Any] = jwt.decode(
            token.removeprefix(SERVICE_PREFIX),
            key,
            algorithms=["HS256"],
            issuer=ISSUER,
            options={
                "require": ["sub", "aud", "iat", "exp", "jti"],
                "verify_aud": False,
                "verify_exp": False,
                "verify_nbf": False,
                "verify_iat": False,
            },
        )
        return msgspec.convert(
            {
                "service": payload["sub"],
                "app": payload["aud"],
                "issued_at": payload["iat"],
                "expires_at": payload["exp"],
                "jti": payload["jti"],
            },
            WorkloadClaims,
        )
    except (jwt.InvalidTokenError, msgspec.ValidationError, ValueError, TypeError, RecursionError) as error:
        raise InvalidToken("The token is not valid.", detail=str(error)[:200]) from None


def is_current(claims: WorkloadClaims, now: float) -> bool:
    """Return whether a token is good at `now` (seconds since the epoch), as far as time goes."""
    return claims.issued_at <= now + CLOCK_LEEWAY_SECONDS and now < claims.expires_at
