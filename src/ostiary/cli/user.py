"""`ostiary user`: people are invited, listed, shown, disabled, enabled, reset and imported."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ostiary.cli.django import setup
from ostiary.cli.moments import day_and_time
from ostiary.cli.operator import operator_actor
from ostiary.cli.output import (
    ExitCode,
    JsonOption,
    ReasonOption,
    YesOption,
    confirm,
    examples,
    print_done,
    print_json,
    print_note,
    print_table,
    print_text,
    progress,
)
from ostiary.errors import OstiaryError

if TYPE_CHECKING:
    from ostiary.identity.facade import Invitation, Person


class UnwritableFile(OstiaryError):
    """What was asked for cannot be written where it was asked for."""


app = typer.Typer(help="People: invite, list, show, disable, enable, reset, import, export.", no_args_is_help=True)

EmailArgument = Annotated[str, typer.Argument(metavar="EMAIL", help="Their e-mail address.")]


@app.command(epilog=examples("ostiary user invite ada@example.com", "ostiary user invite bo@example.com -g staff"))
def invite(
    email: EmailArgument,
    name: Annotated[str, typer.Option(help="What others read.")] = "",
    group: Annotated[
        list[str] | None, typer.Option("--group", "-g", help="A group to put them in; repeatable.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Create an account and send its owner a link to set up how they sign in."""
    setup()
    from ostiary.identity.facade import invite_person
    from ostiary.policy.identifiers import GroupId

    groups = tuple(GroupId(one) for one in group or ())
    show_invitation(email, invite_person(email=email, name=name, groups=groups, actor=operator_actor()), as_json)


@app.command("list", epilog=examples("ostiary user list", "ostiary user list --group administrators --json"))
def list_(
    text: Annotated[str, typer.Argument(metavar="[TEXT]", help="Part of a name or an address.")] = "",
    group: Annotated[str, typer.Option("--group", "-g", help="Only members of this group.")] = "",
    as_json: JsonOption = False,
) -> None:
    """List people by name."""
    setup()
    from ostiary.identity.facade import get_group, list_people
    from ostiary.policy.identifiers import GroupId

    wanted = get_group(GroupId(group)).id if group else None
    people = list_people(text=text, group=wanted, page_size=100_000).items
    if as_json:
        print_json(people)
        return
    print_table(
        ("E-mail", "Name", "State", "Groups", "Signs in with", "Last sign-in"),
        (
            (
                one.email,
                one.name,
                _state(one),
                ", ".join(one.groups),
                ", ".join(one.methods),
                day_and_time(one.last_sign_in_at),
            )
            for one in people
        ),
        empty="Nobody is here yet. Invite somebody: ostiary user invite name@example.com",
    )


@app.command(epilog=examples("ostiary user show ada@example.com", "ostiary user show ada@example.com --json"))
def show(email: EmailArgument, as_json: JsonOption = False) -> None:
    """Show one person and their sign-ins."""
    setup()
    from ostiary.identity.facade import find_person, list_sessions

    person = find_person(email)
    sessions = list_sessions(person_id=person.id, page_size=1000).items
    if as_json:
        print_json({"person": person, "sessions": sessions})
        return
    facts = (
        ("E-mail", f"{person.email}{'' if person.email_confirmed else ' (not confirmed)'}"),
        ("Name", person.name),
        ("Identifier", person.id),
        ("State", _state(person)),
        ("Groups", ", ".join(person.groups)),
        ("Signs in with", ", ".join(person.methods)),
        ("Created", day_and_time(person.created_at)),
        ("Last sign-in", day_and_time(person.last_sign_in_at)),
        ("Signed in now", f"{len(sessions)} browsers"),
    )
    print_text("\n".join(f"{label:<15}{value or '–'}" for label, value in facts))


@app.command(epilog=examples("ostiary user disable ada@example.com --reason left", "ostiary user disable a@b.com -y"))
def disable(email: EmailArgument, reason: ReasonOption = "", yes: YesOption = False) -> None:
    """Shut every door to somebody, now."""
    setup()
    from ostiary.identity.facade import disable_person, find_person, list_sessions

    person = find_person(email)
    browsers = list_sessions(person_id=person.id).total
    confirm(f"This signs {person.email} out of {browsers} browsers and every app, and lets them in nowhere.", yes=yes)
    disable_person(person_id=person.id, reason=reason, actor=operator_actor())
    print_done(f"{person.email} is disabled. Undo it with: ostiary user enable {person.email}")


