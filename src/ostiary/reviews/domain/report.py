"""The report of a campaign, and its signature. Pure: keys and moments are given.

The file is a JWS in flattened JSON serialisation, signed with Ed25519; its payload is the report as JSON.
Source: RFC 7515 sections 3.2, 5 and 7.2.2; RFC 8037 section 3.1.
"""

import base64
import hashlib
from typing import Final

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from ostiary.errors import OstiaryError
from ostiary.reviews.domain.campaign import Campaign, Item
from ostiary.reviews.domain.rubber_stamp import PACE_ANSWERS, PACE_SECONDS, UNIFORM_AGAINST, UNIFORM_PART, Alarm

TYPE: Final = "ostiary-access-review+jws"
VERSION: Final = 1
REQUIREMENTS: Final = ("PCI DSS 7.2.4 and 7.2.5.1", "CIR (EU) 2024/2690 11.2.3", "ISO/IEC 27001:2022 A.5.18")
"""What such a record supports. It proves none of them alone."""
MAX_BYTES: Final = 64 * 1024 * 1024


class NotSigned(OstiaryError):
    """A file is no report that this key signed."""


class ReviewerLine(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody who was asked.

    Args:
        seats: why: owner, manager, administrator, delegate, substitute.
        asked: of how many items.
        answered: how many of them they answered.
    """

    email: str
    name: str
    seats: tuple[str, ...]
    asked: int
    answered: int


class Bounds(msgspec.Struct, frozen=True, kw_only=True):
    """From where on answers count as given without looking."""

    pace_answers: int = PACE_ANSWERS
    pace_seconds: float = PACE_SECONDS
    uniform_against: int = UNIFORM_AGAINST
    uniform_part: float = UNIFORM_PART


class Previous(msgspec.Struct, frozen=True, kw_only=True):
    """The review of the same scope before this one.

    Args:
        closed_at: seconds since the epoch.
        report_sha256: of its report.
    """

    id: str
    closed_at: float
    report_sha256: str


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """Everything about one campaign. Moments are seconds since the epoch, UTC.

    Args:
        final: whether the campaign is closed; otherwise it is how things stand at the moment.
        acknowledged_by: who closed it.
        alarms: signs that somebody answered without looking, with the bounds that were applied.
        previous: the review of the same scope before this one; `None` where this is the first.
    """

    version: int = VERSION
    organisation: str
    domain: str
    final: bool
    written_at: float
    campaign: Campaign
    acknowledged_by: str
    reviewers: tuple[ReviewerLine, ...]
    items: tuple[Item, ...]
    alarms: tuple[Alarm, ...]
    bounds: Bounds = Bounds()
    supports: tuple[str, ...] = REQUIREMENTS
    previous: Previous | None = None


class _Signed(msgspec.Struct, forbid_unknown_fields=True):
    payload: str
    protected: str
    signature: str


class _Version(msgspec.Struct):
    version: int


class _Header(msgspec.Struct, forbid_unknown_fields=True):
    alg: str
    typ: str
    kid: str


def encode_report(report: Report) -> bytes:
    """Return the bytes that are signed."""
    return msgspec.json.encode(report)


def digest_of(payload: bytes) -> str:
    """Return the SHA-256 of a report's bytes, in hexadecimal digits."""
    return hashlib.sha256(payload).hexdigest()


def key_name(key: Ed25519PublicKey) -> str:
    """Return what names a key in a signature: the first 16 hexadecimal digits of its SHA-256."""
    return hashlib.sha256(key.public_bytes(Encoding.Raw, PublicFormat.Raw)).hexdigest()[:16]


def sign_report(payload: bytes, key: Ed25519PrivateKey) -> bytes:
    """Return the file: payload, protected header and signature."""
    header = msgspec.json.encode(_Header(alg="EdDSA", typ=TYPE, kid=key_name(key.public_key())))
    protected, body = _to_text(header), _to_text(payload)
    signature = key.sign(f"{protected}.{body}".encode("ascii"))
    signed = _Signed(payload=body, protected=protected, signature=_to_text(signature))
    return msgspec.json.format(msgspec.json.encode(signed), indent=1) + b"\n"


def read_signed(content: bytes, key: Ed25519PublicKey) -> tuple[Report, bytes]:
    """Return a report and its bytes, once its signature was checked.

    Args:
        content: of the file.
        key: that must have signed it.

    Raises:
        NotSigned: for anything else than a whole report with a good signature by this key.
    """
    if len(content) > MAX_BYTES:
        raise NotSigned("This file is too large for a report.")
    try:
        signed = msgspec.json.decode(content, type=_Signed)
        header = msgspec.json.decode(_from_text(signed.protected), type=_Header)
        payload, signature = _from_text(signed.payload), _from_text(signed.signature)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        raise NotSigned("This is no signed report.", hint="Give the file that ends in .jws.json.") from None
    if header.alg != "EdDSA" or header.typ != TYPE:
        raise NotSigned("This is signed, but it is no report of an access review.")
    try:
        key.verify(signature, f"{signed.protected}.{signed.payload}".encode("ascii"))
    except InvalidSignature:
        other = "" if header.kid == key_name(key) else f" It names the key {header.kid}, and this is {key_name(key)}."
        raise NotSigned(
            f"The signature is wrong: the report was changed, or another key signed it.{other}",
            hint="Give the key of the instance that made it with --key.",
        ) from None
    try:
        if msgspec.json.decode(payload, type=_Version).version == VERSION:
            return msgspec.json.decode(payload, type=Report), payload
    except msgspec.MsgspecError:
        pass
    raise NotSigned("The signature is good, but this version cannot read the report.", hint="Use a newer one.")


def _to_text(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode("ascii")


def _from_text(text: str) -> bytes:
    return base64.b64decode(text.encode("ascii") + b"=" * (-len(text) % 4), altchars=b"-_", validate=True)
