"""What a program hands in to get a token, as far as it can be read before it is verified, and its times. Pure.

Verifying is `verifying`'s; keys are read in `keys` and `key_sets`.
Source: RFC 7523, section 3; RFC 7519; RFC 8725.
"""

import hashlib
from collections.abc import Mapping
from typing import Any, Final

import jwt

from ostiary.errors import OstiaryError

ALGORITHMS: Final = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
LEEWAY_SECONDS: Final = 30.0
LONGEST_ASSERTION_SECONDS: Final = 600.0
LONGEST_FEDERATED_SECONDS: Final = 86_400.0
MAX_ASSERTION_CHARACTERS: Final = 16_000
MAX_JTI_CHARACTERS: Final = 200


class AssertionRefused(OstiaryError):
    """What was handed in proves nothing."""


def judge_times(claims: Mapping[str, Any], *, now: float, longest: float, jti: bool) -> float:
    """Return until when an assertion is good (seconds since the epoch).

    Args:
        claims: of a verified assertion.
        now: seconds since the epoch.
        longest: how far `exp` may lie ahead; without `iat` from now, else also from there.
        jti: whether it must have an identifier of its own.

    Raises:
        AssertionRefused: when it has run out, is of the future, lives too long, or has no identifier.
    """
    ends, begins = _moment(claims, "exp"), _moment(claims, "iat", optional=True)
    not_before = _moment(claims, "nbf", optional=True)
    if ends is None or now >= ends + LEEWAY_SECONDS:
        raise AssertionRefused("The assertion has run out. Is the clock right?")
    if any(one is not None and one > now + LEEWAY_SECONDS for one in (begins, not_before)):
        raise AssertionRefused("The assertion is of the future. Is the clock right?")
    if ends > (now if begins is None else min(begins, now)) + longest + LEEWAY_SECONDS:
        raise AssertionRefused(f"The assertion lives too long: at most {int(longest)} seconds.")
    if jti:
        name = claims.get("jti")
        if not isinstance(name, str) or not 8 <= len(name) <= MAX_JTI_CHARACTERS:
            raise AssertionRefused(f"`jti` must be a new text of 8 to {MAX_JTI_CHARACTERS} characters each time.")
    return ends


def unverified(token: str) -> dict[str, Any]:
    """Return the claims of a token before anybody vouched for them: to find out which issuer to ask.

    Raises:
        AssertionRefused: when it is no signed token.
    """
    header_of(token)
    try:
        claims: dict[str, Any] = jwt.decode(token, options={"verify_signature": False})
    except (jwt.PyJWTError, ValueError, TypeError, RecursionError):
        raise AssertionRefused("This is no signed token.") from None
    return claims


def kid_of(token: str) -> str | None:
    """Return the key that a token says it was signed with, where it says so.

    Raises:
        AssertionRefused: when it is no signed token.
    """
    kid: str | None = header_of(token).get("kid")
    return kid


def digest_of(token: str) -> str:
    """Return what tells a signed token from every other, in hexadecimal.

    Only what is signed counts: a signature can be written in more than one way, and a token that comes back with another
    spelling of it is the same one.
    """
    return hashlib.sha256(token.rpartition(".")[0].encode("utf-8", "surrogatepass")).hexdigest()


def header_of(token: str) -> dict[str, Any]:
    """Return the header of a token before anybody vouched for it; its algorithm is one of ours, its `kid` a text or absent.

    Raises:
        AssertionRefused: when it is no signed token.
    """
    if len(token) > MAX_ASSERTION_CHARACTERS:
        raise AssertionRefused("The assertion is too long.")
    try:
        header: dict[str, Any] = jwt.get_unverified_header(token)
    except (jwt.PyJWTError, ValueError, TypeError, RecursionError):
        raise AssertionRefused("This is no signed token.") from None
    if header.get("alg") not in ALGORITHMS:
        raise AssertionRefused(f"Sign with one of {', '.join(ALGORITHMS)}.")
    if not isinstance(header.get("kid"), str | None):
        raise AssertionRefused("`kid` must be a text.")
    return header


def _moment(claims: Mapping[str, Any], name: str, *, optional: bool = False) -> float | None:
    value = claims.get(name)
    if value is None and optional:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1e11:
        raise AssertionRefused(f"`{name}` must be a moment in seconds.")
    return float(value)
