"""Changing the certificate that applications know us by, in two steps, each on record."""

from pathlib import Path

from django.conf import settings

from ostiary.saml.keys import CertificateInfo, abandon_next, change_to_next, describe_certificate, prepare_next
from ostiary.visibility.domain.events import EntityChange
from ostiary.visibility.facade import Actor, record_entity_change


def prepare_certificate(*, actor: Actor) -> CertificateInfo:
    """Make the next certificate and name it in metadata beside the one in use.

    Raises:
        NextKeyExists: when there is one.
    """
    found = describe_certificate(prepare_next(_secrets()).certificate)
    _record_certificate(actor, "create", found)
    return found


def change_certificate(*, actor: Actor, fingerprint: str = "") -> CertificateInfo:
    """Sign with the next certificate's key from now on.

    Args:
        actor: who wants it.
        fingerprint: of the certificate that is meant; empty for whichever is the next.

    Raises:
        NoNextKey: when none was prepared, or another one than is meant.
    """
    found = describe_certificate(change_to_next(_secrets(), fingerprint=fingerprint).certificate)
    _record_certificate(actor, "update", found)
    return found


def abandon_certificate(*, actor: Actor, fingerprint: str = "") -> None:
    """Drop the next certificate; arguments as above.

    Raises:
        NoNextKey: when none was prepared, or another one than is meant.
    """
    abandon_next(_secrets(), fingerprint=fingerprint)
    _record_certificate(actor, "delete", None)


def _record_certificate(actor: Actor, change: EntityChange, found: CertificateInfo | None) -> None:
    record_entity_change(
        "certificate",
        "saml",
        change,
        actor=actor,
        name="SAML signing certificate",
        after={"sha256": found.fingerprint, "ends_at": found.ends_at} if found else None,
    )


def _secrets() -> Path:
    folder: Path = settings.INSTANCE.secrets
    return folder
