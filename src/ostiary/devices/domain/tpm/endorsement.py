"""Who made a TPM: its endorsement certificate, signed by an authority of the maker's that the administrator put into the folder. Pure.

The certificates in the folder are the authorities whose word is taken, each for itself: the one that signed the endorsement certificate
must be among them. So there is no path to build, and no path to confuse.
Source: TCG EK Credential Profile 2.5, section 3.2; RFC 5280, section 4.2.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

import msgspec
from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes

from ostiary.devices.domain.tpm.public import PublicArea
from ostiary.devices.domain.tpm.wire import UnprovenTpm

EK_CERTIFICATE: Final = x509.ObjectIdentifier("2.23.133.8.1")
_STRONG: Final = (hashes.SHA256, hashes.SHA384, hashes.SHA512)
_MAX_MAKER: Final = 120
UNREADABLE: Final = (
    ValueError,
    TypeError,
    UnsupportedAlgorithm,
    x509.DuplicateExtension,
    x509.InvalidVersion,
    x509.UnsupportedGeneralNameType,
)
"""What the library says of a certificate that is not as it has to be."""


class Endorsement(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a TPM's maker.

    Args:
        verified: whether an authority of the maker's that is trusted here signed for the endorsement key.
        maker: that authority's name; empty for none.
        why: why it is not verified, in words.
    """

    verified: bool
    maker: str = ""
    why: str = ""


def judge_endorsement(
    content: bytes, key: PublicArea, *, makers: Sequence[x509.Certificate], now: datetime
) -> Endorsement:
    """Return what an endorsement certificate proves.

    Args:
        content: DER, as it was received, whatever it is; empty for none.
        key: the endorsement key.
        makers: the authorities whose word is taken.
        now: with its zone.

    Raises:
        UnprovenTpm: when it is for another key: that is no lack but a lie.
    """
    if not content:
        return Endorsement(verified=False, why="The TPM has no certificate of its maker.")
    try:
        certificate = x509.load_der_x509_certificate(content)
        same = certificate.public_key() == key.key
        problem, named = _problem(certificate, now), _named(certificate.issuer)
    except UNREADABLE:
        return Endorsement(verified=False, why="The certificate of the TPM's maker cannot be read.")
    if not same:
        raise UnprovenTpm("The endorsement certificate is for another key.")
    if problem:
        return Endorsement(verified=False, why=problem)
    maker = next((one for one in makers if _signed(one, certificate, now)), None)
    if maker is None:
        return Endorsement(
            verified=False, why=f"Nobody trusted here signed for the TPM; its maker is said to be {named}."
        )
    return Endorsement(verified=True, maker=_named(maker.subject))


def _problem(certificate: x509.Certificate, now: datetime) -> str:
    if not certificate.not_valid_before_utc <= now <= certificate.not_valid_after_utc:
        return "The time of the TPM's certificate is over, or has yet to come."
    extensions = certificate.extensions
    try:
        uses = extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except x509.ExtensionNotFound:
        return "The certificate does not say that it is a TPM's."
    if EK_CERTIFICATE not in uses:
        return "The certificate does not say that it is a TPM's."
    try:
        if extensions.get_extension_for_class(x509.BasicConstraints).value.ca:
            return "The certificate is an authority's, and no TPM's."
    except x509.ExtensionNotFound:
        pass
    return ""


def _signed(maker: x509.Certificate, certificate: x509.Certificate, now: datetime) -> bool:
    """Tell whether an authority signed a certificate, and may."""
    try:
        if not maker.not_valid_before_utc <= now <= maker.not_valid_after_utc:
            return False
        if not maker.extensions.get_extension_for_class(x509.BasicConstraints).value.ca:
            return False
        if not isinstance(certificate.signature_hash_algorithm, _STRONG):
            return False
        certificate.verify_directly_issued_by(maker)
    except (x509.ExtensionNotFound, InvalidSignature, *UNREADABLE):
        return False
    return _may_sign(maker)


def _named(name: x509.Name) -> str:
    """Return a name as one line that can be shown and stored, whoever chose it."""
    text = name.rfc4514_string()
    return "".join(letter if letter.isprintable() else "?" for letter in text)[:_MAX_MAKER]


def _may_sign(maker: x509.Certificate) -> bool:
    try:
        return maker.extensions.get_extension_for_class(x509.KeyUsage).value.key_cert_sign
    except x509.ExtensionNotFound:
        return True
