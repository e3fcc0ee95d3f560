"""The key that signs what this instance tells others: RSA, as the interoperability profile demands, and its own.

It is made when it is first needed. A process that finds another's half-made file waits for nothing: the file appears whole.
Source: CAEP Interoperability Profile 1.0, section 2.6 (RS256, 2048 bits at least); RFC 7638 for the key's name.
"""

import base64
import hashlib
import json
import os
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from django.conf import settings

from ostiary.config.secrets import read_secret
from ostiary.signals.domain.tokens import TYPE

KEY_FILE: Final = "signals.pem"
KEY_BITS: Final = 2048


def sign(claims: dict[str, Any]) -> str:
    """Return a security event token.

    Raises:
        MissingSecret: when the key cannot be read.
    """
    key, identifier = _key(settings.INSTANCE.secrets)
    return jwt.encode(claims, key, algorithm="RS256", headers={"typ": TYPE, "kid": identifier})


def public_keys() -> dict[str, Any]:
    """Return the key set that receivers check signatures with (RFC 7517).

    Raises:
        MissingSecret: when the key cannot be read.
    """
    key, identifier = _key(settings.INSTANCE.secrets)
    return {"keys": [{**_public(key), "kid": identifier, "use": "sig", "alg": "RS256"}]}


@lru_cache(maxsize=4)
def _key(folder: Path) -> tuple[RSAPrivateKey, str]:
    if not (folder / KEY_FILE).exists():
        _make(folder / KEY_FILE)
    key = load_pem_private_key(read_secret(folder, KEY_FILE).reveal(), password=None)
    if not isinstance(key, RSAPrivateKey):
        raise TypeError(f"{KEY_FILE} holds no RSA key")
    named = json.dumps(_public(key), sort_keys=True, separators=(",", ":")).encode()
    return key, _unpadded(hashlib.sha256(named).digest())


def _public(key: RSAPrivateKey) -> dict[str, str]:
    numbers = key.public_key().public_numbers()
    parts = {
        name: _unpadded(value.to_bytes((value.bit_length() + 7) // 8, "big"))
        for name, value in (("e", numbers.e), ("n", numbers.n))
    }
    return {"kty": "RSA", **parts}


def _make(path: Path) -> None:
    pem = generate_private_key(public_exponent=65537, key_size=KEY_BITS).private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
    )
    beside = path.with_name(f"{path.name}.{os.getpid()}.new")
    with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(pem)
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(beside, path)
    except FileExistsError:
        pass  # another process was first, and its key counts
    finally:
        beside.unlink()


def _unpadded(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).decode().rstrip("=")
