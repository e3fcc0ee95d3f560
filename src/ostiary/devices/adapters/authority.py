"""The authority that signs devices' certificates: its files in `state/certificates/devices`, made once, renewed with overlap.

`root.pem` and `issuing.pem` hold a key and its certificate each, so that neither can be replaced without the other.
`authorities.pem` holds the certificates alone, for the data plane: the root, the issuing one, and the one before it, by whose name
browsers may still look for what it signed. The root gives way to another in the same manner, years before its end. It has nothing to do with the authority that vouches for the gateway itself.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import msgspec
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key

from ostiary.config.places import Instance
from ostiary.devices.domain.certificates import (
    common_name_of,
    fingerprint_of,
    make_issuing,
    make_leaf,
    make_root,
    pem_of,
    signed_by,
)
from ostiary.errors import OstiaryError

ROOT_FILE: Final = "root.pem"
ISSUING_FILE: Final = "issuing.pem"
LOCK_FILE: Final = ".lock"
RENEWED_AFTER: Final = 2 / 3
"""Of its life; then another takes over."""


class UnusableAuthority(OstiaryError):
    """The authority's files are there and cannot be used: another would end every device's certificate."""


class Signer(msgspec.Struct, frozen=True, kw_only=True):
    """A certificate and its private key."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey


class AuthorityInfo(msgspec.Struct, frozen=True, kw_only=True):
    """One certificate of the authority, as people compare it; moments are seconds since the epoch."""

    what: str
    name: str
    fingerprint: str
    begins_at: float
    ends_at: float


def ensure_authority(instance: Instance, *, now: datetime) -> bool:
    """Make the authority where there is none, renew root and issuing certificate when their time comes; return whether it did.

    Raises:
        UnusableAuthority: when files are there and cannot be used.
        OSError: when they cannot be written.
    """
    with _lock(instance) as folder:
        root = _ensure_root(instance, folder, now)
        issuing = _read(folder / ISSUING_FILE) if (folder / ISSUING_FILE).exists() else None
        if issuing is not None and not _due(issuing.certificate, root.certificate, now):
            if instance.device_authorities.exists():
                return False
            _write_trusted(instance.device_authorities, root, issuing)
            return True
        _issue(instance, folder, root, now)
        return True


def withdraw_authority(instance: Instance) -> bool:
    """Have the data plane ask for no certificates any more; the keys stay. Return whether it did until now."""
    with _lock(instance):
        known = instance.device_authorities.exists()
        instance.device_authorities.unlink(missing_ok=True)
        return known


def rotate_authority(instance: Instance, *, now: datetime) -> None:
    """Have another key sign from now on. What the one before signed goes on until it ends. Errors as `ensure_authority`."""
    with _lock(instance) as folder:
        _issue(instance, folder, _ensure_root(instance, folder, now), now)


def describe_authority(instance: Instance) -> tuple[AuthorityInfo, ...]:
    """Return what is trusted, the root first; nothing where there is no authority.

    Raises:
        UnusableAuthority: when the file cannot be read.
    """
    try:
        found = x509.load_pem_x509_certificates(instance.device_authorities.read_bytes())
    except FileNotFoundError:
        return ()
    except (OSError, ValueError) as error:
        raise _unusable(instance.device_authorities, error) from None
    words = ("root", "issuing", *["before"] * len(found))
    return tuple(_described(what, one) for what, one in zip(words, found, strict=False))


def sign_device(
    instance: Instance, key: ec.EllipticCurvePublicKey, *, device: str, now: datetime
) -> tuple[x509.Certificate, str]:
    """Return a device's certificate, and the chain to hand out (PEM, the device's own first).

    Raises:
        UnusableAuthority: when there is no authority, or it cannot be used.
    """
    path = instance.device_certificates / ISSUING_FILE
    issuing = _read(path)
    if not issuing.certificate.not_valid_before_utc <= now < issuing.certificate.not_valid_after_utc:
        raise UnusableAuthority("The time of the issuing certificate is over.", hint="ostiary device authority rotate")
    leaf = make_leaf(issuing.certificate, issuing.key, key, device=device, serial=x509.random_serial_number(), now=now)
    return leaf, pem_of(leaf, issuing.certificate)


