"""Secrets: one file each, readable by the service's user alone, never defaulted."""

import base64
import os
import secrets as randomness
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from ostiary.errors import OstiaryError

RANDOM_KEYS = ("django.key", "handover.key", "session.key")
ASSERTION_KEY = "assertion.pem"
AUDIT_KEY = "audit.pem"


class Secret:
    """A secret value that prints as `***`; `reveal` is the only way to it."""

    __slots__ = ("_value",)

    def __init__(self, value: bytes) -> None:
        self._value = value

    def reveal(self) -> bytes:
        """Return the value."""
        return self._value

    def __repr__(self) -> str:
        return "***"

    __str__ = __repr__


class MissingSecret(OstiaryError):
    """A secret file is absent or unreadable; the process must not start."""


def read_secret(folder: Path, name: str) -> Secret:
    """Return the content of one secret file, without surrounding white space.

    Raises:
        MissingSecret: when there is no such file, it is empty or others can read it.
    """
    path = folder / name
    try:
        value = path.read_bytes().strip()
        mode = path.stat().st_mode
    except OSError as error:
        raise MissingSecret(
            f"The secret {path} cannot be read ({error.strerror}).",
            hint="Create missing secrets with: ostiary init --secrets-only",
        ) from None
    if mode & 0o077:
        raise MissingSecret(f"Others can read the secret {path}.", hint=f"Run: chmod 600 {path}")
    if not value:
        raise MissingSecret(f"The secret {path} is empty.", hint="Restore it from a backup.")
    return Secret(value)


def create_missing_secrets(folder: Path) -> list[str]:
    """Create every secret that does not exist yet and return the names of the new ones."""
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o700)
    made = {name: base64.urlsafe_b64encode(randomness.token_bytes(48)) for name in RANDOM_KEYS}
    made[ASSERTION_KEY] = _pem(ec.generate_private_key(ec.SECP256R1()))
    made[AUDIT_KEY] = _pem(ed25519.Ed25519PrivateKey.generate())
    return [name for name, value in made.items() if _create(folder / name, value)]


def _pem(key: ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def _create(path: Path, value: bytes) -> bool:
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return False
    with os.fdopen(descriptor, "wb") as file:
        file.write(value)
        file.flush()
        os.fsync(file.fileno())
    return True
