"""`ostiary group`: groups are listed, created and deleted; people are put into them and taken out."""

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
from ostiary.policy.identifiers import GroupId

app = typer.Typer(help="Groups and who belongs to them.", no_args_is_help=True)

GroupArgument = Annotated[str, typer.Argument(metavar="GROUP", help="The group's identifier, as rules name it.")]
EmailArgument = Annotated[str, typer.Argument(metavar="EMAIL", help="Whose e-mail address.")]


@app.command("list", epilog=examples("ostiary group list", "ostiary group list --json"))
def list_(as_json: JsonOption = False) -> None:
    """List every group."""
    setup()
    from ostiary.identity.facade import list_groups

    groups = list_groups()
    if as_json:
        print_json(groups)
        return
    print_table(
        ("Group", "Name", "Members", "Answers for it", "Description"),
        (
            (
                f"{one.id}{' (builtin)' if one.builtin else ''}",
                one.name,
                one.members,
                one.owner or None,
                one.description,
            )
            for one in groups
        ),
        empty="There is no group. Create one: ostiary group create staff",
        right=("Members",),
    )


@app.command(epilog=examples("ostiary group create staff", "ostiary group create finance --name 'Finance team'"))
def create(
    group: GroupArgument,
    name: Annotated[str, typer.Option(help="What people read; the identifier when empty.")] = "",
    description: Annotated[str, typer.Option(help="Who belongs here.")] = "",
) -> None:
    """Create an empty group."""
    setup()
    from ostiary.identity.facade import create_group

    create_group(id=group, name=name, description=description, actor=operator_actor())
    print_done(f"{group} exists. Put somebody in: ostiary group add {group} name@example.com")


@app.command(epilog=examples("ostiary group delete staff", "ostiary group delete staff --yes"))
def delete(group: GroupArgument, yes: YesOption = False) -> None:
    """Delete a group."""
    setup()
    from ostiary.identity.facade import delete_group, get_group

    found = get_group(_id(group))
    confirm(f"This deletes {found.id}; its {found.members} members lose what rules allow it.", yes=yes)
    delete_group(group_id=found.id, actor=operator_actor())
    print_done(f"{found.id} is deleted.")


@app.command(epilog=examples("ostiary group add staff ada@example.com", "ostiary group add staff a@b.com --until 30d"))
def add(group: GroupArgument, email: EmailArgument, reason: ReasonOption = "", until: TermOption = "") -> None:
    """Put somebody into a group, or change until when they are in it."""
    setup()
    from ostiary.identity.facade import add_member, find_person

    person, end = find_person(email), until_when(until)
    add_member(group_id=_id(group), person_id=person.id, reason=reason, ends_at=end, actor=operator_actor())
    print_done(f"{person.email} is in {group}{until_words(end)}.")


@app.command(epilog=examples("ostiary group owner finance ada@example.com", "ostiary group owner finance ''"))
def owner(
    group: GroupArgument,
    email: Annotated[str, typer.Argument(metavar="EMAIL", help="Who answers for it; empty for nobody.")],
    reason: ReasonOption = "",
) -> None:
    """Say who answers for a group."""
    setup()
    from ostiary.identity.facade import set_group_owner

    set_group_owner(group_id=_id(group), owner=email, reason=reason, actor=operator_actor())
    print_done(f"{email or 'Nobody'} answers for {group}.")


@app.command(epilog=examples("ostiary group remove staff ada@example.com", "ostiary group remove staff a@b.com --yes"))
def remove(group: GroupArgument, email: EmailArgument, reason: ReasonOption = "", yes: YesOption = False) -> None:
    """Take somebody out of a group."""
    setup()
    from ostiary.identity.facade import find_person, remove_member

    person = find_person(email)
    confirm(f"{person.email} loses what rules allow {group}, from the next request on.", yes=yes)
    remove_member(group_id=_id(group), person_id=person.id, reason=reason, actor=operator_actor())
    print_done(f"{person.email} is no longer in {group}.")


@app.command(epilog=examples("ostiary group members administrators", "ostiary group members staff --json"))
def members(group: GroupArgument, as_json: JsonOption = False) -> None:
    """List who belongs to a group, who put them there and why."""
    setup()
    from ostiary.identity.facade import list_members

    found = list_members(_id(group))
    if as_json:
        print_json(found)
        return
    print_table(
        ("E-mail", "Name", "Since", "Until", "By", "Way", "Reason"),
        (
            (
                one.email,
                one.name,
                day_and_time(one.granted_at),
                day_and_time(one.ends_at),
                one.granted_by,
                one.via or "by hand",
                one.reason,
            )
            for one in found
        ),
        empty=f"Nobody is in {group}. Put somebody in: ostiary group add {group} name@example.com",
    )


def _id(group: str) -> GroupId:
    from ostiary.identity.facade import get_group

    return get_group(GroupId(group)).id
