"""The keys that sign what this instance tells others: RSA, as the interoperability profile demands, one file each.

A new key is published a day before it signs, so that receivers who keep keys for a while have it by then; the one before
is published until the next is made. What is signed lives in `signing`.
Source: CAEP Interoperability Profile 1.0, section 2.6 (RS256, 2048 bits at least); RFC 7638 for the keys' names.
"""

import base64
import fcntl
import hashlib
import json
import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import msgspec
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from ostiary.config.secrets import MissingSecret, read_secret

ALGORITHM: Final = "RS256"
KEY_BITS: Final = 2048
ANNOUNCED_SECONDS: Final = 86_400.0
FIRST_FILE: Final = "signals.pem"
LOCK_FILE: Final = "signals-keys.lock"
_NAME: Final = re.compile(r"signals-([0-9]{10,12})-[0-9a-f]{8}\.pem", re.ASCII)


class SigningKey(msgspec.Struct, frozen=True):
    """One key.

    Args:
        kid: names it in tokens and in the key set.
        file: what it is kept in.
        made_at: seconds since the epoch.
        signs_at: from when it signs, unless a newer one does.
        private: signs.
    """

    kid: str
    file: str
    made_at: float
    signs_at: float
    private: RSAPrivateKey

    def public_jwk(self) -> dict[str, Any]:
        """Return its public half as others read it (RFC 7517)."""
        return {**_members(self.private), "kid": self.kid, "use": "sig", "alg": ALGORITHM}


def list_keys(folder: Path) -> tuple[SigningKey, ...]:
    """Return the keys, the oldest first. The first one is made when there is none.

    Args:
        folder: where the instance keeps its secrets.

    Raises:
        MissingSecret: when one is unreadable, or readable by others.
    """
    if not (names := _names(folder)):
        with _locked(folder):
            if not _names(folder):
                _write(folder / FIRST_FILE)
        names = _names(folder)
    keys = []
    for name in names:
        with suppress(FileNotFoundError):  # removed meanwhile, by who rotated them
            keys.append(_load(folder, name, (folder / name).stat().st_mtime_ns))
    return tuple(keys)


def key_that_signs(keys: Sequence[SigningKey], now: float) -> SigningKey:
    """Return the newest key that was published long enough; the oldest where none was.

    Args:
        keys: at least one, the oldest first.
        now: seconds since the epoch.
    """
    return next((key for key in reversed(keys) if key.signs_at <= now), keys[0])


def add_key(folder: Path, *, now: float, forget: bool = False) -> tuple[SigningKey, ...]:
    """Make a key, which signs from a day on, and remove those that nothing was signed with for long; return all that are left.

    Args:
        folder: as above.
        now: seconds since the epoch.
        forget: remove all the others, so that the new one signs at once: for a key that others know.
    """
    before = list_keys(folder)
    with _locked(folder):
        made_at = max(int(now), int(before[-1].made_at) + 1)
        _write(folder / f"signals-{made_at:010d}-{os.urandom(4).hex()}.pem")
        signing = before.index(key_that_signs(before, now))
        for key in before if forget else before[: max(0, signing - 1)]:
            (folder / key.file).unlink(missing_ok=True)
    return list_keys(folder)


def _names(folder: Path) -> list[str]:
    """Return the files of keys, the oldest first: the first one's name holds no moment, the others' begin with theirs."""
    found = {path.name for path in folder.iterdir()}
    return [*({FIRST_FILE} & found), *sorted(name for name in found if _NAME.fullmatch(name))]


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    descriptor = os.open(folder / LOCK_FILE, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _write(path: Path) -> None:
    """Make a key; its file appears whole."""
    pem = generate_private_key(public_exponent=65537, key_size=KEY_BITS).private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
    )
    beside = path.with_suffix(".new")
    with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(pem)
        file.flush()
        os.fsync(file.fileno())
    beside.rename(path)


@lru_cache(maxsize=16)
def _load(folder: Path, name: str, changed_ns: int) -> SigningKey:
    key = load_pem_private_key(read_secret(folder, name).reveal(), password=None)
    if not isinstance(key, RSAPrivateKey):
        raise MissingSecret(f"{folder / name} holds no RSA key.", hint="Restore it from a backup.")
    moment = _NAME.fullmatch(name)
    made_at = float(moment[1]) if moment else changed_ns / 1e9
    named = json.dumps(_members(key), sort_keys=True, separators=(",", ":")).encode()
    kid = _unpadded(hashlib.sha256(named).digest())
    return SigningKey(kid, name, made_at, made_at + ANNOUNCED_SECONDS if moment else 0.0, key)


def _members(key: RSAPrivateKey) -> dict[str, str]:
    numbers = key.public_key().public_numbers()
    parts = {
        name: _unpadded(value.to_bytes((value.bit_length() + 7) // 8, "big"))
        for name, value in (("e", numbers.e), ("n", numbers.n))
    }
    return {"kty": "RSA", **parts}


def _unpadded(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).decode().rstrip("=")
