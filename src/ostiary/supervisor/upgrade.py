"""Brings the database to the version of the code, after a backup of what was there. Needs Django."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from django.core.management import call_command
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.db.utils import OperationalError

from ostiary.config.places import Instance
from ostiary.errors import OstiaryError
from ostiary.supervisor.backup.writing import write_backup

BACKUPS_KEPT = 5


class DatabaseTooNew(OstiaryError):
    """A newer version of Ostiary has already changed the database."""


class DatabaseUnreachable(OstiaryError):
    """The database does not answer."""


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a database stands.

    Args:
        empty: whether it was never migrated.
        pending: changes this version knows and the database lacks, as `app.name`.
        unknown: changes the database has and this version does not know.
    """

    empty: bool
    pending: tuple[str, ...]
    unknown: tuple[str, ...]


def database_standing() -> Standing:
    """Compare the database with the code.

    Raises:
        DatabaseUnreachable: when it does not answer.
    """
    try:
        executor = MigrationExecutor(connection)
    except OperationalError as error:
        raise DatabaseUnreachable(
            f"The database does not answer: {str(error).splitlines()[0]}.", hint="Find out why: ostiary doctor"
        ) from None
    applied = executor.loader.applied_migrations
    known = executor.loader.graph.nodes
    pending = [f"{node[0]}.{node[1]}" for node in executor.loader.graph.nodes if node not in applied]
    ours = {app for app, _ in known}
    unknown = [
        f"{app}.{name}" for app, name in applied if app in ours and (app, name) not in executor.loader.disk_migrations
    ]
    return Standing(empty=not applied, pending=tuple(sorted(pending)), unknown=tuple(sorted(unknown)))


def upgrade_database(instance: Instance, say: Callable[[str], None]) -> Path | None:
    """Apply what is pending; return the backup that was made first, or `None` when nothing could be lost.

    Args:
        instance: whose database.
        say: is told each step.

    Raises:
        DatabaseTooNew: when the code is older than the database; nothing was changed.
        DatabaseUnreachable: when it does not answer.
    """
    standing = database_standing()
    if standing.unknown:
        raise DatabaseTooNew(
            f"A newer version of Ostiary has changed this database ({standing.unknown[-1]}).",
            hint="Install that version again, or restore the backup in state/backups that it made before the change.",
        )
    made = None
    if standing.pending and not standing.empty:
        say("backing up before the upgrade")
        made = back_up_before_upgrade(instance)
    if standing.pending:
        say(f"bringing the database up to date ({len(standing.pending)} changes)")
        call_command("migrate", interactive=False, verbosity=0)
    return made


def back_up_before_upgrade(instance: Instance) -> Path:
    """Write a backup without secrets, which stay where they are, into `state/backups`; return it."""
    folder = instance.state / "backups"
    folder.mkdir(mode=0o700, exist_ok=True)
    path = folder / f"before-upgrade-{datetime.now(UTC):%Y%m%dT%H%M%SZ}.ostiary"
    write_backup(instance, path, passphrase=None, with_secrets=False)
    for old in sorted(folder.glob("before-upgrade-*.ostiary"))[:-BACKUPS_KEPT]:
        old.unlink()
    return path
