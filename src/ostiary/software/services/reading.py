"""Entries of advisories from files: one file, a folder of them, or an archive as OSV publishes it for each ecosystem."""

import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import msgspec

from ostiary.errors import OstiaryError
from ostiary.software.domain.osv import MAX_ENTRY_BYTES

MAX_ENTRIES: Final = 1_000_000
MAX_FILE_BYTES: Final = 256 * 1024 * 1024
_NOTHING: Final = "Nothing was changed. Give a JSON file, a folder of them, or an archive (.zip) as OSV publishes it."


class UnreadableSource(OstiaryError):
    """A file of advisories cannot be read, or something in it is none; nothing was changed."""

    def __init__(self, where: str, words: str) -> None:
        super().__init__(f"{where}: {words}", hint=_NOTHING)


def is_archive(path: Path) -> bool:
    """Tell whether a path names an archive."""
    return path.suffix.lower() == ".zip"


def count_entries(path: Path) -> int:
    """Return about how many entries there are, for an estimate. Raises `UnreadableSource` when that cannot be told."""
    if is_archive(path):
        with _archive(path) as archive:
            return sum(name.endswith(".json") for name in archive.namelist())
    return sum(1 for _one in _files(path))


def read_entries(path: Path) -> Iterator[tuple[str, bytes]]:
    """Yield each entry with where it stands, one after the other: never more than one is held.

    Args:
        path: of a file, a folder or an archive.

    Raises:
        UnreadableSource: naming what cannot be read.
    """
    entries = _archived(path) if is_archive(path) else _loose(path)
    for number, entry in enumerate(entries, start=1):
        if number > MAX_ENTRIES:
            raise UnreadableSource(str(path), f"It has more than {MAX_ENTRIES} entries.")
        yield entry


def _archived(path: Path) -> Iterator[tuple[str, bytes]]:
    with _archive(path) as archive:
        for info in archive.infolist():
            if info.is_dir() or not info.filename.endswith(".json"):
                continue
            where = f"{path}: {info.filename[:200]}"
            try:
                with archive.open(info) as file:
                    content = file.read(MAX_ENTRY_BYTES + 1)
            except (zipfile.BadZipFile, zlib.error, OSError, RuntimeError, EOFError) as error:
                raise UnreadableSource(where, f"It cannot be unpacked ({error}).") from None
            yield where, content


def _archive(path: Path) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(path)
    except (OSError, zipfile.BadZipFile) as error:
        raise UnreadableSource(str(path), f"It is no archive that can be read ({error}).") from None


def _loose(path: Path) -> Iterator[tuple[str, bytes]]:
    for file in _files(path):
        try:
            if file.stat().st_size > MAX_FILE_BYTES:
                raise UnreadableSource(str(file), f"It has more than {MAX_FILE_BYTES // 2**20} MiB.")
            content = file.read_bytes()
        except OSError as error:
            raise UnreadableSource(str(file), f"It cannot be read ({error.strerror}).") from None
        if content.lstrip()[:1] != b"[":
            yield str(file), content
            continue
        try:
            several = msgspec.json.decode(content, type=list[msgspec.Raw])
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            raise UnreadableSource(str(file), f"It is no JSON ({error}).") from None
        for number, one in enumerate(several):
            yield f"{file}: [{number}]", bytes(one)


def _files(path: Path) -> Iterator[Path]:
    if path.is_dir():
        yield from sorted(one for one in path.rglob("*.json") if one.is_file())
    elif path.is_file():
        yield path
    else:
        raise UnreadableSource(str(path), "There is no such file.")
