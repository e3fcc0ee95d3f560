"""A rules document as bytes that load at once. Reading long YAML takes seconds, which a decision service does not have."""

import hashlib
from typing import Final

import msgspec

from ostiary.policy.rules.document import RulesDocument

GRAMMAR: Final = 2
"""Counts up whenever the types of `document` change."""

READABLE: Final = frozenset({1, GRAMMAR})
"""Grammars whose rules still read as they were written; bytes of any other are ignored.

Grammar 1 kept tests and clauses as mere sentences. Its rules are those of today, and stay in force as they are.
"""


class _Parsed(msgspec.Struct, frozen=True, array_like=True):
    grammar: int
    digest: bytes
    document: RulesDocument


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(_Parsed).decode


def write_parsed(text: str, document: RulesDocument) -> bytes:
    """Return `document`, bound to the text that it was read from."""
    return _encode(_Parsed(GRAMMAR, _digest(text), document))


def read_parsed(text: str, parsed: bytes) -> RulesDocument | None:
    """Return the document, or `None` unless the bytes were made from this very text by a grammar that is still read."""
    try:
        read = _decode(parsed)
    except msgspec.DecodeError:
        return None
    return read.document if read.grammar in READABLE and read.digest == _digest(text) else None


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()
