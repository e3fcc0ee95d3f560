"""The key that signs assertions, with its certificate; and the next one while applications learn of it.

One file each among the instance's secrets, key and certificate together. Made where it is first needed, readable by the
service's user alone. Applications trust the certificate that they were given, so its own signature proves nothing.
"""

import datetime
import os
import secrets as randomness
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import Final

import msgspec
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import NameOID

from ostiary.config.secrets import MissingSecret, read_secret
from ostiary.errors import OstiaryError
from ostiary.saml.domain.responses import SigningKey

KEY_FILE: Final = "saml.pem"
NEXT_FILE: Final = "saml-next.pem"
RSA_BITS: Final = 3072
VALID_DAYS: Final = 5 * 365


class NoNextKey(OstiaryError):
    """There is no next certificate to change to."""


class NextKeyExists(OstiaryError):
    """The next certificate is there already."""


class CertificateInfo(msgspec.Struct, frozen=True, kw_only=True):
    """A certificate as people compare it. `fingerprint` is SHA-256, in pairs; moments are seconds since the epoch."""

    fingerprint: str
    begins_at: float
    ends_at: float
    pem: str


def signing_key(secrets: Path) -> SigningKey:
    """Return the key in use; the first caller makes it.

    Raises:
        MissingSecret: when it is there and cannot be used.
    """
    if not (secrets / KEY_FILE).exists():
        _keep(secrets / KEY_FILE, _new())
    return _read(secrets, KEY_FILE)


def next_key(secrets: Path) -> SigningKey | None:
    """Return the key that will be in use, when one was prepared."""
    return _read(secrets, NEXT_FILE) if (secrets / NEXT_FILE).exists() else None


def published_certificates(secrets: Path) -> tuple[bytes, ...]:
    """Return the certificates to name in metadata, DER, the one in use first."""
    coming = next_key(secrets)
    keys = (signing_key(secrets), *((coming,) if coming else ()))
    return tuple(one.certificate.public_bytes(Encoding.DER) for one in keys)


def prepare_next(secrets: Path) -> SigningKey:
    """Make the next key, which metadata names from now on and nothing is signed with yet.

    Raises:
        NextKeyExists: when there is one.
    """
    signing_key(secrets)
    if not _keep(secrets / NEXT_FILE, _new()):
        raise NextKeyExists(
            "The next certificate is there already.",
            hint="Change to it: ostiary app saml rotate-certificate --finish; or drop it: --abandon",
        )
    return _read(secrets, NEXT_FILE)


def change_to_next(secrets: Path, *, fingerprint: str = "") -> SigningKey:
    """Sign with the next key from now on, and forget the one before.

    Args:
        secrets: the folder.
        fingerprint: of the certificate that is meant; empty for whichever is there.

    Raises:
        NoNextKey: when none was prepared, or another one than is meant.
    """
    coming = _meant(secrets, fingerprint)
    (secrets / NEXT_FILE).replace(secrets / KEY_FILE)
    return coming


def abandon_next(secrets: Path, *, fingerprint: str = "") -> None:
    """Drop the next key; arguments as above.

    Raises:
        NoNextKey: when none was prepared, or another one than is meant.
    """
    _meant(secrets, fingerprint)
    try:
        (secrets / NEXT_FILE).unlink()
    except FileNotFoundError:
        raise NoNextKey("There is no next certificate.", hint="Nothing is to be dropped.") from None


def describe_certificate(certificate: x509.Certificate) -> CertificateInfo:
    """Return a certificate as people compare it."""
    return CertificateInfo(
        fingerprint=certificate.fingerprint(hashes.SHA256()).hex(":").upper(),
        begins_at=certificate.not_valid_before_utc.timestamp(),
        ends_at=certificate.not_valid_after_utc.timestamp(),
        pem=certificate.public_bytes(Encoding.PEM).decode(),
    )


def _meant(secrets: Path, fingerprint: str) -> SigningKey:
    coming = next_key(secrets)
    if coming is None:
        raise NoNextKey("There is no next certificate.", hint="Make it: ostiary app saml rotate-certificate")
    if fingerprint and describe_certificate(coming.certificate).fingerprint != fingerprint:
        raise NoNextKey("Another certificate was made the next one meanwhile.", hint="Look at it, then choose again.")
    return coming


def _read(secrets: Path, name: str) -> SigningKey:
    try:
        return _parsed(read_secret(secrets, name).reveal())
    except (ValueError, TypeError):
        raise MissingSecret(f"The key {secrets / name} cannot be used.", hint="Restore it from a backup.") from None


@lru_cache(maxsize=4)
def _parsed(pem: bytes) -> SigningKey:
    key = load_pem_private_key(pem, password=None)
    if not isinstance(key, rsa.RSAPrivateKey):
        raise TypeError("not an RSA key")
    certificate = x509.load_pem_x509_certificate(pem)
    if certificate.public_key() != key.public_key():
        raise ValueError("key and certificate do not belong together")
    return SigningKey(key=key, certificate=certificate)


def _new() -> bytes:
    key = rsa.generate_private_key(public_exponent=65537, key_size=RSA_BITS)
    now = datetime.datetime.now(datetime.UTC)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Ostiary SAML")])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=VALID_DAYS))
        .sign(key, hashes.SHA256())
    )
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()) + certificate.public_bytes(Encoding.PEM)


def _keep(path: Path, content: bytes) -> bool:
    """Write a file that nobody else can read, whole or not at all; say whether it was new."""
    draft = path.with_name(f".{path.name}.{randomness.token_hex(6)}")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(draft, path)
    except FileExistsError:
        return False
    finally:
        with suppress(FileNotFoundError):
            draft.unlink()
    return True
