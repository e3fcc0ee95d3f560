"""The firmware's own account of what it started: it counts as far as the TPM's registers bear it out. Pure.

Each entry's digest was added to a register, which nobody can take back before the next start. What else stands in an entry is the
firmware's word only where the digest is that of the entry's own content. So whether Secure Boot was on is read from the *first* entry of
register 7, which the firmware writes before anything it starts can run: whoever runs later can add entries, and put none before it.
Source: TCG PC Client Platform Firmware Profile 1.06, sections 3.3.4.8 (PCR 7), 10.2 (log) and 10.4.5 (EV_NO_ACTION).
"""

import hashlib
import uuid
from typing import Final

import msgspec

from ostiary.devices.domain.tpm.attest import REGISTER_BYTES, REGISTERS
from ostiary.devices.domain.tpm.public import ALG_SHA256
from ostiary.devices.domain.tpm.wire import UnprovenTpm, UnreadableTpm

MAX_LOG_BYTES: Final = 256 * 1024
MAX_ENTRIES: Final = 4000
NO_ACTION: Final = 0x0000_0003
SEPARATOR: Final = 0x0000_0004
VARIABLE: Final = 0x8000_0001
SECURE_BOOT_REGISTER: Final = 7
_SPEC: Final = b"Spec ID Event03\x00"
_LOCALITY: Final = b"StartupLocality\x00"
_GLOBAL: Final = uuid.UUID("8be4df61-93ca-11d2-aa0d-00e098032b8c").bytes_le
_SECURE_BOOT: Final = "SecureBoot"
_SHA1_BYTES: Final = 20
_MAX_BANKS: Final = 16


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One entry: which register it was added to, what it is about, its SHA-256 digest and its content."""

    register: int
    kind: int
    digest: bytes
    content: bytes


class _Log:
    """Reads a log from its beginning to its end. Its numbers are little-endian, unlike the TPM's own."""

    def __init__(self, content: bytes) -> None:
        self._content, self._at = content, 0

    @property
    def left(self) -> bool:
        return self._at < len(self._content)

    def take(self, length: int) -> bytes:
        taken = self._content[self._at : self._at + length]
        if len(taken) != length:
            raise UnreadableTpm("The firmware's log is cut off.")
        self._at += length
        return taken

    def number(self, length: int) -> int:
        return int.from_bytes(self.take(length), "little")


def read_log(content: bytes) -> tuple[Entry, ...]:
    """Return the entries of a log that keeps SHA-256 digests.

    Args:
        content: as it was received, whatever it is.

    Raises:
        UnreadableTpm: when it is none, or holds more than any firmware writes.
    """
    if len(content) > MAX_LOG_BYTES:
        raise UnreadableTpm("The firmware's log is longer than any firmware writes.")
    log = _Log(content)
    banks = _banks(log)
    entries: list[Entry] = []
    while log.left:
        if len(entries) == MAX_ENTRIES:
            raise UnreadableTpm("The firmware's log is longer than any firmware writes.")
        register, kind = log.number(4), log.number(4)
        digest = _digest(log, banks)
        entries.append(Entry(register=register, kind=kind, digest=digest, content=log.take(log.number(4))))
    return tuple(entries)


def require_replayed(entries: tuple[Entry, ...], registers: tuple[bytes, ...]) -> None:
    """Return when these entries, in this order, are what made the registers hold what they hold.

    Args:
        entries: as `read_log` gives them.
        registers: the values of `REGISTERS`, which the TPM vouched for.

    Raises:
        UnprovenTpm: when they are not.
    """
    values = [bytes(REGISTER_BYTES) for _ in REGISTERS]
    values[0] = _start(entries)
    for one in entries:
        if one.kind != NO_ACTION and one.register in REGISTERS:
            values[one.register] = hashlib.sha256(values[one.register] + one.digest).digest()
    if tuple(values) != registers:
        wrong = [str(at) for at, value in enumerate(values) if value != registers[at]]
        raise UnprovenTpm(f"The firmware's log is not what made the TPM's registers (register {', '.join(wrong)}).")


def secure_boot_of(entries: tuple[Entry, ...]) -> bool | None:
    """Return whether Secure Boot was on, of a log that `require_replayed` let pass; `None` where the log does not say.

    Args:
        entries: as `read_log` gives them.
    """
    of_register = (one for one in entries if one.register == SECURE_BOOT_REGISTER and one.kind != NO_ACTION)
    first = next(of_register, None)
    if first is None or first.kind != VARIABLE or hashlib.sha256(first.content).digest() != first.digest:
        return None
    try:
        return _secure_boot(_Log(first.content))
    except UnreadableTpm:
        return None


def _secure_boot(log: _Log) -> bool | None:
    owner, letters, length = log.take(16), log.number(8), log.number(8)
    name, value = log.take(2 * len(_SECURE_BOOT)), log.take(1)
    expected = (_GLOBAL, len(_SECURE_BOOT), 1, _SECURE_BOOT.encode("utf-16-le"))
    if (owner, letters, length, name) != expected or log.left or value not in {b"\x00", b"\x01"}:
        return None
    return value == b"\x01"


def _banks(log: _Log) -> dict[int, int]:
    """Return how long the digest of each algorithm is, from the entry every log begins with (TCG_EfiSpecIdEvent)."""
    register, kind = log.number(4), log.number(4)
    log.take(_SHA1_BYTES)
    head = _Log(log.take(log.number(4)))
    if (register, kind, head.take(len(_SPEC))) != (0, NO_ACTION, _SPEC):
        raise UnreadableTpm("This is no firmware's log.")
    head.take(8)
    count = head.number(4)
    if not 0 < count <= _MAX_BANKS:
        raise UnreadableTpm("This is no firmware's log.")
    banks = {head.number(2): head.number(2) for _ in range(count)}
    if banks.get(ALG_SHA256) != REGISTER_BYTES:
        raise UnreadableTpm("The firmware's log keeps no SHA-256 digests.")
    return banks


def _digest(log: _Log, banks: dict[int, int]) -> bytes:
    """Return the SHA-256 digest among those of an entry."""
    count = log.number(4)
    if count != len(banks):
        raise UnreadableTpm("The firmware's log is not written as it says.")
    found = b""
    for _ in range(count):
        algorithm = log.number(2)
        if algorithm not in banks:
            raise UnreadableTpm("The firmware's log is not written as it says.")
        digest = log.take(banks[algorithm])
        found = digest if algorithm == ALG_SHA256 else found
    if not found:
        raise UnreadableTpm("The firmware's log is not written as it says.")
    return found


def _start(entries: tuple[Entry, ...]) -> bytes:
    """Return what register 0 held at the start: the locality, where the firmware began at another than the usual one."""
    for one in entries:
        if one.kind == NO_ACTION and one.content.startswith(_LOCALITY) and len(one.content) == len(_LOCALITY) + 1:
            return bytes(REGISTER_BYTES - 1) + one.content[-1:]
    return bytes(REGISTER_BYTES)
