"""`ostiary user join|move|leave|change|access`: people come, change jobs and go, and what they hold is looked at."""

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from ostiary.cli.django import setup
from ostiary.cli.moments import TermOption, day_and_time, until_when
from ostiary.cli.operator import operator_actor
from ostiary.cli.output import (
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
)
from ostiary.cli.user import EmailArgument, app, show_invitation
from ostiary.identity.domain.life_cycle import Item, Step
from ostiary.identity.domain.people import PersonKind, RoleId
from ostiary.policy.identifiers import GroupId

if TYPE_CHECKING:
    from ostiary.identity.facade import Profile

RolesOption = Annotated[list[str] | None, typer.Option("--role", "-r", help="A role; repeatable.")]
TitleOption = Annotated[str | None, typer.Option(help="Their job title.")]
DepartmentOption = Annotated[str | None, typer.Option(help="Their department.")]
NumberOption = Annotated[str | None, typer.Option("--number", help="Their employee number.")]
ManagerOption = Annotated[str | None, typer.Option(help="The address of whoever they report to; empty for nobody.")]
KindOption = Annotated[PersonKind | None, typer.Option(help="In what relation they stand to the organisation.")]
DryRunOption = Annotated[bool, typer.Option("--dry-run", help="Say what would change and change nothing.")]

_WORDS = {
    Step.INVITE: "an account and an invitation for {0}",
    Step.ASSIGN_ROLE: "gets the role {0}",
    Step.WITHDRAW_ROLE: "loses the role {0}",
    Step.JOIN_GROUP: "is put into {0}",
    Step.LEAVE_GROUP: "is taken out of {0}",
    Step.KEEP_GROUP: "stays in {0}, where somebody put them by hand (take it away with --drop {0})",
    Step.END_SESSIONS: "is signed out of {0} browsers",
    Step.DISABLE: "every door shuts for {0}",
    Step.HAND_OVER_GROUP: "{1} answers for the group {0}",
    Step.HAND_OVER_ROLE: "{1} answers for the role {0}",
    Step.HAND_OVER_REPORT: "{0} reports to {1}",
    Step.HAND_OVER_SERVICE: "{1} answers for the service {0}",
    Step.DISABLE_SERVICE: "the service {0} is switched off: nobody answers for it",
    Step.RETIRE_DEVICE: "the device {0} is retired: whoever uses it next enrols it anew",
}


@app.command(
    epilog=examples(
        "ostiary user join ada@example.com --name 'Ada Berg' -r accountant --manager bo@example.com",
        "ostiary user join max@partner.example --kind contractor --until 2027-03-31 -g project-x",
    )
)
def join(
    email: EmailArgument,
    name: Annotated[str, typer.Option(help="What others read.")] = "",
    role: RolesOption = None,
    group: Annotated[list[str] | None, typer.Option("--group", "-g", help="A further group; repeatable.")] = None,
    kind: KindOption = None,
    title: TitleOption = None,
    department: DepartmentOption = None,
    number: NumberOption = None,
    manager: ManagerOption = None,
    until: TermOption = "",
    reason: ReasonOption = "",
    as_json: JsonOption = False,
) -> None:
    """Take somebody on: an account, an invitation, roles and groups."""
    setup()
    from ostiary.identity.facade import join

    joined = join(
        email=email,
        name=name,
        roles=map(RoleId, role or ()),
        groups=map(GroupId, group or ()),
        profile=_profile(kind, title, department, number, manager, until),
        reason=reason,
        actor=operator_actor(),
    )
    if as_json:
        print_json(joined)
        return
    _print_checklist(joined.checklist)
    show_invitation(email, joined.invitation, as_json=False)


@app.command(
    epilog=examples(
        "ostiary user move ada@example.com -r team-lead --reason 'new job'",
        "ostiary user move ada@example.com -r driver --drop finance --dry-run",
    )
)
def move(
    email: EmailArgument,
    role: RolesOption = None,
    drop: Annotated[
        list[str] | None, typer.Option("--drop", help="A group that somebody put them into by hand; repeatable.")
    ] = None,
    title: TitleOption = None,
    department: DepartmentOption = None,
    manager: ManagerOption = None,
    reason: ReasonOption = "",
    dry_run: DryRunOption = False,
    yes: YesOption = False,
    as_json: JsonOption = False,
) -> None:
    """Give somebody another job: these roles, and no others, from now on."""
    setup()
    from ostiary.identity.facade import find_person, move, preview_move

    person, roles = find_person(email), tuple(map(RoleId, role or ()))
    leaving = tuple(map(GroupId, drop or ()))
    items = preview_move(person_id=person.id, roles=roles, drop=leaving)
    if not dry_run:
        if not as_json:
            _print_checklist(items)
        confirm(f"This changes what {person.email} may open, from the next request on.", yes=yes)
        profile = _profile(None, title, department, None, manager, "")
        items = move(
            person_id=person.id, roles=roles, drop=leaving, profile=profile, reason=reason, actor=operator_actor()
        )
    _report(items, as_json=as_json, done="" if dry_run else f"{person.email} has moved.", shown=not dry_run)


