"""The file a backup is: a readable header, then chunks, encrypted and each bound to its place.

A chunk that was changed, moved, dropped or cut off is noticed before any of its content is believed. What is inside
lives in `contents`.

Source: Hoang, Reyhanitabar, Rogaway, Vizár, "Online Authenticated-Encryption and its Nonce-Reuse Misuse-Resistance"
(CRYPTO 2015), the STREAM construction; RFC 7914 (scrypt); NIST SP 800-38D (GCM).
"""

import hashlib
import os
import struct
from typing import BinaryIO, Final

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from ostiary.errors import OstiaryError

MAGIC: Final = b"OSTIARY BACKUP 1\n"
CHUNK_BYTES: Final = 1024 * 1024
MIN_PASSPHRASE_CHARACTERS: Final = 12
_FRAME: Final = struct.Struct(">BI")
_MAX_HEADER_BYTES: Final = 64 * 1024
_PREFIX_BYTES: Final = 7
_TAG_BYTES: Final = 16


class UnusableBackup(OstiaryError):
    """The file is no backup, is damaged, or the passphrase is another one. Nothing was restored."""


class WeakPassphrase(OstiaryError):
    """The passphrase is too short to protect an instance's keys."""


class Encryption(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How the chunks are encrypted: AES-256-GCM, with a key that scrypt makes of the passphrase.

    Args:
        salt: of scrypt.
        cost: scrypt's N; memory is 1 KiB times this.
        prefix: the first bytes of every nonce.
    """

    salt: bytes
    cost: int
    prefix: bytes


class Header(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What anybody may read about a backup.

    Args:
        version: of Ostiary, that wrote it.
        created_at: seconds since the epoch.
        domain: of the instance.
        encryption: `None` when the chunks are not encrypted.
    """

    version: str
    created_at: float
    domain: str
    encryption: Encryption | None = None


def make_encryption(passphrase: str, *, cost: int = 2**17) -> Encryption:
    """Return fresh parameters for a passphrase.

    Raises:
        WeakPassphrase: when it is too short.
    """
    if len(passphrase) < MIN_PASSPHRASE_CHARACTERS:
        raise WeakPassphrase(
            f"The passphrase has {len(passphrase)} characters.",
            hint=f"Use at least {MIN_PASSPHRASE_CHARACTERS}: whoever has the file can try passphrases at leisure.",
        )
    return Encryption(salt=os.urandom(16), cost=cost, prefix=os.urandom(_PREFIX_BYTES))


class ContainerWriter:
    """A file to write to. `close` writes the end, without which nothing can be read back."""

    def __init__(self, target: BinaryIO, header: Header, passphrase: str | None) -> None:
        line = msgspec.json.encode(header) + b"\n"
        target.write(MAGIC + line)
        self._target = target
        self._chunks = _Chunks(header, line, passphrase)
        self._pending = bytearray()

    def write(self, content: bytes) -> int:
        """Take bytes in any portion."""
        self._pending += content
        while len(self._pending) > CHUNK_BYTES:
            self._emit(bytes(self._pending[:CHUNK_BYTES]), last=False)
            del self._pending[:CHUNK_BYTES]
        return len(content)

    def close(self) -> None:
        """Write the last chunk."""
        self._emit(bytes(self._pending), last=True)
        self._pending.clear()

    def _emit(self, content: bytes, *, last: bool) -> None:
        sealed = self._chunks.seal(content, last=last)
        self._target.write(_FRAME.pack(last, len(sealed)) + sealed)


class ContainerReader:
    """A file to read from: every byte it returns has been verified when it was encrypted."""

    def __init__(self, source: BinaryIO, passphrase: str | None) -> None:
        line = _read_header_line(source)
        self.header = _decode_header(line)
        self._source = source
        self._chunks = _Chunks(self.header, line, passphrase)
        self._ready = bytearray()
        self._ended = False

    def read(self, size: int = -1) -> bytes:
        """Return up to `size` bytes, fewer only at the end.

        Raises:
            UnusableBackup: when a chunk is not what was written.
        """
        while not self._ended and (size < 0 or len(self._ready) < size):
            self._next()
        size = len(self._ready) if size < 0 else size
        content = bytes(self._ready[:size])
        del self._ready[:size]
        return content

    def finish(self) -> None:
        """Read on to the end, so that a file that was cut off is noticed.

        Raises:
            UnusableBackup: when it was, or when something follows the end.
        """
        while not self._ended:
            self._next()
        if self._source.read(1):
            raise UnusableBackup("Something follows the end of the backup.", hint="Use another copy of it.")

    def _next(self) -> None:
        frame = self._source.read(_FRAME.size)
        if len(frame) != _FRAME.size:
            raise UnusableBackup("The backup is cut off.", hint="Use another copy of it.")
        last, length = _FRAME.unpack(frame)
        if last > 1 or length > CHUNK_BYTES + _TAG_BYTES:
            raise UnusableBackup("The backup is damaged.", hint="Use another copy of it.")
        sealed = self._source.read(length)
        if len(sealed) != length:
            raise UnusableBackup("The backup is cut off.", hint="Use another copy of it.")
        self._ready += self._chunks.open(sealed, last=bool(last))
        self._ended = bool(last)


class _Chunks:
    """Seals and opens chunks in order."""

    def __init__(self, header: Header, line: bytes, passphrase: str | None) -> None:
        self._encryption = header.encryption
        self._bound_to = hashlib.sha256(MAGIC + line).digest()
        self._number = 0
        self._cipher: AESGCM | None = None
        if header.encryption is None and passphrase is not None:
            raise UnusableBackup(
                "The backup is not encrypted, although a passphrase was given: anybody could have written it.",
                hint="Give no passphrase if you made it without one.",
            )
        if header.encryption is not None:
            if passphrase is None:
                raise UnusableBackup(
                    "The backup is encrypted.", hint="Give its passphrase with --passphrase-file FILE."
                )
            self._cipher = AESGCM(_derive(passphrase, header.encryption))

    def seal(self, content: bytes, *, last: bool) -> bytes:
        if self._cipher is None:
            self._number += 1
            return content
        return self._cipher.encrypt(self._nonce(last=last), content, self._bound_to)

    def open(self, sealed: bytes, *, last: bool) -> bytes:
        if self._cipher is None:
            self._number += 1
            return sealed
        first = self._number == 0
        try:
            return self._cipher.decrypt(self._nonce(last=last), sealed, self._bound_to)
        except InvalidTag:
            if first:
                raise UnusableBackup("The passphrase is another one, or the backup is damaged.") from None
            raise UnusableBackup("The backup is damaged.", hint="Use another copy of it.") from None

    def _nonce(self, *, last: bool) -> bytes:
        assert self._encryption is not None  # noqa: S101 - for the type checker: asked only when there is a cipher
        nonce = self._encryption.prefix + self._number.to_bytes(4, "big") + bytes([last])
        self._number += 1
        return nonce


def _derive(passphrase: str, encryption: Encryption) -> bytes:
    cost = encryption.cost
    if not 2 <= cost <= 2**20 or cost & (cost - 1) or len(encryption.prefix) != _PREFIX_BYTES:
        raise UnusableBackup("The backup's header asks for an encryption that does not exist.")
    return Scrypt(salt=encryption.salt, length=32, n=cost, r=8, p=1).derive(passphrase.encode())


def read_header(source: BinaryIO) -> Header:
    """Return what anybody may read about a backup.

    Raises:
        UnusableBackup: when it is no backup of this kind.
    """
    return _decode_header(_read_header_line(source))


def _read_header_line(source: BinaryIO) -> bytes:
    if source.read(len(MAGIC)) != MAGIC:
        raise UnusableBackup("The file is no backup of Ostiary, or of a version that this one cannot read.")
    line = source.readline(_MAX_HEADER_BYTES)
    if not line.endswith(b"\n"):
        raise UnusableBackup("The backup is cut off.", hint="Use another copy of it.")
    return line


def _decode_header(line: bytes) -> Header:
    try:
        return msgspec.json.decode(line, type=Header)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise UnusableBackup("The backup's header cannot be read.", hint="Use another copy of it.") from None
