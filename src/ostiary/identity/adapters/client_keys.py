"""The keys by which this instance proves itself to a directory, with their certificates; and the next one while it is made known.

One file each among the instance's secrets, key and certificate together. The certificate is self-signed: the directory trusts it
because an administrator entered it there.
Source: OpenID Connect Core 1.0, section 9 (`private_key_jwt`); RFC 7523, section 3; RFC 7638 (thumbprints).
"""

import base64
import datetime
import hashlib
import json
import os
import secrets as randomness
from pathlib import Path
from typing import Any, Final

import jwt
import msgspec
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key
from cryptography.x509.oid import NameOID

from ostiary.config.secrets import MissingSecret, read_secret

RSA_BITS: Final = 2048
VALID_DAYS: Final = 2 * 365
ASSERTION_SECONDS: Final = 300


class ClientKey(msgspec.Struct, frozen=True):
    """One key with its certificate."""

    private: rsa.RSAPrivateKey
    certificate: x509.Certificate

    @property
    def kid(self) -> str:
        """Return what names it in the key set: the key's thumbprint."""
        text = json.dumps(self._members(), sort_keys=True, separators=(",", ":"))
        return _unpadded(hashlib.sha256(text.encode()).digest())[:16]

    @property
    def thumbprint(self) -> str:
        """Return the certificate's SHA-256, as `x5t#S256` has it."""
        return _unpadded(self.certificate.fingerprint(hashes.SHA256()))

    @property
    def pem(self) -> str:
        """Return the certificate, to be entered at the directory."""
        return self.certificate.public_bytes(Encoding.PEM).decode()

    @property
    def ends_at(self) -> float:
        """Return when the certificate ends, seconds since the epoch."""
        return self.certificate.not_valid_after_utc.timestamp()

    def public_jwk(self) -> dict[str, Any]:
        """Return the public half as a member of a key set."""
        return {**self._members(), "kid": self.kid, "use": "sig"}

    def assertion(self, *, client_id: str, audience: str, algorithm: str, now: float) -> str:
        """Return a JWT that proves to `audience` that `client_id` holds this key; good once, for five minutes."""
        claims = {
            "iss": client_id,
            "sub": client_id,
            "aud": audience,
            "jti": randomness.token_urlsafe(24),
            "iat": int(now),
            "nbf": int(now),
            "exp": int(now) + ASSERTION_SECONDS,
        }
        headers = {"kid": self.kid, "x5t#S256": self.thumbprint}
        return jwt.encode(claims, self.private, algorithm=algorithm, headers=headers)

    def _members(self) -> dict[str, str]:
        numbers = self.private.public_key().public_numbers()
        return {"e": _number(numbers.e), "kty": "RSA", "n": _number(numbers.n)}


def read_key(folder: Path, name: str) -> ClientKey | None:
    """Return the key in a file among the secrets; `None` when there is no such file.

    Raises:
        MissingSecret: when it is there and cannot be used.
    """
    if not (folder / name).exists():
        return None
    content = read_secret(folder, name).reveal()
    try:
        private, certificate = load_pem_private_key(content, None), x509.load_pem_x509_certificate(content)
        if isinstance(private, rsa.RSAPrivateKey) and private.public_key() == certificate.public_key():
            return ClientKey(private, certificate)
    except (ValueError, TypeError):
        pass
    raise MissingSecret(f"The secret {folder / name} holds no key with its certificate.", hint="Restore it.")


def make_key(folder: Path, name: str, *, subject: str, now: float) -> ClientKey:
    """Make a key with a certificate of two years and keep it in a file for its owner's eyes only.

    Raises:
        FileExistsError: when there is such a file.
    """
    private = rsa.generate_private_key(public_exponent=65537, key_size=RSA_BITS)
    moment = datetime.datetime.fromtimestamp(now, datetime.UTC)
    named = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, subject[:64])])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(named)
        .issuer_name(named)
        .public_key(private.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(moment - datetime.timedelta(hours=1))
        .not_valid_after(moment + datetime.timedelta(days=VALID_DAYS))
        .sign(private, hashes.SHA256())
    )
    key = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    beside = folder / f"{name}.{os.getpid()}.new"
    with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(key + certificate.public_bytes(Encoding.PEM))
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(beside, folder / name)
    finally:
        beside.unlink()
    return ClientKey(private, certificate)


def _number(value: int) -> str:
    return _unpadded(value.to_bytes((value.bit_length() + 7) // 8, "big"))


def _unpadded(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()
