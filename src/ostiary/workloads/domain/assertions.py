"""What a program hands in to get a token: an assertion it signed itself, or a token of an issuer that is trusted. Pure.

Signatures are verified with keys that are given; where an issuer's keys come from is `adapters.issuers`'.
Source: RFC 7523, section 3; RFC 7519; RFC 7518; RFC 7638; RFC 8725.
"""

import base64
import hashlib
import json
from collections.abc import Collection, Mapping
from typing import Any, Final

import jwt
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

from ostiary.errors import OstiaryError

ALGORITHMS: Final = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
LEEWAY_SECONDS: Final = 30.0
LONGEST_ASSERTION_SECONDS: Final = 600.0
LONGEST_FEDERATED_SECONDS: Final = 86_400.0
MAX_ASSERTION_CHARACTERS: Final = 16_000
MAX_JTI_CHARACTERS: Final = 200
MIN_RSA_BITS: Final = 2048
MAX_RSA_BITS: Final = 8192
MAX_KEY_CHARACTERS: Final = 20_000
_CURVES: Final = {"secp256r1": "P-256", "secp384r1": "P-384", "secp521r1": "P-521"}

PublicKey = rsa.RSAPublicKey | ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey


class UnusableKey(OstiaryError):
    """A key cannot be used to verify anything."""


class AssertionRefused(OstiaryError):
    """What was handed in proves nothing."""


def parse_public_key(text: str) -> dict[str, Any]:
    """Return a public key as a JWK with its thumbprint as `kid`.

    Args:
        text: a PEM file (`-----BEGIN PUBLIC KEY-----`) or one JWK, as text.

    Raises:
        UnusableKey: when it is none, is private, or is too weak.
    """
    if "PRIVATE KEY" in text:
        raise UnusableKey(
            "This is the private key. It stays with the service.",
            hint="Hand in the public one: openssl pkey -in service.key -pubout -out service.pub",
        )
    if len(text) > MAX_KEY_CHARACTERS:
        raise UnusableKey("This is no public key.", hint="Give a PEM file or a JWK.")
    key = _from_jwk(text) if text.lstrip().startswith("{") else _from_pem(text)
    if isinstance(key, rsa.RSAPublicKey):
        if not MIN_RSA_BITS <= key.key_size <= MAX_RSA_BITS:
            raise UnusableKey(f"An RSA key of {key.key_size} bits is not accepted.", hint="Make one of 2048 to 8192.")
        jwk = _only(RSAAlgorithm.to_jwk(key, as_dict=True), ("e", "kty", "n"))
    elif isinstance(key, ec.EllipticCurvePublicKey) and key.curve.name in _CURVES:
        jwk = _only(ECAlgorithm.to_jwk(key, as_dict=True), ("crv", "kty", "x", "y"))
    elif isinstance(key, ed25519.Ed25519PublicKey):
        jwk = _only(OKPAlgorithm.to_jwk(key, as_dict=True), ("crv", "kty", "x"))
    else:
        raise UnusableKey("A key of this kind is not accepted.", hint="Make one of RSA, P-256 or Ed25519.")
    return {**jwk, "kid": thumbprint(jwk)}


def thumbprint(jwk: Mapping[str, Any]) -> str:
    """Return the thumbprint of a JWK that holds its required members only (RFC 7638)."""
    content = json.dumps(dict(sorted(jwk.items())), separators=(",", ":")).encode()
    return base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()


def kind_of(jwk: Mapping[str, Any]) -> str:
    """Return what a key is, in words."""
    if jwk.get("kty") == "RSA":
        modulus = str(jwk.get("n", ""))
        return f"RSA {len(base64.urlsafe_b64decode(modulus + '=' * (-len(modulus) % 4))) * 8}"
    return str(jwk.get("crv", ""))


