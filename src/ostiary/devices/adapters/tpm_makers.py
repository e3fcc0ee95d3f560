"""The authorities of TPMs' makers whose word is taken: the files an administrator puts into `certificates/tpm-vendors`. None is shipped."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import msgspec
from cryptography import x509

from ostiary.config.places import Instance
from ostiary.devices.domain.certificates import fingerprint_of

FILES: Final = frozenset({".pem", ".crt", ".cer", ".der"})
MAX_FILES: Final = 500


class Maker(msgspec.Struct, frozen=True, kw_only=True):
    """One certificate of one file, or why the file holds none; moments are seconds since the epoch."""

    file: str
    name: str = ""
    fingerprint: str = ""
    ends_at: float | None = None
    problem: str = ""


def read_makers(instance: Instance) -> tuple[x509.Certificate, ...]:
    """Return the certificates in the folder. A file that cannot be read is left out: `describe_makers` names it."""
    return tuple(one for path in _files(instance) for one in _certificates(path) or ())


def describe_makers(instance: Instance) -> tuple[Maker, ...]:
    """Return what is in the folder, for people."""
    return tuple(line for path in _files(instance) for line in _lines(path))


def _files(instance: Instance) -> list[Path]:
    try:
        found = sorted(instance.tpm_vendors.iterdir())
    except OSError:
        return []
    return [path for path in found if path.suffix.lower() in FILES][:MAX_FILES]


def _certificates(path: Path) -> list[x509.Certificate] | None:
    try:
        content = path.read_bytes()
        if b"-----BEGIN" in content:
            return x509.load_pem_x509_certificates(content)
        return [x509.load_der_x509_certificate(content)]
    except (OSError, ValueError):
        return None


def _lines(path: Path) -> Iterator[Maker]:
    found = _certificates(path)
    if found is None:
        yield Maker(file=path.name, problem="holds no certificate that can be read")
        return
    for one in found:
        yield Maker(
            file=path.name,
            name=one.subject.rfc4514_string(),
            fingerprint=fingerprint_of(one),
            ends_at=one.not_valid_after_utc.timestamp(),
        )
