"""Follows the snapshot file: read again where it was replaced, and only sections whose bytes differ from last time."""

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from ostiary.gateway.heartbeat import heartbeat_age, read_heartbeat
from ostiary.gateway.snapshots import (
    SECTIONS,
    SNAPSHOT_FILE,
    EncodedSnapshot,
    FactsUnusable,
    assemble,
    decode_envelope,
    decode_section,
    read_bytes,
)
from ostiary.policy.snapshot import Snapshot

FileIdentity = tuple[int, int, int] | None
"""Which file it is: inode, time of change, size. `None` when there is none."""


class Sections:
    """Sections as they were decoded last; one whose bytes are the same is the same object."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[bytes, Any]] = {}

    def read(self, encoded: EncodedSnapshot, names: Iterable[str]) -> dict[str, Any]:
        """Return these sections of a snapshot.

        Raises:
            FactsUnusable: when one does not have the form this version knows; those of before are kept.
        """
        fresh = {name: self._section(name, bytes(getattr(encoded, name))) for name in names}
        self._known |= fresh
        return {name: value for name, (_, value) in fresh.items()}

    def _section(self, name: str, content: bytes) -> tuple[bytes, Any]:
        known = self._known.get(name)
        return known if known is not None and known[0] == content else (content, decode_section(name, content))


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
        self._sections = Sections()
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
            taken = self._take(read_bytes(self._path))
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
        encoded = decode_envelope(content)
        if encoded.generation < self._generation or (
            encoded.generation == self._generation and content != self._content
        ):
            raise FactsUnusable(
                f"The snapshot went back from generation {self._generation} to {encoded.generation}.",
                hint="After a restore, restart the gateway: ostiary up",
            )
        self._snapshot = assemble(encoded, self._sections.read(encoded, SECTIONS))
        self._content, self._generation = content, encoded.generation
        self._problem = None
        return True