def read_own(assertion: str, keys: Collection[Mapping[str, Any]], *, service: str, audiences: Collection[str]) -> str:
    """Return the `kid` of the key with which a service signed an assertion about itself.

    Times are not judged here, see `judge_times`. Without a `kid` in the header each key is tried.

    Raises:
        AssertionRefused: when no key of the service made it, or it is about or for somebody else.
    """
    header = _header(assertion)
    named = header.get("kid")
    fitting = [key for key in keys if named is None or key["kid"] == named]
    for key in fitting:
        try:
            claims = _decode(assertion, header, jwt.PyJWK(dict(key)).key)
        except (jwt.PyJWTError, ValueError, TypeError):
            continue
        if claims.get("iss") != service or claims.get("sub") != service:
            raise AssertionRefused("`iss` and `sub` must both be the service's name.")
        # One audience only: an assertion that is good elsewhere too could be brought here by whoever got it there.
        if claims.get("aud") not in audiences and claims.get("aud") not in [[one] for one in audiences]:
            raise AssertionRefused(f"`aud` must be {next(iter(audiences))} and nothing else.")
        return str(key["kid"])
    raise AssertionRefused("No key of the service has signed this.")


def read_federated(token: str, keys: Collection[Any], *, issuer: str, audience: str) -> dict[str, Any]:
    """Return the claims of another issuer's token.

    Args:
        token: as handed in.
        keys: the issuer's keys as `jwt.PyJWK`, each with the algorithm it is for.
        issuer: whose it must be.
        audience: for whom it must be.

    Raises:
        AssertionRefused: when none of the keys made it, or it is of or for somebody else.
    """
    header = _header(token)
    named = header.get("kid")
    signing = [key for key in keys if key.public_key_use in {None, "sig"}]
    fitting = [key for key in signing if key.key_id == named] if named is not None else signing
    if len(fitting) != 1:
        raise AssertionRefused("No key of the issuer fits the token.")
    try:
        claims = _decode(token, header, fitting[0].key)
    except (jwt.PyJWTError, ValueError, TypeError):
        raise AssertionRefused("The issuer has not signed this token.") from None
    said = claims.get("aud")
    if claims.get("iss") != issuer:
        raise AssertionRefused("The token is of another issuer.")
    if said != audience and not (isinstance(said, list) and audience in said):
        raise AssertionRefused(f"The token is not for {audience}: ask the issuer for this audience.")
    return claims


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
    _header(token)
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
    kid: str | None = _header(token).get("kid")
    return kid


def _header(token: str) -> dict[str, Any]:
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


def _decode(token: str, header: Mapping[str, Any], key: Any) -> dict[str, Any]:
    decoded: dict[str, Any] = jwt.decode(
        token,
        key,
        algorithms=[str(header["alg"])],
        options={
            "verify_aud": False,
            "verify_exp": False,
            "verify_nbf": False,
            "verify_iat": False,
            "verify_iss": False,
            "verify_sub": False,
            "verify_jti": False,
        },
    )
    return decoded


def _moment(claims: Mapping[str, Any], name: str, *, optional: bool = False) -> float | None:
    value = claims.get(name)
    if value is None and optional:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1e11:
        raise AssertionRefused(f"`{name}` must be a moment in seconds.")
    return float(value)


def _from_pem(text: str) -> object:
    try:
        return load_pem_public_key(text.strip().encode())
    except (ValueError, TypeError, UnicodeError, UnsupportedAlgorithm):
        raise UnusableKey(
            "This is no public key.", hint="Make one: openssl pkey -in service.key -pubout -out service.pub"
        ) from None


def _from_jwk(text: str) -> object:
    try:
        said = json.loads(text)
        if {"d", "p", "q", "k"} & set(said):
            raise UnusableKey("This key is private. It stays with the service.", hint="Remove its member `d`.")
        return jwt.PyJWK(said).key
    except (jwt.PyJWTError, ValueError, TypeError, RecursionError, KeyError, UnsupportedAlgorithm):
        raise UnusableKey("This is no public key.", hint="Give a PEM file or one JWK.") from None


def _only(jwk: Mapping[str, Any], names: Collection[str]) -> dict[str, Any]:
    return {name: jwk[name] for name in names}
