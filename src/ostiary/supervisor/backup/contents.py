"""What a backup holds, by name, and the list with which everything is checked."""

import hashlib
import re
from pathlib import Path

import msgspec

CONFIGURATION = "ostiary.toml"
DATABASE_FILE = "database.sqlite3"
DATABASE_ROWS = "database.jsonl"
MANIFEST = "manifest.json"
SECRETS = "secrets"
CERTIFICATES = "certificates"
AUDIT = "audit"
_NAME = re.compile(
    rf"{re.escape(CONFIGURATION)}|{re.escape(DATABASE_FILE)}|{re.escape(DATABASE_ROWS)}"
    rf"|(?:{SECRETS}|{CERTIFICATES}|{AUDIT})(?:/[A-Za-z0-9_][A-Za-z0-9._-]*){{1,3}}",
    re.ASCII,
)


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One file: its size in bytes and its SHA-256, hexadecimal."""

    name: str
    size: int
    sha256: str


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """The last member of a backup: what the others must be.

    Args:
        migrations: what had been applied to the database, as `app.name`.
        with_secrets: whether keys and certificates are in it.
    """

    migrations: tuple[str, ...]
    with_secrets: bool
    entries: tuple[Entry, ...]


def is_allowed(name: str) -> bool:
    """Return whether a backup may hold a member of this name; anything else is refused unread."""
    return _NAME.fullmatch(name) is not None and ".." not in name


def entry_of(path: Path, name: str) -> Entry:
    """Return the entry for a file as it is now."""
    digest = hashlib.sha256()
    size = 0
    with path.open("rb") as file:
        while content := file.read(1024 * 1024):
            digest.update(content)
            size += len(content)
    return Entry(name=name, size=size, sha256=digest.hexdigest())
