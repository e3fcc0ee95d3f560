"""What is signed about a segment: checkpoints, seals and removals. Pure: keys and bytes in, statements out.

A line is `{"statement":{…},"signature":"<base64>"}`; the signature is Ed25519 over a fixed prefix and the exact bytes
of the statement, so that a statement can never be mistaken for anything else the key might sign.
Source: RFC 8032 (Ed25519).
"""

import base64
import binascii
import hashlib
from typing import Final, Literal

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from ostiary.errors import OstiaryError

StatementKind = Literal["checkpoint", "seal", "removal"]
_PREFIX: Final = b"ostiary audit statement 1\x00"
_KEY_ID_CHARACTERS: Final = 16


class UnusableKey(OstiaryError):
    """A key is not an Ed25519 key in PEM."""


class ForgedStatement(OstiaryError):
    """A statement's signature was not made by the key, or it is no statement at all."""


class Statement(msgspec.Struct, frozen=True, kw_only=True):
    """Something that was true of a stream when it was signed.

    Args:
        kind: `checkpoint`: the stream went so far; `seal`: the segment ends here; `removal`: all up to here was
            removed because it was older than the retention period.
        stream: the stream's name.
        segment: the segment's number.
        seq: the number of the last line it speaks of.
        head: the hash of that line, hexadecimal.
        at: when it was signed, seconds since the epoch.
        key_id: names the key.
    """

    kind: StatementKind
    stream: str
    segment: int
    seq: int
    head: str
    at: float
    key_id: str


class _SignedLine(msgspec.Struct, frozen=True):
    statement: msgspec.Raw
    signature: str


_LINE_DECODER: Final = msgspec.json.Decoder(_SignedLine)
_STATEMENT_DECODER: Final = msgspec.json.Decoder(Statement)


def load_signing_key(pem: bytes) -> Ed25519PrivateKey:
    """Return the private key.

    Raises:
        UnusableKey: when it is not an unencrypted Ed25519 private key in PEM.
    """
    try:
        key = load_pem_private_key(pem, password=None)
    except (ValueError, TypeError):
        key = None
    if not isinstance(key, Ed25519PrivateKey):
        raise UnusableKey(
            "The audit log's signing key is not an Ed25519 private key.", hint="Restore it from a backup."
        )
    return key


def load_public_key(pem: bytes) -> Ed25519PublicKey:
    """Return the public key.

    Raises:
        UnusableKey: when it is not an Ed25519 public key in PEM.
    """
    try:
        key = load_pem_public_key(pem)
    except (ValueError, TypeError):
        key = None
    if not isinstance(key, Ed25519PublicKey):
        raise UnusableKey(
            "This is not an Ed25519 public key.", hint="Write the instance's with: ostiary audit public-key > audit.pem"
        )
    return key


def public_pem(key: Ed25519PublicKey) -> bytes:
    """Return the public key in PEM."""
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def key_id(key: Ed25519PublicKey) -> str:
    """Return the name of a key: the first 16 hexadecimal digits of the SHA-256 of its 32 bytes."""
    return hashlib.sha256(key.public_bytes(Encoding.Raw, PublicFormat.Raw)).hexdigest()[:_KEY_ID_CHARACTERS]


def sign_statement(
    *, kind: StatementKind, stream: str, segment: int, seq: int, head: bytes, at: float, key: Ed25519PrivateKey
) -> bytes:
    """Return a signed line with its end.

    Args:
        kind: see `Statement`.
        stream: the stream's name.
        segment: the segment's number.
        seq: the number of the last line it speaks of.
        head: the hash of that line, 32 bytes.
        at: when, seconds since the epoch.
        key: what to sign with.
    """
    statement = msgspec.json.encode(
        Statement(
            kind=kind,
            stream=stream,
            segment=segment,
            seq=seq,
            head=head.hex(),
            at=at,
            key_id=key_id(key.public_key()),
        )
    )
    signature = base64.b64encode(key.sign(_PREFIX + statement)).decode()
    return msgspec.json.encode(_SignedLine(msgspec.Raw(statement), signature)) + b"\n"


def read_statement(line: bytes, key: Ed25519PublicKey) -> Statement:
    """Return what a signed line states, if the key signed it.

    Args:
        line: the bytes up to, not including, the line's end.
        key: whose signature it must bear.

    Raises:
        ForgedStatement: for anything else.
    """
    try:
        signed = _LINE_DECODER.decode(line)
        statement = bytes(signed.statement)
        key.verify(base64.b64decode(signed.signature, validate=True), _PREFIX + statement)
        return _STATEMENT_DECODER.decode(statement)
    except InvalidSignature:
        raise ForgedStatement("The signature was not made with the audit log's key.") from None
    except (msgspec.MsgspecError, binascii.Error, ValueError, RecursionError) as error:
        raise ForgedStatement("This is not a signed statement.", detail=str(error)) from None
