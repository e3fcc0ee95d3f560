"""The reference number of a decision: short enough to read out, hard to mistake.

Source: Crockford's Base32 (no I, L, O, U), 50 bits, written as two groups of five: `7F3K9-2QXAB`.
"""

from typing import Final

ENTROPY_BYTES: Final = 7
_ALPHABET: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_MISREAD: Final = str.maketrans({"O": "0", "I": "1", "L": "1"})
_CHARACTERS: Final = 10


def format_reference(entropy: bytes) -> str:
    """Return the reference for some random bytes.

    Args:
        entropy: at least seven random bytes; the first 50 bits are used.
    """
    number = int.from_bytes(entropy[:ENTROPY_BYTES]) >> (ENTROPY_BYTES * 8 - _CHARACTERS * 5)
    text = "".join(_ALPHABET[(number >> shift) & 31] for shift in range(45, -1, -5))
    return f"{text[:5]}-{text[5:]}"


def normalise_reference(text: str) -> str:
    """Return a reference as it is stored, however it was typed: small letters, `O` for `0`, missing or extra hyphens.

    Text that is no reference of ours is returned trimmed and otherwise unchanged.
    """
    plain = "".join(text.split()).replace("-", "").upper().translate(_MISREAD)
    if len(plain) == _CHARACTERS and all(letter in _ALPHABET for letter in plain):
        return f"{plain[:5]}-{plain[5:]}"
    return text.strip()
