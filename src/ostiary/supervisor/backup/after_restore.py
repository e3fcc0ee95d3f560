"""What a restore does once the files are in place: fills the database, signs everybody out, notes it in the record.

Run as `python -m ostiary.supervisor.backup.after_restore` with the restored instance in `OSTIARY_HOME`.
"""

import os
import sys
from pathlib import Path

from ostiary.config.loader import find_home, load_instance
from ostiary.config.places import Instance
from ostiary.config.secrets import AUDIT_KEY, create_missing_secrets, read_secret
from ostiary.errors import OstiaryError
from ostiary.supervisor.backup.contents import DATABASE_FILE, DATABASE_ROWS
from ostiary.supervisor.backup.restoring import ARCHIVED_DATABASE, NEW_RECORD
from ostiary.visibility.adapters.checkpoints import write_public_key


def fill_database(instance: Instance, archived: str) -> None:
    """Fill the database from `state/<archived>` and remove that file; then bring it up to date. Django is set up."""
    from django.core.management import call_command  # noqa: PLC0415
    from django.db import connections  # noqa: PLC0415

    from ostiary.config.database import database_settings  # noqa: PLC0415
    from ostiary.supervisor.backup.rows import applied_migrations, check_known, read_rows, write_rows  # noqa: PLC0415

    source = instance.state / archived
    if archived == DATABASE_FILE:
        rows = instance.state / DATABASE_ROWS
        settings = connections["default"].settings_dict | database_settings("", source)
        connections.databases["archived"] = settings
        with rows.open("w", encoding="utf-8") as target:
            write_rows(target, database="archived")
        connections["archived"].close()
        source.unlink()
        source = rows
    if archived:
        with source.open(encoding="utf-8") as lines:
            read_rows(lines)
        source.unlink()
    check_known(applied_migrations())
    call_command("migrate", interactive=False, verbosity=0)


def forget_index() -> None:
    """Empty the index of a record that was put aside; the new one is indexed from its first line."""
    from django.apps import apps  # noqa: PLC0415

    for model in apps.get_app_config("visibility").get_models(include_auto_created=True):
        model._base_manager.all().delete()


def sign_everybody_out(actor_name: str) -> int:
    """End every sign-in, take back every program's token, switch services off and put devices in quarantine: what was ended after the backup must
    not come back with it. Return how many sign-ins there were.
    """
    from ostiary.authzen.facade import revoke_all_clients  # noqa: PLC0415
    from ostiary.devices.facade import quarantine_after_restore  # noqa: PLC0415
    from ostiary.identity.facade import revoke_all_sessions  # noqa: PLC0415
    from ostiary.osquery.facade import revoke_all_secrets  # noqa: PLC0415
    from ostiary.scim.facade import revoke_all_clients as revoke_all_directories  # noqa: PLC0415
    from ostiary.signals.facade import revoke_all_receivers  # noqa: PLC0415 - as above
    from ostiary.visibility.facade import Actor, record_entity_change  # noqa: PLC0415
    from ostiary.workloads.facade import close_after_restore  # noqa: PLC0415

    actor = Actor(kind="machine", id=f"os:{actor_name}", label=f"{actor_name}, restoring a backup")
    record_entity_change("backup", "restore", "create", actor=actor)
    revoke_all_clients(reason="a backup was restored", actor=actor)
    revoke_all_directories(reason="a backup was restored", actor=actor)
    revoke_all_secrets(reason="a backup was restored", actor=actor)
    quarantine_after_restore(reason="a backup was restored", actor=actor)
    close_after_restore(reason="a backup was restored", actor=actor)
    revoke_all_receivers(reason="a backup was restored", actor=actor)
    return revoke_all_sessions(reason="a backup was restored", actor=actor)


def main() -> int:
    """Finish the restore; return the exit status."""
    os.umask(0o077)
    os.environ["DJANGO_SETTINGS_MODULE"] = "ostiary.config.django"
    try:
        instance = load_instance(Path(find_home()))
        create_missing_secrets(instance.secrets)
        import django  # noqa: PLC0415 - the instance is checked first

        django.setup()
        fill_database(instance, os.environ.get(ARCHIVED_DATABASE, ""))
        if os.environ.get(NEW_RECORD):
            forget_index()
            write_public_key(instance.audit, read_secret(instance.secrets, AUDIT_KEY).reveal())
        sign_everybody_out(os.environ.get("SUDO_USER") or f"uid-{os.getuid()}")
    except OstiaryError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
