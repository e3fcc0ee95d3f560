"""Key and certificate as one file that browsers' stores take in (PKCS #12), for as long as that lasts."""

import hashlib
import secrets
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import msgspec
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA1, SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PrivateFormat, pkcs12

from ostiary.agent.browsers.nss import nickname_of
from ostiary.agent.folder import PARCEL_PREFIX
from ostiary.devices.domain.certificates import fingerprint_of

ROUNDS: Final = 2048
"""Its password is 256 random bits, and gone with it."""


class Parcel(msgspec.Struct, frozen=True, kw_only=True):
    """What a store is given.

    Args:
        nickname: what the certificate is called in NSS databases.
        sha1: what it is called by the stores of macOS and Windows.
        package: the PKCS #12 file.
        password: a file with its password.
    """

    nickname: str
    sha1: str
    package: Path
    password: Path


@contextmanager
def packed(
    folder: Path, device: str, key: ec.EllipticCurvePrivateKey, leaf: x509.Certificate, *, old_ciphers: bool = False
) -> Iterator[Parcel]:
    """Give key and certificate as a package, in a folder of its own that is removed afterwards.

    Args:
        folder: where that is made; readable by the person alone.
        device: whose they are.
        key: the private key.
        leaf: the certificate.
        old_ciphers: for the stores of macOS and Windows, which read no others in all their versions.
    """
    password = secrets.token_hex(32)
    maker = PrivateFormat.PKCS12.encryption_builder().kdf_rounds(ROUNDS)
    if old_ciphers:
        maker = maker.key_cert_algorithm(pkcs12.PBES.PBESv1SHA1And3KeyTripleDESCBC).hmac_hash(SHA1())  # noqa: S303 - as above
    else:
        maker = maker.key_cert_algorithm(pkcs12.PBES.PBESv2SHA256AndAES256CBC).hmac_hash(SHA256())
    nickname = nickname_of(device, fingerprint_of(leaf))
    content = pkcs12.serialize_key_and_certificates(nickname.encode(), key, leaf, None, maker.build(password.encode()))
    with tempfile.TemporaryDirectory(dir=folder, prefix=PARCEL_PREFIX) as work:
        package, secret = Path(work) / "device.p12", Path(work) / "password"
        package.write_bytes(content)
        secret.write_text(password)
        yield Parcel(nickname=nickname, sha1=sha1_of(leaf), package=package, password=secret)


def sha1_of(leaf: x509.Certificate) -> str:
    """Return how the stores of macOS and Windows name a certificate."""
    return hashlib.sha1(leaf.public_bytes(Encoding.DER), usedforsecurity=False).hexdigest()
