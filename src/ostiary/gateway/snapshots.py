"""The snapshot file: written whole, renamed into place, read again only where it changed.

The file is a msgpack map with the fields of `Snapshot`. A writer may pass sections that did not change on as the
bytes they already are (`EncodedSnapshot`); a reader decodes only sections whose bytes differ from last time. Who
gathers the facts lives in `publisher`; the heartbeat in `heartbeat`; waking up on a change in `folder_watch`.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import msgspec

from ostiary.errors import OstiaryError
from ostiary.gateway.heartbeat import beat, heartbeat_age, read_heartbeat
from ostiary.gateway.replaced_file import replace_file
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
    "SnapshotReader",
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
}

_encoder = msgspec.msgpack.Encoder()
_section_decoders: dict[str, msgspec.msgpack.Decoder[Any]] = {
    name: msgspec.msgpack.Decoder(section) for name, section in SECTIONS.items()
}


class FactsUnusable(OstiaryError):
    """There are no facts that a decision may stand on. Everything is refused until there are."""


Section = Directory | Sessions | Catalogue | Rules | Clients | Workloads | Devices | Postures | Compliance


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
    return _assemble(encoded, {name: _decode_section(name, getattr(encoded, name)) for name in SECTIONS})


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
    return _decode_envelope(_read_bytes(folder / SNAPSHOT_FILE))


def read_snapshot(folder: Path) -> Snapshot:
    """Return the snapshot in `folder`.

    Raises:
        FactsUnusable: as `read_encoded`.
    """
    return decode_snapshot(read_encoded(folder))


FileIdentity = tuple[int, int, int] | None
"""Which file it is: inode, time of change, size. `None` when there is none."""


class SnapshotReader:
    """Follows the snapshot in a folder and stands on the file that is there now, or on nothing.

    A file that is missing, damaged, of another schema or of an older generation takes the facts away instead of
    leaving the ones before in force: what cannot be read may be a revocation.
    """

    def __init__(self, folder: Path, *, max_age_seconds: float) -> None:
        """Read nothing yet.

        Args:
            folder: the facts folder.
            max_age_seconds: the oldest heartbeat on which facts are believed.
        """
        self._folder = folder
        self._path = folder / SNAPSHOT_FILE
        self._max_age_seconds = max_age_seconds
        self.identity: FileIdentity = None
        self._snapshot: Snapshot | None = None
        self._content = b""
        self._generation = -1
        self._sections: dict[str, tuple[bytes, Any]] = {}
        self._problem: FactsUnusable | None = FactsUnusable("No facts have been read yet.")

    def refresh(self, *, force: bool = False) -> bool:
        """Look at the file, read it when it was replaced, and return whether `current` answers differently now.

        Cheap when nothing changed: one `stat`. Never raises for what is in the file; `current` does.

        Args:
            force: read the file even if it looks the same; for a caller who knows that something was replaced,
                because two files of one size within a tick of the file system's clock can look alike.
        """
        identity = self.identity_now()
        if identity is not None and identity == self.identity and not force:
            return False
        self.identity = identity
        before = (self._snapshot is None, str(self._problem))
        try:
            taken = self._take(_read_bytes(self._path))
        except FactsUnusable as problem:
            self._snapshot, self._problem, taken = None, problem, False
        return taken or (self._snapshot is None, str(self._problem)) != before

    def identity_now(self) -> FileIdentity:
        """Return which file is there at this moment; `identity` is the one that was read last."""
        try:
            status = os.stat(self._path)  # noqa: PTH116 - on the path of every request
        except OSError:
            return None
        return (status.st_ino, status.st_mtime_ns, status.st_size)

    def heartbeat_at(self) -> float | None:
        """Return when the facts were last confirmed (seconds since the epoch), or `None`."""
        return read_heartbeat(self._folder)

    def current(self, now: float) -> Snapshot:
        """Return the facts to decide on at `now` (seconds since the epoch).

        Raises:
            FactsUnusable: when there are none or nobody has confirmed them lately.
        """
        age = heartbeat_age(self._folder, now)
        if age is None or age > self._max_age_seconds:
            raise FactsUnusable(
                "The facts have not been confirmed lately.", hint="Is the worker running? See: ostiary status"
            )
        return self.unconfirmed()

    def unconfirmed(self) -> Snapshot:
        """Return the facts in the file, whenever they were last confirmed.

        Raises:
            FactsUnusable: when there are none.
        """
        if self._snapshot is None:
            raise self._problem or FactsUnusable("No facts have been read yet.")
        return self._snapshot

    def _take(self, content: bytes) -> bool:
        if self._snapshot is not None and content == self._content:
            return False
        encoded = _decode_envelope(content)
        if encoded.generation < self._generation or (
            encoded.generation == self._generation and content != self._content
        ):
            raise FactsUnusable(
                f"The snapshot went back from generation {self._generation} to {encoded.generation}.",
                hint="After a restore, restart the gateway: ostiary up",
            )
        sections = {name: self._section(name, getattr(encoded, name)) for name in SECTIONS}
        self._snapshot = _assemble(encoded, {name: value for name, (_, value) in sections.items()})
        self._sections, self._content, self._generation = sections, content, encoded.generation
        self._problem = None
        return True

    def _section(self, name: str, raw: msgspec.Raw) -> tuple[bytes, Any]:
        content = bytes(raw)
        known = self._sections.get(name)
        if known is not None and known[0] == content:
            return known
        return content, _decode_section(name, raw)


def _read_bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        reason = os.strerror(error.errno or 0)
        raise FactsUnusable(f"The facts in {path} cannot be read ({reason}).", hint="See: ostiary status") from None


def _decode_envelope(content: bytes) -> EncodedSnapshot:
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


def _decode_section(name: str, raw: msgspec.Raw) -> Any:
    try:
        return _section_decoders[name].decode(raw)
    except msgspec.MsgspecError as error:
        raise FactsUnusable(f"Section `{name}` of the snapshot is damaged.", detail=str(error)) from None


def _assemble(encoded: EncodedSnapshot, sections: Mapping[str, Any]) -> Snapshot:
    return Snapshot(
        schema=encoded.schema,
        generation=encoded.generation,
        published_at=encoded.published_at,
        versions=encoded.versions,
        grant_key=encoded.grant_key,
        **sections,
    )
