"""Numbers and sized buffers as a TPM writes them: big-endian, lengths in two bytes. Reading is strict. Pure.

Source: Trusted Platform Module Library, Part 2: Structures (TCG, 1.59), sections 5 and 10.4.
"""

from typing import Final

from ostiary.errors import OstiaryError

U16: Final = 2
U32: Final = 4
U64: Final = 8


class UnreadableTpm(OstiaryError):
    """What came is not what a TPM says."""


class UnprovenTpm(OstiaryError):
    """What the TPM says can be read, and does not prove what it has to."""


class Reader:
    """Reads a structure from its beginning to its end."""

    def __init__(self, content: bytes) -> None:
        self._content = content
        self._at = 0

    def take(self, length: int) -> bytes:
        """Return the next bytes.

        Raises:
            UnreadableTpm: when there are not so many, as every method here.
        """
        taken = self._content[self._at : self._at + length]
        if len(taken) != length:
            raise UnreadableTpm("What the TPM said is cut off.")
        self._at += length
        return taken

    def number(self, length: int) -> int:
        """Return the next number of so many bytes."""
        return int.from_bytes(self.take(length), "big")

    def sized(self, *, at_most: int = 0xFFFF) -> bytes:
        """Return the next buffer, whose length stands before it."""
        length = self.number(U16)
        if length > at_most:
            raise UnreadableTpm("What the TPM said holds more than it may.")
        return self.take(length)

    def rest(self) -> bytes:
        """Return all that is left."""
        return self.take(len(self._content) - self._at)

    def end(self) -> None:
        """Return when nothing is left."""
        if self._at != len(self._content):
            raise UnreadableTpm("What the TPM said goes on after its end.")


def u16(number: int) -> bytes:
    """Return a number in two bytes."""
    return number.to_bytes(U16, "big")


def u32(number: int) -> bytes:
    """Return a number in four bytes."""
    return number.to_bytes(U32, "big")


def sized(content: bytes) -> bytes:
    """Return a buffer with its length before it."""
    return u16(len(content)) + content


def unsized(content: bytes) -> bytes:
    """Return what is in the one buffer that this is.

    Raises:
        UnreadableTpm: when it is anything else.
    """
    reader = Reader(content)
    inside = reader.sized()
    reader.end()
    return inside
