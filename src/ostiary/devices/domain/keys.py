"""Public keys of devices: EC P-256 as a JWK, in one form only. Pure.

Source: RFC 7517; RFC 7518, section 6.2.1; RFC 7638 (thumbprints).
"""

import base64
import binascii
import hashlib
import json
from typing import Annotated, Literal

import msgspec
from cryptography.hazmat.primitives.asymmetric import ec
from msgspec import Meta

from ostiary.errors import OstiaryError

Coordinate = Annotated[str, Meta(pattern=r"\A[A-Za-z0-9_-]{43}\Z", min_length=43, max_length=43)]


class UnusableDeviceKey(OstiaryError):
    """This is no public key a device may have."""


class Jwk(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A public key as it stands in a message."""

    kty: Literal["EC"]
    crv: Literal["P-256"]
    x: Coordinate
    y: Coordinate


def jwk_of(key: ec.EllipticCurvePublicKey) -> Jwk:
    """Return a public key in the form messages carry."""
    numbers = key.public_numbers()
    return Jwk(kty="EC", crv="P-256", x=_encoded(numbers.x), y=_encoded(numbers.y))


def public_key(jwk: Jwk) -> ec.EllipticCurvePublicKey:
    """Return the key.

    Raises:
        UnusableDeviceKey: when it is no point of the curve, or written otherwise than everybody else writes it: one key
            would have two thumbprints.
    """
    x, y = _number(jwk.x), _number(jwk.y)
    try:
        key = ec.EllipticCurvePublicNumbers(x, y, ec.SECP256R1()).public_key()
    except ValueError:
        raise UnusableDeviceKey("The key is no point of the curve P-256.") from None
    if (_encoded(x), _encoded(y)) != (jwk.x, jwk.y):
        raise UnusableDeviceKey("The key is not written in its one form.")
    return key


def thumbprint_of(jwk: Jwk) -> str:
    """Return the key's thumbprint, base64url."""
    canonical = json.dumps({"crv": jwk.crv, "kty": jwk.kty, "x": jwk.x, "y": jwk.y}, separators=(",", ":"))
    return base64.urlsafe_b64encode(hashlib.sha256(canonical.encode()).digest()).rstrip(b"=").decode()


def _encoded(number: int) -> str:
    return base64.urlsafe_b64encode(number.to_bytes(32, "big")).rstrip(b"=").decode()


def _number(text: str) -> int:
    try:
        return int.from_bytes(base64.urlsafe_b64decode(text + "="), "big")
    except (binascii.Error, ValueError):
        raise UnusableDeviceKey("The key is not written in its one form.") from None
