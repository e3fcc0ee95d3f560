"""Restores a backup into an empty place: reads and checks everything aside first, touches the place last."""

import os
import shutil
import sqlite3
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import msgspec

from ostiary.config.loader import FILE_NAME, load_instance
from ostiary.config.places import Instance
from ostiary.config.secrets import AUDIT_KEY
from ostiary.errors import OstiaryError
from ostiary.supervisor.backup.container import ContainerReader, Header, UnusableBackup, read_header
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

MAX_MANIFEST_BYTES = 64 * 1024 * 1024
EARLIER_RECORD = "audit-before-restore"
ARCHIVED_DATABASE = "OSTIARY_ARCHIVED_DATABASE"
NEW_RECORD = "OSTIARY_NEW_RECORD"


class TargetNotEmpty(OstiaryError):
    """Something is in the place already; a restore never overwrites."""


class RestoreFailed(OstiaryError):
    """The files are in place, but the database could not be filled."""


@dataclass(frozen=True, slots=True)
class Restored:
    """What was restored.

    Args:
        header: what the backup says about itself.
        files: how many files it held.
        with_secrets: whether keys and certificates were among them.
        damage: what is wrong with its audit log; empty when nothing is.
    """

    header: Header
    files: int
    with_secrets: bool
    damage: tuple[str, ...]


def restore_backup(
    path: Path,
    home: Path,
    *,
    passphrase: str | None,
    accept_damaged_record: bool = False,
    secrets_from: Path | None = None,
    say: Callable[[str], None] = lambda _words: None,
) -> Restored:
    """Restore a backup into a folder that is empty or absent; everybody is signed out by it.

    Args:
        path: the backup.
        home: the instance's folder.
        passphrase: opens an encrypted backup.
        accept_damaged_record: go on although the audit log in it does not verify.
        secrets_from: an instance whose secrets and certificates to use where the backup holds none.
        say: is told each step.

    Raises:
        TargetNotEmpty: when the folder, or the database that the configuration names, holds anything.
        UnusableBackup: when anything about the backup is not as it was written.
        RestoreFailed: when the database could not be filled.
    """
    if home.exists() and (not home.is_dir() or any(home.iterdir())):
        raise TargetNotEmpty(
            f"{home} is not empty.", hint="Restore into an empty folder; move what is there away first."
        )
    home.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".restore-", dir=home.parent) as aside:
        stage = Path(aside) / "instance"
        stage.mkdir(mode=0o700)
        say("reading and checking the backup")
        header, manifest = unpack(path, stage, passphrase)
        damage = _checked_record(stage, accept_damaged_record=accept_damaged_record)
        instance = load_instance(stage)
        _check_database(stage, instance)
        _bring_secrets(stage, manifest, secrets_from)
        new_record = not (stage / SECRETS / AUDIT_KEY).exists()
        say("putting the files into place")
        archived = _arrange(stage, instance, put_record_aside=new_record)
        if home.exists():
            home.rmdir()
        stage.rename(home)
    say("filling the database")
    _fill_database(home, archived, new_record=new_record)
    return Restored(header, len(manifest.entries), manifest.with_secrets, damage)


def unpack(path: Path, stage: Path, passphrase: str | None) -> tuple[Header, Manifest]:
    """Write every file of a backup into `stage` and check it against the list.

    Raises:
        UnusableBackup: when the file is damaged, cut off, encrypted for another passphrase, or holds what no backup holds.
    """
    try:
        with path.open("rb") as source:
            container = ContainerReader(source, passphrase)
            manifest = _extract(container, stage)
            container.finish()
    except OSError as error:
        raise UnusableBackup(f"{path} cannot be read ({error.strerror or error}).") from None
    except (tarfile.TarError, EOFError) as error:
        raise UnusableBackup(f"The backup is damaged: {error}.", hint="Use another copy of it.") from None
    found = {entry.name: entry for entry in _entries(stage)}
    expected = {entry.name: entry for entry in manifest.entries}
    for name in sorted(found.keys() | expected.keys()):
        if found.get(name) != expected.get(name):
            raise UnusableBackup(f"{name} is not what was backed up.", hint="Use another copy of the backup.")
    return container.header, manifest


def _extract(container: ContainerReader, stage: Path) -> Manifest:
    manifest: Manifest | None = None
    with tarfile.open(fileobj=container, mode="r|gz") as archive:  # type: ignore[call-overload]
        for member in archive:
            source = archive.extractfile(member) if member.isreg() else None
            if source is None or manifest is not None or not (member.name == MANIFEST or is_allowed(member.name)):
                raise UnusableBackup(f"The backup holds {member.name!r:.80}, which no backup holds.")
            if member.name == MANIFEST:
                manifest = _decode_manifest(source.read(MAX_MANIFEST_BYTES))
                continue
            target = stage / member.name
            target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                shutil.copyfileobj(source, file, 1024 * 1024)
    if manifest is None:
        raise UnusableBackup("The backup ends without its list of files.", hint="Use another copy of it.")
    return manifest


def _decode_manifest(content: bytes) -> Manifest:
    try:
        return msgspec.json.decode(content, type=Manifest)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise UnusableBackup(
            "The list of files in the backup cannot be read.", hint="Use another copy of it."
        ) from None


