"""What a TPM says of its own keys and registers, signed by its attestation key. Pure.

Such a key signs nothing that begins with `TPM_GENERATED_VALUE` unless the TPM itself wrote it, so nobody outside can have made it.
Source: TPM Library, Part 2, sections 10.12 (TPMS_ATTEST) and 11.3 (TPMT_SIGNATURE).
"""

import hmac
from hashlib import sha256
from typing import Final

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from ostiary.devices.domain.tpm.public import ALG_ECDSA, ALG_SHA256, COORDINATE_BYTES, PublicArea
from ostiary.devices.domain.tpm.wire import U16, U32, U64, Reader, UnprovenTpm, UnreadableTpm

MAGIC: Final = 0xFF544347
CERTIFY: Final = 0x8017
QUOTE: Final = 0x8018
REGISTERS: Final = tuple(range(8))
"""The firmware's platform configuration registers: what started, and with which settings."""
REGISTER_BYTES: Final = 32
_SELECTION: Final = bytes([0b1111_1111, 0, 0])
_MAX_NAME: Final = 34
_CLOCK_BYTES: Final = 17


class Attested(msgspec.Struct, frozen=True, kw_only=True):
    """One statement of a TPM, signature checked.

    Args:
        kind: `CERTIFY` or `QUOTE`.
        nonce: what the TPM was told to say with it.
        resets: how often the TPM was started.
        inside: what it says, still as written.
    """

    kind: int
    nonce: bytes
    resets: int
    inside: bytes


def certified_nonce(nonce: str) -> bytes:
    """Return what a TPM says with a certificate for a key, so that it was made for this message."""
    return sha256(b"ostiary device key\x1f" + nonce.encode()).digest()


def quoted_nonce(nonce: str, *, device: str) -> bytes:
    """Return what a TPM says with its registers, so that they are those of this moment."""
    return sha256(b"ostiary device quote\x1f" + device.encode() + b"\x1f" + nonce.encode()).digest()


def require_certified(
    statement: bytes, signature: bytes, *, by: PublicArea, certified: PublicArea, nonce: bytes
) -> None:
    """Return when a TPM says that a key lies in it, as it is written there.

    Args:
        statement: TPMS_ATTEST, as it was received, whatever it is.
        signature: TPMT_SIGNATURE, likewise.
        by: the attestation key of that TPM.
        certified: the key.
        nonce: as it must say.

    Raises:
        UnreadableTpm: when it is no such statement.
        UnprovenTpm: when it was signed by another key, is about another, or was made for another moment.
    """
    said = _checked(statement, signature, by=by, kind=CERTIFY, nonce=nonce)
    reader = Reader(said.inside)
    name = reader.sized(at_most=_MAX_NAME)
    reader.sized(at_most=_MAX_NAME)
    reader.end()
    if name != certified.name:
        raise UnprovenTpm("The TPM vouches for another key.")


def require_quoted(
    statement: bytes, signature: bytes, *, by: PublicArea, registers: tuple[bytes, ...], nonce: bytes
) -> Attested:
    """Return a TPM's statement that its registers hold these values.

    Args:
        statement: TPMS_ATTEST, as it was received, whatever it is.
        signature: TPMT_SIGNATURE, likewise.
        by: the attestation key of that TPM.
        registers: the values of `REGISTERS`, SHA-256.
        nonce: as it must say.

    Raises:
        UnreadableTpm: when it is no such statement.
        UnprovenTpm: when it was signed by another key, is about other registers or values, or was made for another moment.
    """
    said = _checked(statement, signature, by=by, kind=QUOTE, nonce=nonce)
    reader = Reader(said.inside)
    count, bank = reader.number(U32), reader.number(U16)
    selected = reader.take(reader.number(1)) if count == 1 else b""
    if bank != ALG_SHA256 or selected.ljust(len(_SELECTION), b"\x00") != _SELECTION:
        raise UnprovenTpm("The TPM speaks of other registers.")
    digest = reader.sized(at_most=REGISTER_BYTES)
    reader.end()
    if len(registers) != len(REGISTERS) or any(len(one) != REGISTER_BYTES for one in registers):
        raise UnreadableTpm("The registers are not eight SHA-256 values.")
    if not hmac.compare_digest(digest, sha256(b"".join(registers)).digest()):
        raise UnprovenTpm("The TPM's registers hold other values.")
    return said


def _checked(statement: bytes, signature: bytes, *, by: PublicArea, kind: int, nonce: bytes) -> Attested:
    _require_signed(statement, signature, by)
    reader = Reader(statement)
    if reader.number(U32) != MAGIC:
        raise UnprovenTpm("The TPM did not say this by itself.")
    if reader.number(U16) != kind:
        raise UnprovenTpm("The TPM said something else.")
    reader.sized(at_most=_MAX_NAME)
    said = reader.sized()
    clock = Reader(reader.take(_CLOCK_BYTES))
    clock.number(U64)
    resets = clock.number(U32)
    reader.number(U64)
    if not hmac.compare_digest(said, nonce):
        raise UnprovenTpm("The TPM said this for another moment.")
    return Attested(kind=kind, nonce=said, resets=resets, inside=reader.rest())


def _require_signed(statement: bytes, signature: bytes, by: PublicArea) -> None:
    reader = Reader(signature)
    if (reader.number(U16), reader.number(U16)) != (ALG_ECDSA, ALG_SHA256):
        raise UnreadableTpm("The TPM's signature is of a kind that is not taken.")
    r, s = reader.sized(at_most=COORDINATE_BYTES), reader.sized(at_most=COORDINATE_BYTES)
    reader.end()
    if not isinstance(by.key, ec.EllipticCurvePublicKey):
        raise UnprovenTpm("The attestation key is of a kind that is not taken.")
    pair = encode_dss_signature(int.from_bytes(r, "big"), int.from_bytes(s, "big"))
    try:
        by.key.verify(pair, statement, ec.ECDSA(hashes.SHA256()))
    except InvalidSignature:
        raise UnprovenTpm("Another key than the TPM's attestation key signed this.") from None
