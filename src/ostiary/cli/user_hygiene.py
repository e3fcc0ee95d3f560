"""`ostiary user check|hygiene|recovery`: how people sign in, who does not meet what is asked for, and lost second factors."""

import csv
import io
import time
from pathlib import Path
from typing import Annotated, Final

import typer

from ostiary.cli.django import setup
from ostiary.cli.moments import day_and_time
from ostiary.cli.operator import operator_actor
from ostiary.cli.output import (
    ExitCode,
    JsonOption,
    YesOption,
    confirm,
    examples,
    print_done,
    print_json,
    print_note,
    print_table,
    print_text,
)
from ostiary.cli.user import UnwritableFile, app
from ostiary.identity.domain.hygiene import Finding
from ostiary.spreadsheet import shown_cell

recovery = typer.Typer(help="Lost second factors: who asks, and the answer.", no_args_is_help=True)
app.add_typer(recovery, name="recovery")

RecoveryArgument = Annotated[
    str, typer.Argument(metavar="RECOVERY", help="Its identifier: see `ostiary user recovery list`.")
]
MadeSureOption = Annotated[str, typer.Option("--reason", help="How you made sure who it is, or why not. Recorded.")]

_FINDINGS: Final = {
    Finding.ADMINISTRATOR_WITHOUT_PASSKEY: "an administrator without a passkey",
    Finding.BREACHED_PASSWORD: "a password known from a breach",
    Finding.NO_SECOND_FACTOR: "no second factor",
    Finding.NO_PASSKEY: "no passkey, and a group needs one",
    Finding.TOO_FEW_FACTORS: "too few second factors",
    Finding.NO_RECOVERY_CODES: "no recovery codes left",
    Finding.DORMANT: "has not signed in for long",
    Finding.NEVER_JOINED: "never took up the invitation",
    Finding.NO_ACCESS: "is in no group and has no role",
    Finding.CONTRACTOR_WITHOUT_END: "a contractor without an end",
    Finding.ENDS_SOON: "the account ends soon",
    Finding.MANAGER_GONE: "reports to somebody who is gone",
    Finding.ROLE_WITHOUT_OWNER: "a role that nobody answers for",
    Finding.GROUP_OWNER_GONE: "a group whose owner is gone",
    Finding.ROLE_NOBODY_HAS: "a role that nobody has",
    Finding.SERVICE_OWNER_GONE: "a service whose owner is gone",
}


@app.command(epilog=examples("ostiary user check", "ostiary user check --json"))
def check(as_json: JsonOption = False) -> None:
    """Find sign-ins that are not as asked for, accounts nobody uses, and roles, groups and people that nobody answers for. Exit code 5 when there are any."""
    setup()
    from ostiary.identity.facade import check_directory

    found = check_directory(now=time.time())
    if as_json:
        print_json(found)
    else:
        print_table(
            ("What", "Who or which", "Since or until", "To be mended by", "Further"),
            (
                (
                    _FINDINGS[one.finding],
                    one.subject,
                    day_and_time(one.since),
                    day_and_time(one.due_at),
                    one.detail or None,
                )
                for one in found
            ),
            empty="Nothing to tidy up: everybody signs in as asked for, and somebody answers for everything.",
        )
    raise typer.Exit(ExitCode.FINDINGS if found else ExitCode.OK)


