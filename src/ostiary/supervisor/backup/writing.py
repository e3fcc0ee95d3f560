"""Writes a backup of an instance that may be running. Needs Django.

Everything is first copied aside, the database before the audit log, so that the log knows of everything the database
holds; then packed with a list of checksums.
"""

import io
import os
import shutil
import sqlite3
import tarfile
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import msgspec

from ostiary.config.places import Instance
from ostiary.config.secrets import AUDIT_KEY, read_secret
from ostiary.errors import OstiaryError
from ostiary.supervisor.backup.container import ContainerWriter, Header, make_encryption
from ostiary.supervisor.backup.contents import (
    AUDIT,
    CERTIFICATES,
    CONFIGURATION,
    DATABASE_FILE,
    DATABASE_ROWS,
    MANIFEST,
    SECRETS,
    Entry,
    Manifest,
    entry_of,
    is_allowed,
)
from ostiary.supervisor.backup.record_check import damage_in
from ostiary.supervisor.backup.rows import applied_migrations, write_rows
from ostiary.visibility.adapters.checkpoints import write_public_key

ATTEMPTS = 5


class BackupFailed(OstiaryError):
    """No backup was written."""


@dataclass(frozen=True, slots=True)
class Written:
    """What was written.

    Args:
        path: the file.
        size_bytes: how large it is.
        files: how many files it holds.
        damage: what is wrong with the audit log that was copied; empty when nothing is.
    """

    path: Path
    size_bytes: int
    files: int
    damage: tuple[str, ...]


def write_backup(
    instance: Instance,
    path: Path,
    *,
    passphrase: str | None,
    with_secrets: bool,
    say: Callable[[str], None] = lambda _words: None,
) -> Written:
    """Write a backup to a new file.

    Args:
        instance: what to back up; it may be running.
        path: where to; must not exist.
        passphrase: encrypts the file; `None` only without secrets.
        with_secrets: whether keys and certificates go in.
        say: is told each step.

    Raises:
        BackupFailed: when it could not be written; nothing is left behind.
        WeakPassphrase: when the passphrase is too short.
    """
    if with_secrets and passphrase is None:
        raise BackupFailed(
            "A backup with secrets needs a passphrase.", hint="Or leave them out with --without-secrets."
        )
    encryption = make_encryption(passphrase) if passphrase is not None else None
    header = Header(
        version=version("ostiary"),
        created_at=time.time(),
        domain=instance.configuration.domain,
        encryption=encryption,
    )
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise BackupFailed(
            f"{path} cannot be written ({error.strerror}).", hint="Name a file that does not exist."
        ) from None
    try:
        with (
            os.fdopen(descriptor, "wb") as target,
            tempfile.TemporaryDirectory(prefix="backup-", dir=instance.state) as aside,
        ):
            stage = Path(aside)
            migrations = _stage(instance, stage, with_secrets=with_secrets, say=say)
            damage = damage_in(stage / AUDIT)
            say("packing")
            container = ContainerWriter(target, header, passphrase)
            entries = _pack(container, stage, Manifest(migrations=migrations, with_secrets=with_secrets, entries=()))
            container.close()
            target.flush()
            os.fsync(target.fileno())
    except OSError as error:
        path.unlink(missing_ok=True)
        raise BackupFailed(f"The backup could not be written ({error}).", hint="Is there space on the disk?") from None
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    return Written(path, path.stat().st_size, len(entries), damage)


def _stage(instance: Instance, stage: Path, *, with_secrets: bool, say: Callable[[str], None]) -> tuple[str, ...]:
    shutil.copyfile(instance.home / CONFIGURATION, stage / CONFIGURATION)
    say("copying the database")
    migrations = applied_migrations()
    if instance.configuration.database.url:
        with (stage / DATABASE_ROWS).open("w", encoding="utf-8") as target:
            write_rows(target)
    else:
        copy_sqlite(instance.database, stage / DATABASE_FILE)
    if with_secrets:
        for folder, name in ((instance.secrets, SECRETS), (instance.certificates, CERTIFICATES)):
            if folder.is_dir():
                shutil.copytree(folder, stage / name, ignore=shutil.ignore_patterns(".*"))
    say("copying the audit log")
    _stage_audit(instance, stage / AUDIT)
    return migrations


def copy_sqlite(source: Path, target: Path) -> None:
    """Copy a SQLite database that others may be writing to, as it is at one moment."""
    reading = sqlite3.connect(f"file:{source}?mode=ro", uri=True, timeout=20)
    writing = sqlite3.connect(target)
    try:
        reading.backup(writing, pages=4096, sleep=0.01)
        writing.execute("PRAGMA journal_mode=DELETE")
    finally:
        writing.close()
        reading.close()


def _stage_audit(instance: Instance, stage: Path) -> None:
    """Copy the log while it is written to; again when a segment was closed or removed meanwhile."""
    for attempt in range(ATTEMPTS):
        shutil.rmtree(stage, ignore_errors=True)
        try:
            stage.mkdir()
            _copy_audit(instance.audit, stage)
            write_public_key(stage, read_secret(instance.secrets, AUDIT_KEY).reveal())
        except FileNotFoundError:
            continue
        if not damage_in(stage) or attempt == ATTEMPTS - 2:
            return


def _copy_audit(audit: Path, stage: Path) -> None:
    for statements in (True, False):
        for path in sorted([*audit.rglob("*.jsonl"), *audit.glob("*.pem")]):
            if path.is_file() and path.name.endswith(".signed.jsonl") is statements:
                target = stage / path.relative_to(audit)
                target.parent.mkdir(parents=True, exist_ok=True)
                _copy_whole_lines(path, target)


def _copy_whole_lines(path: Path, target: Path) -> None:
    shutil.copyfile(path, target)
    if path.suffix == ".jsonl":
        with target.open("r+b") as file:
            file.truncate(_end_of_last_line(file.fileno()))


def _end_of_last_line(descriptor: int) -> int:
    end = os.fstat(descriptor).st_size
    while end:
        begin = max(0, end - 65536)
        found = os.pread(descriptor, end - begin, begin).rfind(b"\n")
        if found >= 0:
            return begin + found + 1
        end = begin
    return 0


def _pack(container: ContainerWriter, stage: Path, manifest: Manifest) -> tuple[Entry, ...]:
    entries = []
    with tarfile.open(fileobj=container, mode="w|gz", format=tarfile.PAX_FORMAT) as archive:  # type: ignore[call-overload]
        for path, name in _members(stage):
            entry = entry_of(path, name)
            info = tarfile.TarInfo(name)
            info.size, info.mode, info.mtime = entry.size, 0o600, int(path.stat().st_mtime)
            with path.open("rb") as file:
                archive.addfile(info, file)
            entries.append(entry)
        content = msgspec.json.encode(msgspec.structs.replace(manifest, entries=tuple(entries)))
        info = tarfile.TarInfo(MANIFEST)
        info.size, info.mode = len(content), 0o600
        archive.addfile(info, io.BytesIO(content))
    return tuple(entries)


def _members(stage: Path) -> Iterator[tuple[Path, str]]:
    for path in sorted(stage.rglob("*")):
        name = path.relative_to(stage).as_posix()
        if path.is_file():
            if not is_allowed(name):
                raise BackupFailed(f"{name} has a name that a backup cannot hold.", hint="Move it out of the instance.")
            yield path, name
