"""Packs the record's files for download while they are sent, so that no copy is made on the disk."""

import io
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

CHUNK_BYTES: Final = 256 * 1024


class _Outbox(io.RawIOBase):
    """Takes what the archiver writes and gives it on."""

    def __init__(self) -> None:
        self._waiting = bytearray()

    def writable(self) -> bool:
        """Say that it can be written to."""
        return True

    def write(self, data: bytes) -> int:  # type: ignore[override]
        """Keep the bytes until they are taken."""
        self._waiting += data
        return len(data)

    def take(self) -> bytes:
        """Return everything written since the last call."""
        taken = bytes(self._waiting)
        self._waiting.clear()
        return taken


def pack_folder(folder: Path, name: str) -> Iterator[bytes]:
    """Yield a tar archive of the files in `folder`, under `name`, as they were when each was opened.

    A file that grows meanwhile is cut at the size it had: records that came later are in the next download.
    """
    outbox = _Outbox()
    with tarfile.open(fileobj=outbox, mode="w|", bufsize=CHUNK_BYTES) as archive:
        for path in sorted(folder.rglob("*")):
            if path.is_file() and not path.is_symlink():
                yield from _pack_file(archive, outbox, path, f"{name}/{path.relative_to(folder)}")
    yield outbox.take()


def _pack_file(archive: tarfile.TarFile, outbox: _Outbox, path: Path, name: str) -> Iterator[bytes]:
    with path.open("rb") as file:
        entry = archive.gettarinfo(arcname=name, fileobj=file)
        entry.uid = entry.gid = 0
        entry.uname = entry.gname = ""
        archive.addfile(entry)
        left = entry.size
        while left and (chunk := file.read(min(CHUNK_BYTES, left))):
            archive.fileobj.write(chunk)
            left -= len(chunk)
            yield outbox.take()
        padding = -entry.size % tarfile.BLOCKSIZE + left
        archive.fileobj.write(bytes(padding))
        archive.offset += entry.size + (-entry.size % tarfile.BLOCKSIZE)
        yield outbox.take()
