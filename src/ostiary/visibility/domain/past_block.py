"""A block of past requests as bytes, and back. A block that was not written whole is told by its checksum. Pure.

A file is a run of blocks; a later block counts on the tables of those before it. With its rows a block carries the place
in the record that they reach, so that rows and place are on the disk together or not at all.
"""

import zlib
from array import array
from typing import Final

import msgspec

from ostiary.policy.past import Act, Asker, Numbers, PastRequests, Proofs, Situation, Surroundings, differences, sums

FORMAT: Final = 1
_HEAD_BYTES: Final = 8
_COLUMNS: Final = 9


class Reached(msgspec.Struct, frozen=True, array_like=True):
    """How far the record was taken over.

    Args:
        segment: the segment where the next line begins; 0 for the beginning of the record.
        offset: where it begins there, in bytes.
        seq: the last line's number; -1 for none.
        last_segment: where the last line stands.
        last_offset: where it begins there.
        last_hash: the hash it carries.
        last_length: its length with its end.
    """

    segment: int = 0
    offset: int = 0
    seq: int = -1
    last_segment: int = 0
    last_offset: int = 0
    last_length: int = 0
    last_hash: bytes = b""


class Row(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One request: what it was about, when (ticks), what was answered, and where it stands in the record.

    Where it cannot be replayed, `count` may stand for several.
    """

    situation: Situation
    ticks: int
    outcome: int
    segment: int
    offset: int
    count: int = 1


class _Packed(msgspec.Struct, array_like=True):
    """What a block holds: the tables' new entries, and the columns as the bytes of their numbers."""

    format: int
    reached: Reached
    askers: list[Asker]
    acts: list[Act]
    paths: list[str]
    surroundings: list[Surroundings]
    proofs: list[Proofs]
    columns: list[bytes]
    outcome: bytes


_encode: Final = msgspec.msgpack.Encoder().encode
_decode: Final = msgspec.msgpack.Decoder(_Packed).decode


class Tables:
    """Every part of a situation once, with its number. Numbers are given in the order of first use."""

    def __init__(self) -> None:
        self.askers: dict[Asker, int] = {}
        self.acts: dict[Act, int] = {}
        self.paths: dict[str, int] = {}
        self.surroundings: dict[Surroundings, int] = {}
        self.proofs: dict[Proofs, int] = {}

    @property
    def sizes(self) -> tuple[int, ...]:
        """How many entries each has."""
        return len(self.askers), len(self.acts), len(self.paths), len(self.surroundings), len(self.proofs)


class Unreadable(Exception):
    """The bytes are not a whole block."""


def write_block(tables: Tables, rows: list[Row], reached: Reached) -> bytes:
    """Return a block; the tables learn what is new.

    Args:
        tables: of the blocks before it in the file.
        rows: what it holds; may be none.
        reached: how far the record was taken over with them.
    """
    before = tables.sizes
    columns: list[Numbers] = [array("I") for _ in range(6)]
    for row in rows:
        one = row.situation
        columns[0].append(tables.askers.setdefault(one.asker, len(tables.askers)))
        columns[1].append(tables.acts.setdefault(one.act, len(tables.acts)))
        columns[2].append(tables.paths.setdefault(one.path, len(tables.paths)))
        columns[3].append(tables.surroundings.setdefault(one.surroundings, len(tables.surroundings)))
        columns[4].append(tables.proofs.setdefault(one.proofs, len(tables.proofs)))
        columns[5].append(row.count)
    places: list[Numbers] = [
        array("q", [row.ticks for row in rows]),
        array("q", [row.segment for row in rows]),
        array("q", [row.offset for row in rows]),
    ]
    packed = _Packed(
        format=FORMAT,
        reached=reached,
        askers=list(tables.askers)[before[0] :],
        acts=list(tables.acts)[before[1] :],
        paths=list(tables.paths)[before[2] :],
        surroundings=list(tables.surroundings)[before[3] :],
        proofs=list(tables.proofs)[before[4] :],
        columns=[_planes(column) for column in columns] + [_planes(differences(column)) for column in places],
        outcome=bytes(row.outcome for row in rows),
    )
    body = zlib.compress(_encode(packed), 6)
    return len(body).to_bytes(4) + zlib.crc32(body).to_bytes(4) + body


def read_blocks(content: bytes, stream: str) -> tuple[PastRequests, Reached, int]:
    """Return all requests of a file, how far the record was taken over with them, and how many bytes of the file are good.

    Args:
        content: the file, from its beginning. What follows the last whole block is not read.
        stream: of the record, as the requests are to say.
    """
    found = PastRequests(stream=stream)
    reached, offset = Reached(), 0
    while offset < len(content):
        try:
            packed, end = _read_block(content, offset)
            columns = _columns_of(packed)
        except Unreadable:
            break
        found.askers.extend(packed.askers)
        found.acts.extend(packed.acts)
        found.paths.extend(packed.paths)
        found.surroundings.extend(packed.surroundings)
        found.proofs.extend(packed.proofs)
        for whole, part in zip(_all_columns(found), columns, strict=True):
            whole.extend(part)
        found.outcome.extend(packed.outcome)
        reached, offset = packed.reached, end
    return found, reached, offset


def is_whole(content: bytes) -> bool:
    """Whether a file holds whole blocks of this format and nothing else; the blocks after the first are not unpacked.

    Args:
        content: the file.
    """
    try:
        _, offset = _read_block(content, 0)
        while offset < len(content):
            _, offset = _body_at(content, offset)
    except Unreadable:
        return False
    return True


def is_unfinished(content: bytes, end: int) -> bool:
    """Whether what follows in a file may be a block that is being written: its end is missing.

    Args:
        content: the file.
        end: of its last whole block, in bytes.
    """
    return len(content) - end < _HEAD_BYTES + int.from_bytes(content[end : end + 4])


def tables_of(requests: PastRequests) -> Tables:
    """Return the tables of a file that was read, to write on."""
    tables = Tables()
    tables.askers = {entry: number for number, entry in enumerate(requests.askers)}
    tables.acts = {entry: number for number, entry in enumerate(requests.acts)}
    tables.paths = {entry: number for number, entry in enumerate(requests.paths)}
    tables.surroundings = {entry: number for number, entry in enumerate(requests.surroundings)}
    tables.proofs = {entry: number for number, entry in enumerate(requests.proofs)}
    return tables


def _read_block(content: bytes, offset: int) -> tuple[_Packed, int]:
    body, end = _body_at(content, offset)
    try:
        packed = _decode(zlib.decompress(body))
    except (zlib.error, msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise Unreadable from error
    if packed.format != FORMAT or len(packed.columns) != _COLUMNS:
        raise Unreadable
    return packed, end


def _body_at(content: bytes, offset: int) -> tuple[bytes, int]:
    begin = offset + _HEAD_BYTES
    end = begin + int.from_bytes(content[offset : offset + 4])
    body = content[begin:end]
    if not body or len(content) < end or zlib.crc32(body).to_bytes(4) != content[offset + 4 : begin]:
        raise Unreadable
    return body, end


def _columns_of(packed: _Packed) -> list[Numbers]:
    count = len(packed.outcome)
    numbers = [_joined("I", column, count) for column in packed.columns[:6]]
    return numbers + [sums(_joined("q", column, count)) for column in packed.columns[6:]]


def _all_columns(requests: PastRequests) -> tuple[Numbers, ...]:
    return (
        requests.asker,
        requests.act,
        requests.path,
        requests.surrounding,
        requests.proof,
        requests.count,
        requests.ticks,
        requests.segment,
        requests.offset,
    )


def _planes(column: Numbers) -> bytes:
    """The first byte of every number, then the second of every number, and so on: alike stands by alike."""
    size, content = column.itemsize, column.tobytes()
    return b"".join(content[start::size] for start in range(size))


def _joined(code: str, planes: bytes, count: int) -> Numbers:
    column: Numbers = array(code)
    size = column.itemsize
    if len(planes) != count * size:
        raise Unreadable
    content = bytearray(len(planes))
    for start in range(size):
        content[start::size] = planes[start * count : (start + 1) * count]
    column.frombytes(bytes(content))
    return column