def _ensure_root(instance: Instance, folder: Path, now: datetime) -> Signer:
    path = folder / ROOT_FILE
    if path.exists():
        known = _read(path)
        if not _is_late(known.certificate, now):
            return known
    elif (folder / ISSUING_FILE).exists():
        raise UnusableAuthority(f"{path} is missing.", hint="Restore it from a backup.")
    key = ec.generate_private_key(ec.SECP256R1())
    serial, domain = x509.random_serial_number(), instance.configuration.domain
    root = Signer(certificate=make_root(key, domain=domain, serial=serial, now=now), key=key)
    _write(path, root)
    return root


def _issue(instance: Instance, folder: Path, root: Signer, now: datetime) -> None:
    """Write what is trusted first: nothing is ever signed by what the data plane does not know."""
    path = folder / ISSUING_FILE
    before = _read(path) if path.exists() else None
    key = ec.generate_private_key(ec.SECP256R1())
    certificate = make_issuing(
        root.certificate,
        root.key,
        key.public_key(),
        domain=instance.configuration.domain,
        serial=x509.random_serial_number(),
        now=now,
    )
    issuing = Signer(certificate=certificate, key=key)
    _write_trusted(instance.device_authorities, root, issuing, before=before)
    _write(path, issuing)


def _write_trusted(path: Path, root: Signer, issuing: Signer, *, before: Signer | None = None) -> None:
    signers = (root, issuing) if before is None else (root, issuing, before)
    _replace(path, pem_of(*(one.certificate for one in signers)).encode(), mode=0o644)


def _due(issuing: x509.Certificate, root: x509.Certificate, now: datetime) -> bool:
    return not signed_by(issuing, root) or _is_late(issuing, now)


def _is_late(certificate: x509.Certificate, now: datetime) -> bool:
    life = certificate.not_valid_after_utc - certificate.not_valid_before_utc
    return now >= certificate.not_valid_before_utc + life * RENEWED_AFTER


def _described(what: str, certificate: x509.Certificate) -> AuthorityInfo:
    return AuthorityInfo(
        what=what,
        name=common_name_of(certificate.subject),
        fingerprint=fingerprint_of(certificate),
        begins_at=certificate.not_valid_before_utc.timestamp(),
        ends_at=certificate.not_valid_after_utc.timestamp(),
    )


def _read(path: Path) -> Signer:
    try:
        content = path.read_bytes()
        if path.stat().st_mode & 0o077:
            raise UnusableAuthority(f"Others can read {path}.", hint=f"Run: chmod 600 {path}")
        certificate = x509.load_pem_x509_certificate(content)
        key = load_pem_private_key(content, password=None)
    except (OSError, ValueError, TypeError) as error:
        raise _unusable(path, error) from None
    if not isinstance(key, ec.EllipticCurvePrivateKey) or key.public_key() != certificate.public_key():
        raise UnusableAuthority(f"Key and certificate in {path} do not belong together.", hint="Restore a backup.")
    return Signer(certificate=certificate, key=key)


def _unusable(path: Path, error: Exception) -> UnusableAuthority:
    return UnusableAuthority(
        f"{path} cannot be used ({type(error).__name__}: {error}).",
        hint="Restore it from a backup, or remove its folder: every device then gets another certificate by itself.",
    )


def _write(path: Path, signer: Signer) -> None:
    key = signer.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    _replace(path, key + pem_of(signer.certificate).encode(), mode=0o600)


def _replace(path: Path, content: bytes, *, mode: int) -> None:
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        os.fchmod(file.fileno(), mode)
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)


@contextmanager
def _lock(instance: Instance) -> Iterator[Path]:
    """Give the folder to one process at a time; a crash lets go of it."""
    folder = instance.device_certificates
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    descriptor = os.open(folder / LOCK_FILE, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield folder
    finally:
        os.close(descriptor)


def utc_now() -> datetime:
    """Return the time with its zone, for callers at the edge."""
    return datetime.now(UTC)
