"""What a device says to its instance: small signed statements, each for one purpose, one instance and one moment. Pure.

A message is a JWS in compact form (RFC 7515), always ES256, always with the same header: nothing in it chooses how it is
checked. The key that checks it is the one on file, save at enrolment, where the message proves that its sender holds the
private half of the key it brings.
"""

import base64
import binascii
from typing import Annotated, Final, Literal, Protocol, TypeVar

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from msgspec import Meta

from ostiary.devices.domain.keys import Jwk
from ostiary.devices.domain.posture import Reported
from ostiary.errors import OstiaryError

TYPE: Final[Literal["ostiary-device+jws"]] = "ostiary-device+jws"
MAX_MESSAGE_CHARACTERS: Final = 12 * 1024
MAX_REPORTED: Final = 64
CLOCK_SECONDS: Final = 300
"""How far a device's clock may be off."""
_ECDSA: Final = ec.ECDSA(hashes.SHA256())
_SIGNATURE_BYTES: Final = 64

Text = Annotated[str, Meta(max_length=200)]
Url = Annotated[str, Meta(max_length=300)]
Moment = Annotated[int, Meta(ge=-(2**53), le=2**53)]
Area = Annotated[bytes, Meta(max_length=512)]
"""One structure of a TPM's, still as written."""


class SigningKey(Protocol):
    """The private half of a device's key, or what uses it without having it."""

    def public_key(self) -> ec.EllipticCurvePublicKey:
        """Return the public half."""

    def sign(self, data: bytes, algorithm: ec.EllipticCurveSignatureAlgorithm, /) -> bytes:
        """Return a signature (DER)."""


class UnreadableMessage(OstiaryError):
    """This is no message of a device, or its signature does not fit."""


