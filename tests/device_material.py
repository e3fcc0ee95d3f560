"""Certificates as devices have them, made without the product: an authority, leaves, and the facts that name them."""

import hashlib
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from ostiary.policy.identifiers import DeviceId, PersonId
from ostiary.policy.snapshot import DeviceFact


@dataclass(frozen=True)
class Leaf:
    """A certificate with its key."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    @property
    def fingerprint(self) -> str:
        return hashlib.sha256(self.certificate.public_bytes(Encoding.DER)).hexdigest()

    @property
    def pem(self) -> bytes:
        return self.certificate.public_bytes(Encoding.PEM)

    def write(self, folder: Path, *chain: "Leaf") -> Path:
        """Write key and certificate, and what stands behind it in the chain, into one file."""
        path = folder / f"{self.fingerprint[:16]}-{len(chain)}.pem"
        key = self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        path.write_bytes(key + self.pem + b"".join(one.pem for one in chain))
        return path


def make_leaf(name: str, *, signed_by: Leaf | None = None, seconds: float = 3600.0, authority: bool = False) -> Leaf:
    """Make a certificate, by itself or by an authority, that ends so many seconds from now."""
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    own = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(own)
        .issuer_name(signed_by.certificate.subject if signed_by else own)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(seconds=seconds))
        .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
        .sign(signed_by.key if signed_by else key, hashes.SHA256())
    )
    return Leaf(certificate, key)


def device_fact(owner: str, leaves: Iterable[Leaf], *, active: bool = True, name: str = "Laptop") -> DeviceFact:
    """Return the fact that such a device is enrolled."""
    return DeviceFact(
        id=DeviceId(f"dev-{secrets.token_hex(6)}"),
        name=name,
        owner=PersonId(owner),
        active=active,
        certificates={one.fingerprint: one.certificate.not_valid_after_utc.timestamp() for one in leaves},
        key_protection="file",
    )