@app.command(
    epilog=examples("ostiary user hygiene", "ostiary user hygiene --csv sign-in.csv", "ostiary user hygiene --json")
)
def hygiene(
    file: Annotated[
        Path | None, typer.Option("--csv", metavar="FILE", help="Write everything as CSV; - for the terminal.")
    ] = None,
    unmet: Annotated[bool, typer.Option("--unmet", help="Only people who do not meet what is asked for.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Show how everybody signs in: factors, their ages, whether that is as asked for, who is exempt. It is recorded."""
    setup()
    from ostiary.gateway.replaced_file import replace_file
    from ostiary.identity.facade import hygiene_row, list_standings, record_hygiene_export

    found = [one for one in list_standings() if one.unmet or not unmet]
    record_hygiene_export(people=len(found), actor=operator_actor())
    rows = [hygiene_row(one) for one in found]
    if as_json:
        print_json(rows)
        return
    if file is None:
        print_table(
            ("Who", "Passkeys", "App", "Codes left", "Last sign-in", "As asked for", "Missing", "By"),
            (
                (
                    one.person.email,
                    sum(factor.kind == "webauthn" for factor in one.factors) or None,
                    "yes" if any(factor.kind == "totp" for factor in one.factors) else None,
                    row["recovery_codes_left"] or None,
                    day_and_time(one.person.last_sign_in_at),
                    row["policy"],
                    ", ".join(_FINDINGS[Finding(lack.value)] for lack in one.unmet)
                    or (one.exemption.reason if one.exemption else None),
                    day_and_time(one.due_at or None),
                )
                for one, row in zip(found, rows, strict=True)
            ),
            empty="Everybody signs in as asked for." if unmet else "There is nobody yet.",
        )
        return
    text = io.StringIO()
    writer = csv.DictWriter(text, tuple(rows[0]) if rows else ("email",), lineterminator="\n")
    writer.writeheader()
    writer.writerows({name: shown_cell(cell) for name, cell in row.items()} for row in rows)
    if str(file) == "-":
        print_text(text.getvalue().rstrip("\n"))
        return
    try:
        replace_file(file, text.getvalue().encode())
    except OSError as error:
        raise UnwritableFile(f"{file} cannot be written ({error.strerror}).", hint="Name another file.") from None
    print_done(f"How {len(rows)} people sign in is in {file}.")


@recovery.command("list", epilog=examples("ostiary user recovery list", "ostiary user recovery list ada --json"))
def list_(
    text: Annotated[str, typer.Argument(help="Words in the name or the address.")] = "",
    waiting: Annotated[bool, typer.Option("--waiting", help="Only those that wait for an answer.")] = False,
    page: Annotated[int, typer.Option(min=1, help="Which page.")] = 1,
    as_json: JsonOption = False,
) -> None:
    """List who asked somebody to confirm that it is them, the newest first."""
    setup()
    from ostiary.identity.facade import search_recoveries

    found = search_recoveries(text=text, waiting=waiting, page=page)
    if as_json:
        print_json(found.items)
        return
    print_table(
        ("Recovery", "Who", "State", "Asked", "From", "Password by mail", "Answered by"),
        (
            (
                one.id,
                one.email,
                one.state.value,
                day_and_time(one.asked_at),
                one.address or None,
                "yes" if one.password_by_mail else None,
                one.answered_by or None,
            )
            for one in found.items
        ),
        empty="Nobody lost a second factor. People ask at the second step of their sign-in.",
    )


@recovery.command(
    "confirm",
    epilog=examples(
        "ostiary user recovery confirm l_0123 --reason 'called her at her desk'",
        "ostiary user recovery confirm l_0123 --reason 'came by' --yes --json",
    ),
)
def confirm_(
    recovery_id: RecoveryArgument, reason: MadeSureOption, yes: YesOption = False, as_json: JsonOption = False
) -> None:
    """Confirm who somebody is; print the link to hand over, good once, for half an hour, with their password."""
    setup()
    from ostiary.identity.facade import confirm_recovery, get_recovery

    asked = get_recovery(recovery_id)
    confirm(f"This lets whoever has the link and the password of {asked.email} set up another second factor.", yes=yes)
    invitation = confirm_recovery(recovery_id=recovery_id, reason=reason, actor=operator_actor())
    if as_json:
        print_json(invitation)
        return
    print_text(invitation.link)
    print_done(f"{asked.email} opens this link and types their password, until {day_and_time(invitation.expires_at)}.")
    print_note("Hand it over yourself: it is not mailed, and is shown only now.")


@recovery.command(
    "refuse",
    epilog=examples(
        "ostiary user recovery refuse l_0123 --reason 'it was not her'",
        "ostiary user recovery refuse l_0123 --reason 'has a passkey on her laptop'",
    ),
)
def refuse(recovery_id: RecoveryArgument, reason: MadeSureOption) -> None:
    """Refuse it; nothing changes, and the person is told."""
    setup()
    from ostiary.identity.facade import get_recovery, refuse_recovery

    asked = get_recovery(recovery_id)
    refuse_recovery(recovery_id=recovery_id, reason=reason, actor=operator_actor())
    print_done(f"It is refused. {asked.email} is told by mail.")
