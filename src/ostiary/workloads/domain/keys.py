"""The public keys that services are known by: read, judged, named. Pure; those of issuers are in `key_sets`.

Source: RFC 7517; RFC 7518, section 6; RFC 7638.
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

MIN_RSA_BITS: Final = 2048
MAX_RSA_BITS: Final = 8192
MAX_KEY_CHARACTERS: Final = 20_000
CURVES: Final = {"secp256r1": "P-256", "secp384r1": "P-384", "secp521r1": "P-521"}

PublicKey = rsa.RSAPublicKey | ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey


class UnusableKey(OstiaryError):
    """A key cannot be used to verify anything."""


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
    elif isinstance(key, ec.EllipticCurvePublicKey) and key.curve.name in CURVES:
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
