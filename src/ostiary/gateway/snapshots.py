"""The snapshot file: written whole, renamed into place.

The file is a msgpack map with the fields of `Snapshot`. A writer may pass sections that did not change on as the
bytes they already are (`EncodedSnapshot`); a reader decodes only sections whose bytes differ from last time. Who
gathers the facts lives in `publisher`; who follows the file in `snapshot_reader`; the heartbeat in `heartbeat`; waking up on a
change in `folder_watch`.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import msgspec

from ostiary.errors import OstiaryError
from ostiary.gateway.heartbeat import beat, heartbeat_age, read_heartbeat
from ostiary.gateway.replaced_file import replace_file
from ostiary.policy.given import GivenCertificates
from ostiary.policy.identifiers import Generation
from ostiary.policy.snapshot import (
    SCHEMA_VERSION,
    Catalogue,
    Clients,
    Compliance,
    Devices,
    Directory,
    GrantKey,
    Postures,
    Rules,
    Sessions,
    Snapshot,
    Workloads,
)

__all__ = [
    "SECTIONS",
    "SNAPSHOT_FILE",
    "EncodedSnapshot",
    "FactsUnusable",
    "beat",
    "decode_snapshot",
    "encode_section",
    "encode_snapshot",
    "heartbeat_age",
    "read_encoded",
    "read_heartbeat",
    "read_snapshot",
    "write_snapshot",
]

SNAPSHOT_FILE: Final = "snapshot.msgpack"
SECTIONS: Final[Mapping[str, type[Any]]] = {
    "identity": Directory,
    "sessions": Sessions,
    "applications": Catalogue,
    "rulebook": Rules,
    "clients": Clients,
    "workloads": Workloads,
    "devices": Devices,
    "postures": Postures,
    "compliance": Compliance,
    "given": GivenCertificates,
}

_encoder = msgspec.msgpack.Encoder()
_section_decoders: dict[str, msgspec.msgpack.Decoder[Any]] = {
    name: msgspec.msgpack.Decoder(section) for name, section in SECTIONS.items()
}


class FactsUnusable(OstiaryError):
    """There are no facts that a decision may stand on. Everything is refused until there are."""


Section = (
    Directory | Sessions | Catalogue | Rules | Clients | Workloads | Devices | Postures | Compliance | GivenCertificates
)


def encode_section(section: Section) -> msgspec.Raw:
    """Return one section as it stands in the file."""
    return msgspec.Raw(_encoder.encode(section))


class EncodedSnapshot(msgspec.Struct, frozen=True, kw_only=True):
    """A snapshot whose sections are still the bytes in the file; otherwise as `Snapshot`.

    A section that this version knows and the one that wrote the file did not is empty.
    """

    schema: int = SCHEMA_VERSION
    generation: Generation
    published_at: float
    versions: dict[str, int]
    identity: msgspec.Raw
    sessions: msgspec.Raw
    applications: msgspec.Raw
    rulebook: msgspec.Raw
    grant_key: GrantKey
    clients: msgspec.Raw = encode_section(Clients())
    workloads: msgspec.Raw = encode_section(Workloads())
    devices: msgspec.Raw = encode_section(Devices())
    postures: msgspec.Raw = encode_section(Postures())
    compliance: msgspec.Raw = encode_section(Compliance())
    given: msgspec.Raw = encode_section(GivenCertificates())


_envelope_decoder = msgspec.msgpack.Decoder(EncodedSnapshot)


def encode_snapshot(snapshot: Snapshot) -> EncodedSnapshot:
    """Return `snapshot` with every section encoded."""
    return EncodedSnapshot(
        schema=snapshot.schema,
        generation=snapshot.generation,
        published_at=snapshot.published_at,
        versions=snapshot.versions,
        grant_key=snapshot.grant_key,
        **{name: encode_section(getattr(snapshot, name)) for name in SECTIONS},
    )


def decode_snapshot(encoded: EncodedSnapshot) -> Snapshot:
    """Return `encoded` with every section decoded.

    Raises:
        FactsUnusable: when a section does not have the form this version knows.
    """
    return assemble(encoded, {name: decode_section(name, getattr(encoded, name)) for name in SECTIONS})


def write_snapshot(folder: Path, snapshot: Snapshot | EncodedSnapshot, *, durable: bool = True) -> None:
    """Replace the snapshot in `folder` in one step; a reader sees the old file or the new one, never a part.

    Args:
        folder: the facts folder; created when it is missing.
        snapshot: the facts, whole.
        durable: wait until the disk has it. Without, a power cut may bring the generation before back.

    Raises:
        OSError: when the file cannot be written; the one before is still in place.
    """
    replace_file(folder / SNAPSHOT_FILE, _encoder.encode(snapshot), durable=durable)


def read_encoded(folder: Path) -> EncodedSnapshot:
    """Return the snapshot in `folder` with its sections as bytes.

    Raises:
        FactsUnusable: when there is none, it cannot be read, or another version of Ostiary wrote it.
    """
    return decode_envelope(read_bytes(folder / SNAPSHOT_FILE))


def read_snapshot(folder: Path) -> Snapshot:
    """Return the snapshot in `folder`.

    Raises:
        FactsUnusable: as `read_encoded`.
    """
    return decode_snapshot(read_encoded(folder))


def read_bytes(path: Path) -> bytes:
    """Return what is in the file. Raises `FactsUnusable` when it cannot be read."""
    try:
        return path.read_bytes()
    except OSError as error:
        reason = os.strerror(error.errno or 0)
        raise FactsUnusable(f"The facts in {path} cannot be read ({reason}).", hint="See: ostiary status") from None


def decode_envelope(content: bytes) -> EncodedSnapshot:
    """Return a snapshot with its sections as bytes. Raises `FactsUnusable` when it is damaged, or of another version."""
    try:
        encoded = _envelope_decoder.decode(content)
    except msgspec.MsgspecError as error:
        raise FactsUnusable("The snapshot is damaged.", hint="See: ostiary status", detail=str(error)) from None
    if encoded.schema != SCHEMA_VERSION:
        raise FactsUnusable(
            f"The snapshot has schema {encoded.schema}; this version reads {SCHEMA_VERSION}.",
            hint="Restart every process after an upgrade: ostiary up",
        )
    return encoded


def decode_section(name: str, content: bytes | msgspec.Raw) -> Any:
    """Return one section. Raises `FactsUnusable` when it does not have the form this version knows."""
    try:
        return _section_decoders[name].decode(content)
    except msgspec.MsgspecError as error:
        raise FactsUnusable(f"Section `{name}` of the snapshot is damaged.", detail=str(error)) from None


def assemble(encoded: EncodedSnapshot, sections: Mapping[str, Any]) -> Snapshot:
    """Return the snapshot with these sections."""
    return Snapshot(
        schema=encoded.schema,
        generation=encoded.generation,
        published_at=encoded.published_at,
        versions=encoded.versions,
        grant_key=encoded.grant_key,
        **sections,
    )
