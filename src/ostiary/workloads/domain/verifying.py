"""Whether a key that is given has signed what was handed in: a service's own assertion, or a token of an issuer. Pure.

Times are judged in `assertions`; where an issuer's keys come from is `adapters.issuers`'.
Source: RFC 7523, section 3; RFC 7515; RFC 8725.
"""

from collections.abc import Collection, Mapping
from typing import Any, Final

import jwt
from jwt.types import Options

from ostiary.workloads.domain.assertions import AssertionRefused, header_of
from ostiary.workloads.domain.key_sets import IssuerKey, read_issuer_key

_JUDGED_ELSEWHERE: Final[Options] = {
    "verify_aud": False,
    "verify_exp": False,
    "verify_nbf": False,
    "verify_iat": False,
    "verify_iss": False,
    "verify_sub": False,
    "verify_jti": False,
}


def read_own(assertion: str, keys: Collection[Mapping[str, Any]], *, service: str, audiences: Collection[str]) -> str:
    """Return the `kid` of the key with which a service signed an assertion about itself.

    Times are not judged here, see `judge_times`. Without a `kid` in the header each key is tried.

    Raises:
        AssertionRefused: when no key of the service made it, or it is about or for somebody else.
    """
    header = header_of(assertion)
    named = header.get("kid")
    fitting = [key for key in keys if named is None or key["kid"] == named]
    for key in fitting:
        try:
            claims = _verified(assertion, header, read_issuer_key(dict(key)))
        except AssertionRefused:
            continue
        if claims.get("iss") != service or claims.get("sub") != service:
            raise AssertionRefused("`iss` and `sub` must both be the service's name.")
        # One audience only: an assertion that is good elsewhere too could be brought here by whoever got it there.
        if claims.get("aud") not in audiences and claims.get("aud") not in [[one] for one in audiences]:
            raise AssertionRefused(f"`aud` must be {next(iter(audiences))} and nothing else.")
        return str(key["kid"])
    raise AssertionRefused("No key of the service has signed this.")


def read_federated(token: str, keys: Collection[IssuerKey], *, issuer: str, audience: str) -> dict[str, Any]:
    """Return the claims of another issuer's token.

    Args:
        token: as handed in.
        keys: the issuer's keys, each with the algorithms it is for.
        issuer: whose it must be.
        audience: for whom it must be.

    Raises:
        AssertionRefused: when none of the keys made it, or it is of or for somebody else.
    """
    claims = read_signed(token, keys)
    said = claims.get("aud")
    if claims.get("iss") != issuer:
        raise AssertionRefused("The token is of another issuer.")
    if said != audience and not (isinstance(said, list) and audience in said):
        raise AssertionRefused(f"The token is not for {audience}: ask the issuer for this audience.")
    return claims


def read_signed(token: str, keys: Collection[IssuerKey]) -> dict[str, Any]:
    """Return the claims of a token that one of an issuer's keys has signed, whatever they say.

    Raises:
        AssertionRefused: when none of them has, or the one that it names is not for its algorithm.
    """
    header = header_of(token)
    named = header.get("kid")
    fitting = [key for key in keys if named is None or key.id == named]
    if len(fitting) != 1:
        raise AssertionRefused("No key of the issuer fits the token.")
    return _verified(token, header, fitting[0])


def _verified(token: str, header: Mapping[str, Any], key: IssuerKey) -> dict[str, Any]:
    algorithm = str(header["alg"])
    if algorithm not in key.algorithms:
        raise AssertionRefused("The key is not for the algorithm of this token.")
    try:
        claims: dict[str, Any] = jwt.decode(token, key.key, algorithms=[algorithm], options=_JUDGED_ELSEWHERE)
    except (jwt.PyJWTError, ValueError, TypeError):
        raise AssertionRefused("The issuer has not signed this token.") from None
    return claims