def _entries(stage: Path) -> list[Entry]:
    return [entry_of(path, path.relative_to(stage).as_posix()) for path in sorted(stage.rglob("*")) if path.is_file()]


def _checked_record(stage: Path, *, accept_damaged_record: bool) -> tuple[str, ...]:
    damage = damage_in(stage / AUDIT)
    if damage and not accept_damaged_record:
        more = f" and {len(damage) - 1} more" if len(damage) > 1 else ""
        raise UnusableBackup(
            f"The audit log in the backup does not verify: {damage[0]}{more}",
            hint="It was damaged before the backup was made. Go on all the same with --accept-damaged-record.",
        )
    return damage


def _check_database(stage: Path, instance: Instance) -> None:
    if (stage / CONFIGURATION).name != FILE_NAME or not (
        (stage / DATABASE_FILE).exists() or (stage / DATABASE_ROWS).exists()
    ):
        raise UnusableBackup("The backup holds no database.")
    if (stage / DATABASE_FILE).exists():
        _check_sqlite(stage / DATABASE_FILE)
    if instance.configuration.database.url:
        _check_empty_postgresql(instance.configuration.database.url)


def _check_sqlite(path: Path) -> None:
    try:
        connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
        try:
            answer = connection.execute("PRAGMA integrity_check").fetchone()
        finally:
            connection.close()
    except sqlite3.DatabaseError as error:
        raise UnusableBackup(f"The database in the backup cannot be read: {error}.") from None
    if answer != ("ok",):
        raise UnusableBackup(f"The database in the backup is damaged: {answer[0]}.")


def _check_empty_postgresql(url: str) -> None:
    import psycopg  # noqa: PLC0415 - only where the instance uses it

    try:
        with psycopg.connect(url, connect_timeout=10) as connection:
            found = connection.execute(
                "SELECT count(*) FROM information_schema.tables WHERE table_schema = current_schema()"
            ).fetchone()
    except psycopg.Error as error:
        raise RestoreFailed(
            f"The database that the backup's configuration names does not answer: {str(error).strip()}",
            hint="Make an empty one and name it: OSTIARY_DATABASE_URL=postgresql://… ostiary restore …",
        ) from None
    if found and found[0]:
        raise TargetNotEmpty(
            "The database that the backup's configuration names is not empty.",
            hint="Make an empty one and name it: OSTIARY_DATABASE_URL=postgresql://… ostiary restore …",
        )


def _bring_secrets(stage: Path, manifest: Manifest, secrets_from: Path | None) -> None:
    if secrets_from is None:
        return
    if manifest.with_secrets:
        raise UnusableBackup("The backup holds secrets of its own.", hint="Leave --secrets-from out.")
    try:
        shutil.copytree(secrets_from / SECRETS, stage / SECRETS)
        if (certificates := secrets_from / "state" / CERTIFICATES).is_dir():
            shutil.copytree(certificates, stage / CERTIFICATES)
    except (OSError, shutil.Error) as error:
        raise UnusableBackup(f"The secrets in {secrets_from} cannot be read: {error}.") from None


def _arrange(stage: Path, instance: Instance, *, put_record_aside: bool) -> str:
    """Move files to where an instance keeps them; return which file the database must be filled from, if any.

    Without the key that signed the record nobody can continue it: it is kept aside, with its public key, and another begins.
    """
    state = stage / "state"
    state.mkdir(mode=0o700)
    if put_record_aside and (stage / AUDIT).is_dir():
        (stage / AUDIT).rename(state / EARLIER_RECORD)
    for name in (CERTIFICATES, AUDIT):
        if (stage / name).is_dir():
            (stage / name).rename(state / name)
    for name in (SECRETS, "run", "log"):
        (stage / name).mkdir(mode=0o700, exist_ok=True)
    if (stage / DATABASE_FILE).exists() and not instance.configuration.database.url:
        (stage / DATABASE_FILE).rename(state / "ostiary.sqlite3")
        return ""
    for name in (DATABASE_FILE, DATABASE_ROWS):
        if (stage / name).exists():
            (stage / name).rename(state / name)
            return name
    return ""


def _fill_database(home: Path, archived: str, *, new_record: bool) -> None:
    """Do what needs Django in a process of its own: this one may have another instance's settings."""
    environment = {**os.environ, "OSTIARY_HOME": str(home), ARCHIVED_DATABASE: archived, NEW_RECORD: "1" * new_record}
    environment.pop("DJANGO_SETTINGS_MODULE", None)
    command = [sys.executable, "-m", "ostiary.supervisor.backup.after_restore"]
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if ended.returncode != 0:
        lines = [line for line in ended.stderr.splitlines() if line.strip()]
        raise RestoreFailed(
            f"The files are in {home}, but the database could not be filled: {lines[-1] if lines else 'no words'}",
            hint="Empty the folder and the database, and restore again.",
        )


def is_encrypted(path: Path) -> bool:
    """Return whether a backup needs a passphrase.

    Raises:
        UnusableBackup: when it is no backup.
    """
    try:
        with path.open("rb") as source:
            return read_header(source).encryption is not None
    except OSError as error:
        raise UnusableBackup(f"{path} cannot be read ({error.strerror or error}).") from None
