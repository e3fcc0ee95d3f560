"""What a directory signed: its keys, its ID tokens, and its word that somebody signed out there.

What the claims mean for an account is not known here.
Source: OpenID Connect Core 1.0, section 3.1.3.7; Back-Channel Logout 1.0, sections 2.4 and 2.6.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import jwt
from django.utils.crypto import constant_time_compare

from ostiary.identity.adapters.openid_discovery import ASK_AGAIN_SECONDS, KEEP_SECONDS, Discovery, kept_or_asked
from ostiary.identity.domain.federation import DirectoryRefused, Provider, Reason

ALGORITHMS: Final = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
LEEWAY_SECONDS: Final = 60


def read_id_token(provider: Provider, document: Discovery, token: str, *, nonce: str) -> dict[str, Any]:
    """Return the claims of an ID token after every check of section 3.1.3.7.

    Keys that the directory changed meanwhile are fetched once; a key that it no longer lists counts no more.

    Raises:
        DirectoryRefused: when anything about it is not as it must be.
    """
    claims = _signed(provider, document, token, types=None, required=("exp", "iat", "iss", "aud", "sub"))
    audience = claims["aud"]
    party = claims.get("azp")
    several = isinstance(audience, list) and len(audience) > 1
    if (several or party is not None) and party != provider.client_id:
        raise DirectoryRefused(Reason.TOKEN_REFUSED, detail="the token is for another party")
    if not isinstance(claims.get("nonce"), str) or not constant_time_compare(claims["nonce"], nonce):
        raise DirectoryRefused(Reason.TOKEN_REFUSED, detail="the nonce is not ours")
    return claims


def read_logout_token(provider: Provider, document: Discovery, token: str) -> dict[str, Any]:
    """Return the claims of a logout token that the directory signed for this instance (Back-Channel Logout 1.0, section 2.6).

    What they must say besides is in the domain.

    Raises:
        DirectoryRefused: when anything about it is not as it must be.
    """
    required = ("iat", "iss", "aud", "jti", "events")
    return _signed(provider, document, token, types=("logout+jwt", "jwt", ""), required=required)


def count_keys(document: Discovery) -> int:
    """Return how many keys the directory signs with now.

    Raises:
        DirectoryRefused: when it does not say, or none can be used.
    """
    return len(_key_set(document.jwks_uri, at_most=0).keys)


def _signed(
    provider: Provider, document: Discovery, token: str, *, types: Sequence[str] | None, required: Sequence[str]
) -> dict[str, Any]:
    """Return the claims of a token that this directory signed for this client, and that is not over.

    Args:
        provider: whose it is said to be.
        document: its discovery.
        token: as it came.
        types: what its header may say that it is, in small letters; `None` for anything.
        required: the claims that it must have.
    """
    try:
        header = jwt.get_unverified_header(token)
        if header.get("alg") not in ALGORITHMS:
            raise jwt.InvalidAlgorithmError(f"algorithm {str(header.get('alg'))[:20]}")
        if types is not None and str(header.get("typ", "")).lower() not in types:
            raise jwt.InvalidTokenError(f"a token of the type {str(header['typ'])[:20]}")
        claims: dict[str, Any] = jwt.decode(
            token,
            _key(document.jwks_uri, header),
            algorithms=[header["alg"]],
            audience=provider.client_id,
            issuer=provider.issuer,
            leeway=LEEWAY_SECONDS,
            options={"require": list(required)},
        )
    except (jwt.PyJWTError, ValueError, TypeError) as error:
        raise DirectoryRefused(Reason.TOKEN_REFUSED, detail=str(error)[:200]) from None
    return claims


def _key(url: str, header: Mapping[str, Any]) -> Any:
    for at_most in (KEEP_SECONDS, ASK_AGAIN_SECONDS):
        keys = [one for one in _key_set(url, at_most=at_most).keys if one.public_key_use in {None, "sig"}]
        kid = header.get("kid")
        fitting = [one for one in keys if one.key_id == kid] if kid is not None else keys
        if len(fitting) == 1:
            return fitting[0].key
    raise jwt.InvalidKeyError("no key of the directory fits")


def _key_set(url: str, *, at_most: float) -> jwt.PyJWKSet:
    try:
        return jwt.PyJWKSet.from_dict(kept_or_asked(url, at_most=at_most))
    except (jwt.PyJWTError, ValueError, TypeError, AttributeError) as error:
        raise DirectoryRefused(Reason.UNREACHABLE, detail=f"keys: {error}") from None