class _Header(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    alg: Literal["ES256"]
    typ: Literal["ostiary-device+jws"]


class Message(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="purpose"):
    """What every message says.

    Args:
        version: of this form.
        audience: the origin of the sign-in host that it is meant for, and nobody else's.
        nonce: as the instance gave it; good once.
        at: the sender's clock, seconds since the epoch.
    """

    version: Literal[1] = 1
    audience: Url
    nonce: Text
    at: Moment


class TpmClaim(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a TPM says of itself, and of the device's key where that lies in it.

    Args:
        endorsement: the public half of the key its maker put in (TPM2B_PUBLIC).
        certificate: the maker's, for that key (DER); empty for none.
        attestation: the public half of the key it signs with what it says itself (TPM2B_PUBLIC).
        device: the public half of the device's key (TPM2B_PUBLIC); empty, like what follows, for one in a file.
        certified: its word that it holds the device's key (TPMS_ATTEST).
        signature: of that, by the attestation key (TPMT_SIGNATURE).
    """

    endorsement: Area
    certificate: Annotated[bytes, Meta(max_length=2400)] = b""
    attestation: Area
    device: Area = b""
    certified: Area = b""
    signature: Area = b""


class Enrol(Message, frozen=True, kw_only=True, tag="enrol"):
    """Asks to be enrolled. `key` is the device's own and signs this. Rules read where it lies, so what nobody can check is not taken.

    With a key in a TPM comes the proof of that; with one in a file a TPM may come that says how the computer starts.
    """

    name: Text
    platform: Text
    key_protection: Literal["file", "tpm"]
    key: Jwk
    tpm: TpmClaim | None = None


class Prove(Message, frozen=True, kw_only=True, tag="prove"):
    """Tells the secret that was sealed to the device's TPM."""

    device_code: Text
    secret: Annotated[bytes, Meta(max_length=64)]


class Poll(Message, frozen=True, kw_only=True, tag="poll"):
    """Asks what became of an enrolment, by the secret that only its device was told."""

    device_code: Text


class Renew(Message, frozen=True, kw_only=True, tag="renew"):
    """Asks for a certificate. `holds` is the SHA-256 of the newest it has (lower-case hexadecimal); empty for none."""

    device: Text
    holds: Annotated[str, Meta(max_length=64)] = ""


class Leave(Message, frozen=True, kw_only=True, tag="leave"):
    """Says that the device is given up, for good."""

    device: Text


class Report(Message, frozen=True, kw_only=True, tag="report"):
    """Says what is true of a device.

    Args:
        device: its identifier.
        schema: of what it says; facts that the instance does not know are left out.
        taken_at: when it was looked at, seconds since the epoch: earlier than `at` for one that had to wait.
        facts: all that the agent tells of.
        inventory: SHA-256 of the list of what is installed (lower-case hexadecimal); empty for none.
        agent: its version.
    """

    device: Text
    schema: Literal[1] = 1
    taken_at: Annotated[int, Meta(ge=0, le=2**53)]
    facts: Annotated[tuple[Reported, ...], Meta(max_length=MAX_REPORTED)]
    inventory: Annotated[str, Meta(pattern=r"\A([0-9a-f]{64})?\Z")] = ""
    agent: Annotated[str, Meta(max_length=40)] = ""


class Quoted(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a TPM says of how its computer started: a statement (TPMS_ATTEST), its signature, and registers 0 to 7 (SHA-256)."""

    said: Area
    signature: Area
    registers: Annotated[tuple[Annotated[bytes, Meta(max_length=32)], ...], Meta(max_length=8)]


class Quote(Message, frozen=True, kw_only=True, tag="quote"):
    """Tells how the device started, as its TPM says. The firmware's log is sent beside it: the registers prove it."""

    device: Text
    quoted: Quoted


class Inventory(Message, frozen=True, kw_only=True, tag="inventory"):
    """Says what is installed: the list itself comes beside the message, and `digest` (as in `Report`) is what makes it this one."""

    device: Text
    digest: Annotated[str, Meta(pattern=r"\A[0-9a-f]{64}\Z")]


M = TypeVar("M", Enrol, Prove, Poll, Renew, Leave, Report, Quote, Inventory)
_ANY: Final = msgspec.json.Decoder(Enrol | Prove | Poll | Renew | Leave | Report | Quote | Inventory)
"""Told apart by their purpose, which each must say; for one kind alone it could be left out."""


class Received(msgspec.Struct, frozen=True, kw_only=True):
    """A message whose signature nobody has checked yet, with what was signed."""

    signed: bytes
    signature: bytes


def sign_message(message: Message, key: SigningKey) -> str:
    """Return a message in compact form, signed."""
    head, body = msgspec.json.encode(_Header(alg="ES256", typ=TYPE)), msgspec.json.encode(message)
    signed = f"{_encoded(head)}.{_encoded(body)}"
    r, s = decode_dss_signature(key.sign(signed.encode(), _ECDSA))
    half = _SIGNATURE_BYTES // 2
    return f"{signed}.{_encoded(r.to_bytes(half, 'big') + s.to_bytes(half, 'big'))}"


def read_message(text: str, kind: type[M]) -> tuple[M, Received]:
    """Return what a message says, and what proves it.

    Args:
        text: as it was received, whatever it is.
        kind: the only purpose that is taken here.

    Raises:
        UnreadableMessage: for anything else.
    """
    parts = text.split(".") if len(text) <= MAX_MESSAGE_CHARACTERS else []
    if len(parts) != 3:
        raise UnreadableMessage("This is no signed message.")
    head, body, signature = map(_decoded, parts)
    try:
        msgspec.json.decode(head, type=_Header)
        message = _ANY.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise UnreadableMessage(f"The message cannot be read: {error}.") from None
    if not isinstance(message, kind):
        raise UnreadableMessage("The message is for another purpose.")
    if len(signature) != _SIGNATURE_BYTES:
        raise UnreadableMessage("The message must be signed with ES256.")
    return message, Received(signed=f"{parts[0]}.{parts[1]}".encode(), signature=signature)


def check_signature(received: Received, key: ec.EllipticCurvePublicKey) -> None:
    """Return when the key's private half made the message.

    Raises:
        UnreadableMessage: otherwise.
    """
    half = _SIGNATURE_BYTES // 2
    r = int.from_bytes(received.signature[:half], "big")
    s = int.from_bytes(received.signature[half:], "big")
    try:
        key.verify(encode_dss_signature(r, s), received.signed, _ECDSA)
    except InvalidSignature:
        raise UnreadableMessage("The signature does not fit.") from None


def _encoded(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def _decoded(text: str) -> bytes:
    try:
        content = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise UnreadableMessage("This is no signed message.") from None
    if _encoded(content) != text:
        raise UnreadableMessage("This is no signed message.")
    return content
