"""Reads a PEM file of certificate authorities. Which upstream uses it is decided elsewhere."""

from pathlib import Path

from cryptography import x509

from ostiary.applications.domain import UnusableApp

MAX_BYTES = 2 * 1024 * 1024


def read_authorities(path: Path) -> str:
    """Return the certificates in `path` as PEM text.

    Raises:
        UnusableApp: when the file cannot be read or holds no certificate.
    """
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise UnusableApp(
            f"The file of authorities {path} cannot be read ({error.strerror}).",
            hint="Give the path of a PEM file that the service's user may read.",
        ) from None
    if len(content) > MAX_BYTES:
        raise UnusableApp(f"The file of authorities {path} is larger than {MAX_BYTES // 1024} KiB.")
    try:
        x509.load_pem_x509_certificates(content)
    except ValueError:
        raise UnusableApp(
            f"{path} holds no certificate in PEM form.", hint="It must contain -----BEGIN CERTIFICATE-----."
        ) from None
    return content.decode("ascii", errors="replace")
