"""The keys that sign ID tokens: one file each among the instance's secrets, the newest signs, the one before still counts.

What is signed lives in `signing`; when a key is replaced, in `services.keys`.
Source: OpenID Connect Core 1.0, sections 10.1 and 10.1.1 (rotation); RFC 7518 section 6.3; RFC 7638 (thumbprints).
"""

import base64
import fcntl
import hashlib
import json
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import msgspec
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from ostiary.config.secrets import MissingSecret, read_secret

ALGORITHM: Final = "RS256"
KEY_BITS: Final = 3072
KEPT: Final = 2
LOCK_FILE: Final = "oidc-keys.lock"
_NAME: Final = re.compile(r"oidc-([0-9]{10,12})-([0-9a-f]{8})\.pem", re.ASCII)


class SigningKey(msgspec.Struct, frozen=True):
    """One key.

    Args:
        kid: names it in tokens and in the key set.
        made_at: seconds since the epoch.
        private: signs.
    """

    kid: str
    made_at: float
    private: rsa.RSAPrivateKey

    def public_jwk(self) -> dict[str, Any]:
        """Return its public half as others read it."""
        return {**_members(self.private), "kid": self.kid, "use": "sig", "alg": ALGORITHM}


def list_keys(folder: Path) -> tuple[SigningKey, ...]:
    """Return the keys, the one that signs first; none before the first was made.

    Args:
        folder: where the instance keeps its secrets.

    Raises:
        MissingSecret: when one is unreadable, or readable by others.
    """
    names = _names(folder)
    return tuple(_load(folder, name, (folder / name).stat().st_mtime_ns) for name in names[:KEPT])


def add_key(folder: Path, *, now: float, unless: bool = False, keep: int = KEPT) -> tuple[SigningKey, ...]:
    """Make a key that signs from now on, remove those beyond the number kept, and return all that are left.

    Args:
        folder: as above.
        now: seconds since the epoch.
        unless: make none when there is one.
        keep: how many are left, the new one among them.
    """
    with _locked(folder):
        present = list_keys(folder)
        if unless and present:
            return present
        made_at = max(int(now), int(present[0].made_at) + 1 if present else 0)
        private = rsa.generate_private_key(public_exponent=65537, key_size=KEY_BITS)
        _write(folder / f"oidc-{made_at:010d}-{os.urandom(4).hex()}.pem", private)
        names = _names(folder)
        for name in names[keep:]:
            (folder / name).unlink(missing_ok=True)
    return list_keys(folder)


def _names(folder: Path) -> list[str]:
    """Return the files of keys, the newest first: their names begin with the moment."""
    return sorted((path.name for path in folder.iterdir() if _NAME.fullmatch(path.name)), reverse=True)


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    descriptor = os.open(folder / LOCK_FILE, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _write(path: Path, private: rsa.RSAPrivateKey) -> None:
    fresh = path.with_suffix(".new")
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        file.flush()
        os.fsync(file.fileno())
    fresh.rename(path)


@lru_cache(maxsize=8)
def _load(folder: Path, name: str, _changed_ns: int) -> SigningKey:
    match = _NAME.fullmatch(name)
    private = load_pem_private_key(read_secret(folder, name).reveal(), password=None)
    if match is None or not isinstance(private, rsa.RSAPrivateKey):
        raise MissingSecret(f"{name} is no key of the OpenID Connect provider.", hint="ostiary app oidc rotate-keys")
    thumbprint = hashlib.sha256(json.dumps(_members(private), sort_keys=True, separators=(",", ":")).encode()).digest()
    return SigningKey(_unpadded(thumbprint)[:16], float(match[1]), private)


def _members(private: rsa.RSAPrivateKey) -> dict[str, str]:
    numbers = private.public_key().public_numbers()
    return {"e": _number(numbers.e), "kty": "RSA", "n": _number(numbers.n)}


def _number(value: int) -> str:
    return _unpadded(value.to_bytes((value.bit_length() + 7) // 8, "big"))


def _unpadded(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()
