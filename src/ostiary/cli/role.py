"""`ostiary role`: roles are listed, created, changed and deleted; people get them and give them back."""

from typing import Annotated

import typer

from ostiary.cli.django import setup
from ostiary.cli.moments import TermOption, day_and_time, until_when, until_words
from ostiary.cli.operator import operator_actor
from ostiary.cli.output import (
    JsonOption,
    ReasonOption,
    YesOption,
    confirm,
    examples,
    print_done,
    print_json,
    print_table,
)
from ostiary.identity.domain.people import RoleId
from ostiary.policy.identifiers import GroupId

app = typer.Typer(help="Roles: what a job needs, and who does it.", no_args_is_help=True)

RoleArgument = Annotated[str, typer.Argument(metavar="ROLE", help="The role's identifier.")]
EmailArgument = Annotated[str, typer.Argument(metavar="EMAIL", help="Whose e-mail address.")]
GroupsOption = Annotated[
    list[str] | None, typer.Option("--group", "-g", help="A group that it brings; repeatable, replaces those before.")
]


@app.command("list", epilog=examples("ostiary role list", "ostiary role list --json"))
def list_(as_json: JsonOption = False) -> None:
    """List every role."""
    setup()
    from ostiary.identity.facade import list_roles

    roles = list_roles()
    if as_json:
        print_json(roles)
        return
    print_table(
        ("Role", "Name", "Brings", "People", "Answers for it"),
        ((one.id, one.name, ", ".join(one.groups), one.people, one.owner or None) for one in roles),
        empty="There is no role. Create one: ostiary role create accountant --owner you@example.com -g finance",
        right=("People",),
    )


@app.command(
    epilog=examples(
        "ostiary role create accountant --owner ada@example.com -g finance -g staff",
        "ostiary role create driver --owner ada@example.com --name Drivers",
    )
)
def create(
    role: RoleArgument,
    owner: Annotated[str, typer.Option(help="The address of whoever answers for it.")],
    name: Annotated[str, typer.Option(help="What people read; the identifier when empty.")] = "",
    description: Annotated[str, typer.Option(help="What somebody who does this job does.")] = "",
    group: GroupsOption = None,
    reason: ReasonOption = "",
) -> None:
    """Create a role: a job and the groups that it needs."""
    setup()
    from ostiary.identity.facade import create_role

    create_role(
        id=role,
        owner=owner,
        name=name,
        description=description,
        groups=map(GroupId, group or ()),
        reason=reason,
        actor=operator_actor(),
    )
    print_done(f"{role} exists. Give it to somebody: ostiary role assign {role} name@example.com")


@app.command(
    epilog=examples(
        "ostiary role change accountant -g finance -g staff", "ostiary role change accountant --owner b@example.com"
    )
)
def change(
    role: RoleArgument,
    owner: Annotated[str | None, typer.Option(help="The address of whoever answers for it; empty for nobody.")] = None,
    name: Annotated[str | None, typer.Option(help="What people read.")] = None,
    description: Annotated[str | None, typer.Option(help="What somebody who does this job does.")] = None,
    group: GroupsOption = None,
    reason: ReasonOption = "",
    yes: YesOption = False,
) -> None:
    """Change a role; everybody who has it gets and loses groups at once."""
    setup()
    from ostiary.identity.facade import change_role, get_role

    found = get_role(RoleId(role))
    if group is not None and (lost := sorted(set(found.groups) - set(group))):
        confirm(f"{found.people} people lose {', '.join(lost)} where nothing else keeps them in.", yes=yes)
    change_role(
        role_id=found.id,
        owner=owner,
        name=name,
        description=description,
        groups=None if group is None else map(GroupId, group),
        reason=reason,
        actor=operator_actor(),
    )
    print_done(f"{role} is changed.")


@app.command(epilog=examples("ostiary role delete driver", "ostiary role delete driver --yes"))
def delete(role: RoleArgument, reason: ReasonOption = "", yes: YesOption = False) -> None:
    """Delete a role; whoever has it loses what it brought."""
    setup()
    from ostiary.identity.facade import delete_role, get_role

    found = get_role(RoleId(role))
    confirm(f"{found.people} people lose what {found.id} brings them: {', '.join(found.groups) or 'nothing'}.", yes=yes)
    delete_role(role_id=found.id, reason=reason, actor=operator_actor())
    print_done(f"{found.id} is deleted.")


@app.command(
    epilog=examples(
        "ostiary role assign accountant ada@example.com", "ostiary role assign accountant a@b.com --until 2026-12-31"
    )
)
def assign(role: RoleArgument, email: EmailArgument, reason: ReasonOption = "", until: TermOption = "") -> None:
    """Give somebody a role, or change until when they have it."""
    setup()
    from ostiary.identity.facade import assign_role, find_person, get_role

    found, person, end = get_role(RoleId(role)), find_person(email), until_when(until)
    assign_role(role_id=found.id, person_id=person.id, reason=reason, ends_at=end, actor=operator_actor())
    print_done(f"{person.email} has {found.id}{until_words(end)}: {', '.join(found.groups) or 'no groups'}.")


@app.command(epilog=examples("ostiary role withdraw driver ada@example.com", "ostiary role withdraw driver a@b.com -y"))
def withdraw(role: RoleArgument, email: EmailArgument, reason: ReasonOption = "", yes: YesOption = False) -> None:
    """Take a role back, with the groups that it brought."""
    setup()
    from ostiary.identity.facade import find_person, get_role, withdraw_role

    found, person = get_role(RoleId(role)), find_person(email)
    confirm(f"{person.email} loses what {found.id} brings: {', '.join(found.groups) or 'nothing'}.", yes=yes)
    withdraw_role(role_id=found.id, person_id=person.id, reason=reason, actor=operator_actor())
    print_done(f"{person.email} no longer has {found.id}.")


@app.command(epilog=examples("ostiary role people accountant", "ostiary role people accountant --json"))
def people(role: RoleArgument, as_json: JsonOption = False) -> None:
    """List who has a role, who gave it to them, why and until when."""
    setup()
    from ostiary.identity.facade import list_assignments

    found = list_assignments(RoleId(role))
    if as_json:
        print_json(found)
        return
    print_table(
        ("E-mail", "Name", "Since", "Until", "By", "Reason"),
        (
            (one.email, one.name, day_and_time(one.granted_at), day_and_time(one.ends_at), one.granted_by, one.reason)
            for one in found
        ),
        empty=f"Nobody has {role}. Give it to somebody: ostiary role assign {role} name@example.com",
    )