@app.command(epilog=examples("ostiary user enable ada@example.com", "ostiary user enable a@b.com --reason 'is back'"))
def enable(email: EmailArgument, reason: ReasonOption = "") -> None:
    """Let somebody sign in again with what they had set up."""
    setup()
    from ostiary.identity.facade import enable_person, find_person

    person = find_person(email)
    enable_person(person_id=person.id, reason=reason, actor=operator_actor())
    print_done(f"{person.email} can sign in again.")


@app.command(
    epilog=examples("ostiary user reset ada@example.com --reason 'lost phone'", "ostiary user reset a@b.com -y")
)
def reset(email: EmailArgument, reason: ReasonOption = "", yes: YesOption = False, as_json: JsonOption = False) -> None:
    """Remove every means somebody has to sign in; print a link to hand over, with which they set up new ones within a day."""
    setup()
    from ostiary.identity.facade import find_person, reset_sign_in

    person = find_person(email)
    confirm(f"This signs {person.email} out and removes their password, passkeys, app and recovery codes.", yes=yes)
    show_invitation(person.email, reset_sign_in(person_id=person.id, reason=reason, actor=operator_actor()), as_json)


@app.command(
    "import",
    epilog=examples("ostiary user import people.csv --dry-run", "ostiary user import people.csv --update"),
)
def import_(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="CSV. Columns: email, and any that `ostiary user export` writes.")
    ],
    update: Annotated[
        bool, typer.Option("--update", help="Also change people who have an account, where the file says otherwise.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would happen and change nothing.")] = False,
    yes: YesOption = False,
    as_json: JsonOption = False,
) -> None:
    """Invite everybody in a CSV file who has no account yet; with --update, change the others as it says."""
    setup()
    from ostiary.identity.facade import import_people, read_people_file

    plan = read_people_file(file, update=update)
    if as_json and dry_run:
        print_json(plan)
        raise typer.Exit(ExitCode.FINDINGS if plan.problems else ExitCode.OK)
    for problem in plan.problems:
        print_note(f"Line {problem.line}: {problem.words}")
    for one in plan.change:
        for change in one.changes:
            print_note(f"{one.email}: {change.column}: {change.before or '–'} → {change.after or '–'}")
    counts = f"{len(plan.invite)} to invite, {len(plan.change)} to change"
    print_note(f"{counts}, {len(plan.known)} known already, {len(plan.problems)} problems.")
    if plan.problems or dry_run:
        raise typer.Exit(ExitCode.FINDINGS if plan.problems else ExitCode.OK)
    words = f"creates {len(plan.invite)} accounts and sends as many mails, and changes {len(plan.change)} people"
    confirm(f"This {words}.", yes=yes)
    with progress("Importing", total=len(plan.invite) + len(plan.change)) as step:
        done = import_people(plan=plan, actor=operator_actor(), step=step.advance)
    if as_json:
        print_json(done.invited)
    mailed = sum(one.mailed for one in done.invited)
    print_done(f"{len(done.invited)} people are invited, {mailed} of them by mail. {done.changed} are changed.")


@app.command("export", epilog=examples("ostiary user export people.csv", "ostiary user export - > people.csv"))
def export(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Where to write; - for the terminal.")],
    as_json: JsonOption = False,
) -> None:
    """Write everybody as CSV, with every column that `import` reads. Importing it again changes nothing."""
    setup()
    from ostiary.gateway.replaced_file import replace_file
    from ostiary.identity.facade import export_people, list_people

    table = export_people()
    if str(file) == "-":
        print_text(table.rstrip("\n"))
        return
    try:
        replace_file(file, table.encode())
    except OSError as error:
        raise UnwritableFile(f"{file} cannot be written ({error.strerror}).", hint="Name another file.") from None
    people = list_people(page_size=1).total
    if as_json:
        print_json({"file": str(file), "people": people})
    print_done(f"{people} people are in {file}. Change it and say: ostiary user import {file} --update --dry-run")


def _state(person: "Person") -> str:
    if not person.active:
        return "disabled"
    if person.invited:
        return "invited"
    return "guessed at" if person.locked else "active"


def show_invitation(email: str, invitation: "Invitation", as_json: bool) -> None:
    """Print the link of an invitation, with what to do with it."""
    if as_json:
        print_json(invitation)
        return
    print_text(invitation.link)
    until = day_and_time(invitation.expires_at)
    sent = "A mail is on its way too" if invitation.mailed else "It was not mailed: hand the link over yourself"
    print_done(f"{email} can open this link once, until {until}. {sent}.")
    if sys.stdout.isatty():
        print_note("Whoever opens the link acts as that person. It is shown only now.")
