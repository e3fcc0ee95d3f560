"""The hash chain that makes a change of the record visible: how a line is made, and how it is checked. Pure.

A segment is a file of lines. Every line is `{"seq":N,"hash":"<64 hex>","<kind>":<body>}`; `kind` is `segment` for the
first line of a file and `event` for all others. The hash is SHA-256 over the previous line's hash, the kind and the
exact bytes of the body, so that no line can be changed, removed or moved without breaking every later one.
"""

import hashlib
import re
from typing import Final, Literal

import msgspec

from ostiary.errors import OstiaryError

LineKind = Literal["segment", "event"]

FORMAT_VERSION: Final = 1
_HEX_CHARACTERS: Final = 64
_START: Final = re.compile(rb'\{"seq":(0|[1-9][0-9]{0,17}),"hash":"([0-9a-f]{64})","(segment|event)":')
_SEPARATORS: Final[dict[str, bytes]] = {"segment": b"\x00", "event": b"\x01"}


class BrokenLine(OstiaryError):
    """A line of the record does not have the form of one."""


class ChainLine(msgspec.Struct, frozen=True, gc=False):
    """One line of a segment.

    Args:
        seq: its number in the stream, from 0, counted over all segments.
        hash: the hash it carries, 32 bytes.
        kind: `segment` or `event`.
        body: the bytes of its body.
    """

    seq: int
    hash: bytes
    kind: LineKind
    body: bytes


class SegmentHeader(msgspec.Struct, frozen=True, kw_only=True):
    """The body of a segment's first line: what it is and what it follows.

    Args:
        version: of this format.
        stream: the stream's name.
        segment: the segment's number, from 1.
        created_at: when it was opened, seconds since the epoch.
        previous_hash: the last hash of the segment before, hexadecimal; the stream's own start for the first.
        unreadable_end: the segment before ended in something that is not a line; its last readable hash stands above.
    """

    version: int = FORMAT_VERSION
    stream: str
    segment: int
    created_at: float
    previous_hash: str
    unreadable_end: bool = False


def chain_start(stream: str) -> bytes:
    """Return the hash that stands before the first line of a stream: 32 bytes."""
    return hashlib.sha256(b"ostiary audit stream 1\x00" + stream.encode()).digest()


def link(previous: bytes, kind: LineKind, body: bytes) -> bytes:
    """Return the hash of a line: 32 bytes.

    Args:
        previous: the hash of the line before.
        kind: the line's kind.
        body: the exact bytes of its body.
    """
    return hashlib.sha256(previous + _SEPARATORS[kind] + body).digest()


def write_line(seq: int, previous: bytes, kind: LineKind, body: bytes) -> tuple[bytes, bytes]:
    """Return a whole line with its end, and its hash."""
    digest = link(previous, kind, body)
    return b'{"seq":%d,"hash":"%s","%s":%s}\n' % (seq, digest.hex().encode(), kind.encode(), body), digest


def read_line(line: bytes) -> ChainLine:
    """Return the parts of a line, without judging its hash.

    Args:
        line: the bytes up to, not including, the line's end.

    Raises:
        BrokenLine: when it does not have the form of a line.
    """
    start = _START.match(line)
    if start is None or not line.endswith(b"}"):
        raise BrokenLine("This is not a line of the record.")
    kind: LineKind = "segment" if start[3] == b"segment" else "event"
    return ChainLine(int(start[1]), bytes.fromhex(start[2].decode()), kind, line[start.end() : -1])


def read_header(line: ChainLine) -> SegmentHeader:
    """Return the header of a segment from its first line.

    Raises:
        BrokenLine: when it is not a header that this version can read.
    """
    try:
        header = msgspec.json.decode(line.body, type=SegmentHeader)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, ValueError) as error:
        raise BrokenLine("The segment does not begin with a header.", detail=str(error)) from None
    if line.kind != "segment" or header.version != FORMAT_VERSION:
        raise BrokenLine("The segment does not begin with a header that this version can read.")
    return header
