"""Certificate files: reading a chain with its key, and which names it covers."""

from collections.abc import Iterable
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

from ostiary.errors import OstiaryError


class UnusableCertificate(OstiaryError):
    """There is no certificate the gateway could serve; the one in force was left alone."""


def read_pair(certificate_path: Path, key_path: Path) -> tuple[bytes, bytes]:
    """Return certificate chain and key (PEM), when they belong together.

    Raises:
        UnusableCertificate: when one cannot be read or they do not.
    """
    try:
        chain, key = certificate_path.read_bytes(), key_path.read_bytes()
        leaf = x509.load_pem_x509_certificates(chain)[0]
        private = load_pem_private_key(key, password=None)
    except (OSError, ValueError, TypeError) as error:
        raise UnusableCertificate(
            f"The certificate {certificate_path} or its key cannot be used ({error}).",
            hint="Both must be PEM files the service's user may read; the key must have no passphrase.",
        ) from None
    public = private.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    if public != leaf.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo):
        raise UnusableCertificate(
            f"The key {key_path} does not belong to the certificate {certificate_path}.",
            hint="The gateway's own certificate must come first in the file, before intermediate ones.",
        )
    return chain, key


def covered_names(leaf: x509.Certificate) -> tuple[str, ...]:
    """Return the host names and addresses a certificate is for."""
    try:
        names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return ()
    addresses = [str(address) for address in names.get_values_for_type(x509.IPAddress)]
    return (*names.get_values_for_type(x509.DNSName), *addresses)


def covers(names: Iterable[str], host: str) -> bool:
    """Tell whether a certificate with these names is good for `host`; a wildcard stands for one label."""
    _, _, parent = host.partition(".")
    lowered = {name.lower() for name in names}
    return host in lowered or f"*.{parent}" in lowered
