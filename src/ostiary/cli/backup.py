"""`ostiary backup` and `ostiary restore`: an instance in one file, and back."""

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from ostiary.cli.output import JsonOption, examples, print_done, print_json, print_note, progress
from ostiary.config.loader import find_home
from ostiary.errors import OstiaryError

PASSPHRASE_VARIABLE = "OSTIARY_BACKUP_PASSPHRASE"  # noqa: S105 - the name of a variable
app = typer.Typer()
PassphraseFile = Annotated[
    Path | None,
    typer.Option(
        help=f"A file that holds the passphrase alone. {PASSPHRASE_VARIABLE} does as well; else it is asked.",
        show_default=False,
    ),
]


class NoPassphrase(OstiaryError):
    """A passphrase is needed, and nobody is there to type it."""


@app.command(
    epilog=examples(
        "ostiary backup /backup/ostiary-monday.ostiary",
        "ostiary backup --passphrase-file /root/backup.pass /backup/today.ostiary",
        "ostiary backup --without-secrets handover.ostiary",
    )
)
def backup(
    file: Annotated[Path, typer.Argument(help="The file to write; must not exist.")],
    passphrase_file: PassphraseFile = None,
    without_secrets: Annotated[
        bool,
        typer.Option("--without-secrets", help="Leave keys and certificates out; not encrypted without a passphrase."),
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Back up the instance, running or not: settings, database, audit log, and, encrypted, its secrets."""
    from ostiary.cli.django import setup

    target = file.absolute()
    passphrase = _passphrase(passphrase_file, ask=not without_secrets, twice=True)
    instance = setup()
    from ostiary.supervisor.backup.writing import write_backup

    with progress("backing up") as line:
        written = write_backup(instance, target, passphrase=passphrase, with_secrets=not without_secrets, say=line.say)
    for damage in written.damage:
        print_note(f"! The audit log is damaged: {damage}")
    if as_json:
        print_json(written)
    else:
        print_done(f"{written.path}: {written.files} files, {written.size_bytes:,} bytes")
        if without_secrets and passphrase is None:
            print_note("It is not encrypted, and holds what people's passwords can be guessed from. Keep it safe.")


@app.command(
    epilog=examples(
        "ostiary --home /var/lib/ostiary restore /backup/ostiary-monday.ostiary",
        "OSTIARY_DATABASE_URL=postgresql://ostiary@db/ostiary ostiary restore --home /srv/ostiary today.ostiary",
    )
)
def restore(
    file: Annotated[Path, typer.Argument(help="The backup.")],
    home: Annotated[
        Path | None, typer.Option(help="Where to; the same as `ostiary --home`.", show_default=False)
    ] = None,
    passphrase_file: PassphraseFile = None,
    accept_damaged_record: Annotated[
        bool, typer.Option("--accept-damaged-record", help="Go on although its audit log does not verify.")
    ] = False,
    secrets_from: Annotated[
        Path | None,
        typer.Option(
            help="Take keys and certificates from this instance where the backup holds none.", show_default=False
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Restore a backup into an empty folder and an empty database. Everything is checked before anything is touched.

    Everybody is signed out by it.
    """
    from ostiary.supervisor.backup.restoring import is_encrypted, restore_backup

    os.umask(0o077)
    place = (home or find_home()).absolute()
    encrypted = is_encrypted(file)
    passphrase = _passphrase(passphrase_file, ask=encrypted, twice=False) if encrypted or passphrase_file else None
    with progress("restoring") as line:
        restored = restore_backup(
            file,
            place,
            passphrase=passphrase,
            accept_damaged_record=accept_damaged_record,
            secrets_from=secrets_from,
            say=line.say,
        )
    for damage in restored.damage:
        print_note(f"! The audit log was damaged before the backup: {damage}")
    if not restored.with_secrets and secrets_from is None:
        print_note(
            "! The backup held no secrets: new ones were made. The earlier record is in state/audit-before-restore, "
            "and a new one begins."
        )
    if as_json:
        print_json({"home": place, "files": restored.files, "with_secrets": restored.with_secrets})
    else:
        print_done(f"{place} holds {restored.header.domain} again ({restored.files} files)")
        print_note(f"Next: ostiary --home {place} doctor, then ostiary --home {place} up")


def _passphrase(file: Path | None, *, ask: bool, twice: bool) -> str | None:
    if file is not None:
        try:
            return file.read_text(encoding="utf-8").strip("\r\n")
        except (OSError, UnicodeDecodeError) as error:
            raise NoPassphrase(f"{file} cannot be read: {error}.") from None
    if given := os.environ.get(PASSPHRASE_VARIABLE):
        return given
    if not ask:
        return None
    if not sys.stdin.isatty():
        raise NoPassphrase(
            "The backup's passphrase is needed, and nobody is there to type it.",
            hint=f"Say --passphrase-file FILE or set {PASSPHRASE_VARIABLE}.",
        )
    answer: str = typer.prompt("Passphrase of the backup", hide_input=True, confirmation_prompt=twice, err=True)
    return answer