@app.command(
    epilog=examples(
        "ostiary user leave ada@example.com --successor bo@example.com --reason 'last day'",
        "ostiary user leave ada@example.com --dry-run",
    )
)
def leave(
    email: EmailArgument,
    successor: Annotated[str, typer.Option(help="The address of whoever answers for what was theirs.")] = "",
    reason: ReasonOption = "",
    dry_run: DryRunOption = False,
    yes: YesOption = False,
    as_json: JsonOption = False,
) -> None:
    """Let somebody go: every door shuts, and what they held is taken back or handed over."""
    setup()
    from ostiary.identity.facade import find_person, leave, preview_leave

    person = find_person(email)
    items = preview_leave(person_id=person.id, successor=successor)
    if not dry_run:
        if not as_json:
            _print_checklist(items)
        confirm(f"This shuts every door to {person.email}, now.", yes=yes)
        items = leave(person_id=person.id, successor=successor, reason=reason, actor=operator_actor())
    _report(items, as_json=as_json, done="" if dry_run else f"{person.email} has left.", shown=not dry_run)


@app.command(
    epilog=examples(
        "ostiary user change max@partner.example --until 2027-06-30", "ostiary user change a@b.com --manager bo@b.com"
    )
)
def change(
    email: EmailArgument,
    kind: KindOption = None,
    title: TitleOption = None,
    department: DepartmentOption = None,
    number: NumberOption = None,
    manager: ManagerOption = None,
    until: TermOption = "",
    no_end: Annotated[bool, typer.Option("--no-end", help="The account no longer ends by itself.")] = False,
    reason: ReasonOption = "",
) -> None:
    """Change what is known of somebody's job, and when their account ends."""
    setup()
    from ostiary.identity.facade import change_profile, find_person

    person = find_person(email)
    profile = _profile(kind, title, department, number, manager, until, no_end=no_end)
    change_profile(person_id=person.id, profile=profile, reason=reason, actor=operator_actor())
    print_done(f"{person.email} is changed.")


@app.command(epilog=examples("ostiary user access ada@example.com", "ostiary user access ada@example.com --json"))
def access(email: EmailArgument, as_json: JsonOption = False) -> None:
    """List what somebody holds: who granted it, why, by which way and until when."""
    setup()
    from ostiary.identity.facade import access_of, find_person

    person = find_person(email)
    held = access_of(person.id)
    if as_json:
        print_json(held)
        return
    print_table(
        ("Group", "Way", "Since", "Until", "By", "Reason"),
        (
            (
                one.group,
                one.via or "by hand",
                day_and_time(one.granted_at),
                day_and_time(one.ends_at),
                one.granted_by,
                one.reason,
            )
            for one in held
        ),
        empty=f"{person.email} is in no group. Put them into one: ostiary group add GROUP {person.email}",
    )


def _profile(
    kind: PersonKind | None,
    title: str | None,
    department: str | None,
    number: str | None,
    manager: str | None,
    until: str,
    *,
    no_end: bool = False,
) -> "Profile":
    from ostiary.identity.facade import Profile

    return Profile(
        kind=kind,
        title=title,
        department=department,
        employee_number=number,
        manager=manager,
        ends_at=0.0 if no_end else until_when(until),
    )


def _report(items: tuple[Item, ...], *, as_json: bool, done: str, shown: bool) -> None:
    if as_json:
        print_json(items)
    elif not shown:
        _print_checklist(items)
    if done and not as_json:
        print_done(done)
    elif not done and not as_json and sys.stdout.isatty():
        print_note("Nothing was changed.")


def _print_checklist(items: tuple[Item, ...]) -> None:
    for item in items:
        print_text(f"  · {_WORDS[item.step].format(item.subject, item.to or 'nobody')}")
