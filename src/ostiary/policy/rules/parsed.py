"""A rules document as bytes that load at once. Reading long YAML takes seconds, which a decision service does not have."""

import hashlib
from typing import Final

import msgspec

from ostiary.policy.rules.document import RulesDocument

GRAMMAR: Final = 1
"""Counts up whenever the types of `document` change; older bytes are then ignored."""


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
    """Return the document, or `None` unless the bytes were made from this very text by this grammar."""
    try:
        read = _decode(parsed)
    except msgspec.DecodeError:
        return None
    return read.document if (read.grammar, read.digest) == (GRAMMAR, _digest(text)) else None


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()
