"""Whose request it is: a client proves itself by its secret, by a signed assertion, or, a public one, by nothing but PKCE.

Source: RFC 6749 section 2.3.1; OpenID Connect Core 1.0, section 9; RFC 7523 section 3.
"""

import base64
import binascii
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import unquote_plus

import jwt
from django.db import IntegrityError, transaction

from ostiary.oidc.domain.authorization import AuthorizationRefused
from ostiary.oidc.domain.client import Client, ClientKind
from ostiary.oidc.models import UsedAssertion
from ostiary.oidc.queries import find_client
from ostiary.oidc.services.clients import digest_of, has_secret
from ostiary.oidc.signing import issuer

ASSERTION_TYPE: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
ALGORITHMS: Final = ("RS256", "PS256", "ES256", "EdDSA")
MAX_ASSERTION_CHARACTERS: Final = 8192
MAX_ASSERTION_SECONDS: Final = 600
LEEWAY_SECONDS: Final = 30
_WRONG: Final = "the client is not known or did not prove itself"


def authenticate_client(given: Mapping[str, str], authorization: str, *, endpoint: str, now: float) -> Client:
    """Return the client whose request it is.

    Args:
        given: the form's fields, each once.
        authorization: the header of that name; empty for none.
        endpoint: the address that was asked; assertions name it, or the issuer.
        now: seconds since the epoch.

    Raises:
        AuthorizationRefused: `invalid_client`, always in the same words; `invalid_request` for two proofs at once.
    """
    ways = [bool(authorization), "client_secret" in given, "client_assertion" in given]
    if sum(ways) > 1:
        raise AuthorizationRefused("invalid_request", "a client proves itself in one way only")
    if "client_assertion" in given:
        return _by_assertion(given, endpoint, now)
    name, secret = _basic(authorization) if authorization else (given.get("client_id", ""), given.get("client_secret"))
    if given.get("client_id", name) != name:
        raise AuthorizationRefused("invalid_request", "client_id is not the one that proves itself")
    client = find_client(name)
    if client is not None and client.kind is ClientKind.PUBLIC and not secret:
        return client
    if client is None or not secret or not has_secret(name, secret):
        raise AuthorizationRefused("invalid_client", _WRONG)
    return client


def _basic(authorization: str) -> tuple[str, str]:
    scheme, _, credentials = authorization.partition(" ")
    if scheme.lower() != "basic" or len(credentials) > 2000:
        raise AuthorizationRefused("invalid_client", _WRONG)
    try:
        text = base64.b64decode(credentials.strip(), validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        raise AuthorizationRefused("invalid_client", _WRONG) from None
    name, colon, secret = text.partition(":")
    if not colon:
        raise AuthorizationRefused("invalid_client", _WRONG)
    return unquote_plus(name), unquote_plus(secret)


def _by_assertion(given: Mapping[str, str], endpoint: str, now: float) -> Client:
    text = given["client_assertion"]
    if given.get("client_assertion_type") != ASSERTION_TYPE or len(text) > MAX_ASSERTION_CHARACTERS:
        raise AuthorizationRefused("invalid_client", _WRONG)
    try:
        name = str(jwt.decode(text, options={"verify_signature": False}).get("sub", ""))
    except jwt.PyJWTError:
        raise AuthorizationRefused("invalid_client", _WRONG) from None
    client = find_client(name)
    if client is None or client.kind is not ClientKind.KEY or given.get("client_id", name) != name:
        raise AuthorizationRefused("invalid_client", _WRONG)
    claims = _checked(text, client, endpoint)
    if claims is None or not float(claims["exp"]) <= now + MAX_ASSERTION_SECONDS + LEEWAY_SECONDS:
        raise AuthorizationRefused("invalid_client", _WRONG)
    _use_once(f"{name}\x1f{claims['jti']}", float(claims["exp"]), now)
    return client


def _checked(text: str, client: Client, endpoint: str) -> dict[str, Any] | None:
    """Return the claims of an assertion that one of the client's keys signed for us."""
    options: Any = {"require": ["exp", "iss", "sub", "aud", "jti"]}
    for member in client.keys:
        try:
            key = jwt.PyJWK.from_dict(dict(member))
            if key.algorithm_name not in ALGORITHMS:
                continue
            claims: dict[str, Any] = jwt.decode(
                text,
                key,
                algorithms=[key.algorithm_name],
                audience=[endpoint, issuer()],
                issuer=client.id,
                leeway=LEEWAY_SECONDS,
                options=options,
            )
        except jwt.PyJWTError:
            continue
        return claims if claims["sub"] == client.id and isinstance(claims["jti"], str) else None
    return None


def _use_once(mark: str, expires_at: float, now: float) -> None:
    UsedAssertion.objects.filter(expires_at__lt=datetime.fromtimestamp(now - LEEWAY_SECONDS, UTC)).delete()
    try:
        with transaction.atomic():
            UsedAssertion.objects.create(digest=digest_of(mark), expires_at=datetime.fromtimestamp(expires_at, UTC))
    except IntegrityError:
        raise AuthorizationRefused("invalid_client", _WRONG) from None
