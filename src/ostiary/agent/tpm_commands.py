"""What the agent has a TPM do: ten commands, with the parameters it needs and no others.

Source: TPM Library, Part 3: Commands. Every key's password is empty; what protects a key is that it cannot leave the TPM.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Final

import msgspec

from ostiary.agent.tpm import Tpm, UnusableTpm
from ostiary.devices.domain.tpm.attest import REGISTERS
from ostiary.devices.domain.tpm.public import ALG_ECDSA, ALG_NULL, ALG_SHA256, Template
from ostiary.devices.domain.tpm.wire import Reader, sized, u16, u32

OWNER: Final = 0x4000_0001
ENDORSEMENT: Final = 0x4000_000B
_NULL: Final = 0x4000_0007
_PASSWORD: Final = u32(0x4000_0009) + sized(b"") + b"\x00" + sized(b"")
_NO_TICKET: Final = u16(0x8024) + u32(_NULL) + sized(b"")
_POLICY_SESSION: Final = b"\x01"
_REGISTERS: Final = u32(1) + u16(ALG_SHA256) + b"\x03" + bytes([0xFF, 0, 0])
_NV_BYTES: Final = 512
_MAX_NV_BYTES: Final = 8192


class Made(msgspec.Struct, frozen=True, kw_only=True):
    """A key that only its TPM can use: TPM2B_PUBLIC and TPM2B_PRIVATE, which is encrypted."""

    public: bytes
    private: bytes


@contextmanager
def primary(tpm: Tpm, hierarchy: int, template: Template) -> Iterator[tuple[int, bytes]]:
    """Have the TPM derive a primary key meanwhile; yield its handle and its public area (TPM2B_PUBLIC)."""
    parameters = sized(sized(b"") * 2) + template.blank() + sized(b"") + u32(0)
    answer = tpm.run(0x131, (hierarchy,), parameters, _PASSWORD, returns=1)
    with _held(tpm, answer.handles[0]) as handle:
        yield handle, sized(answer.reader.sized())


@contextmanager
def loaded(tpm: Tpm, parent: int, key: Made) -> Iterator[int]:
    """Have the TPM hold a key meanwhile; yield its handle."""
    answer = tpm.run(0x157, (parent,), key.private + key.public, _PASSWORD, returns=1)
    with _held(tpm, answer.handles[0]) as handle:
        yield handle


def make_key(tpm: Tpm, parent: int, template: Template) -> Made:
    """Have the TPM make a key."""
    parameters = sized(sized(b"") * 2) + template.blank() + sized(b"") + u32(0)
    reader = tpm.run(0x153, (parent,), parameters, _PASSWORD).reader
    private, public = reader.sized(), reader.sized()
    return Made(public=sized(public), private=sized(private))


def read_public(tpm: Tpm, handle: int) -> bytes:
    """Return the public area (TPM2B_PUBLIC) of a key that the TPM holds; empty where it holds none there."""
    try:
        return sized(tpm.run(0x173, (handle,), b"").reader.sized())
    except UnusableTpm as error:
        if error.code:
            return b""
        raise


def sign_digest(tpm: Tpm, key: int, digest: bytes) -> tuple[int, int]:
    """Have a key sign a SHA-256 digest by ECDSA; return `r` and `s`."""
    parameters = sized(digest) + u16(ALG_ECDSA) + u16(ALG_SHA256) + _NO_TICKET
    reader = tpm.run(0x15D, (key,), parameters, _PASSWORD).reader
    reader.take(4)
    return int.from_bytes(reader.sized(), "big"), int.from_bytes(reader.sized(), "big")


def certify_key(tpm: Tpm, key: int, *, by: int, nonce: bytes) -> tuple[bytes, bytes]:
    """Have the TPM say that a key lies in it; return the statement (TPMS_ATTEST) and its signature (TPMT_SIGNATURE)."""
    return _statement(tpm.run(0x148, (key, by), sized(nonce) + u16(ALG_NULL), _PASSWORD, _PASSWORD).reader)


def quote_registers(tpm: Tpm, *, by: int, nonce: bytes) -> tuple[bytes, bytes]:
    """Have the TPM say what its registers 0 to 7 hold; return as `certify_key`."""
    return _statement(tpm.run(0x158, (by,), sized(nonce) + u16(ALG_NULL) + _REGISTERS, _PASSWORD).reader)


def read_registers(tpm: Tpm) -> tuple[bytes, ...]:
    """Return what registers 0 to 7 hold, SHA-256.

    Raises:
        UnusableTpm: when this TPM keeps no such values.
    """
    reader = tpm.run(0x17E, (), _REGISTERS).reader
    reader.take(4)
    for _ in range(reader.number(4)):
        reader.take(2)
        reader.take(reader.number(1))
    values = tuple(reader.sized() for _ in range(reader.number(4)))
    if len(values) != len(REGISTERS):
        raise UnusableTpm("This TPM keeps no SHA-256 values of what was started.", hint="Switch its SHA-256 bank on.")
    return values


def activate_credential(tpm: Tpm, *, attestation: int, endorsement: int, blob: bytes, seed: bytes) -> bytes:
    """Have the TPM open a secret that is sealed to both keys."""
    nothing = sized(b"")
    start = sized(os.urandom(16)) + nothing + _POLICY_SESSION + u16(ALG_NULL) + u16(ALG_SHA256)
    (session,) = tpm.run(0x176, (_NULL, _NULL), start, returns=1).handles
    try:
        tpm.run(0x151, (ENDORSEMENT, session), nothing * 3 + u32(0), _PASSWORD)
        by_policy = u32(session) + nothing + b"\x01" + nothing
        return tpm.run(0x147, (attestation, endorsement), blob + seed, _PASSWORD, by_policy).reader.sized()
    finally:
        flush(tpm, session)


def read_stored(tpm: Tpm, index: int) -> bytes:
    """Return what stands at a place of the TPM's own memory; empty where nothing does."""
    try:
        described = Reader(tpm.run(0x169, (index,), b"").reader.sized())
    except UnusableTpm as error:
        if error.code:
            return b""
        raise
    described.take(10)
    described.sized()
    length, content = min(described.number(2), _MAX_NV_BYTES), b""
    while len(content) < length:
        wanted = u16(min(_NV_BYTES, length - len(content))) + u16(len(content))
        part = tpm.run(0x14E, (index, index), wanted, _PASSWORD).reader.sized()
        if not part:
            break
        content += part
    return content


def flush(tpm: Tpm, handle: int) -> None:
    """Have the TPM let go of a key or a session; nothing is wrong where it already has."""
    with suppress(UnusableTpm):
        tpm.run(0x165, (), u32(handle))


@contextmanager
def _held(tpm: Tpm, handle: int) -> Iterator[int]:
    try:
        yield handle
    finally:
        flush(tpm, handle)


def _statement(reader: Reader) -> tuple[bytes, bytes]:
    return reader.sized(), reader.rest()
