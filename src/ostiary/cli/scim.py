"""`ostiary scim`: which directories may keep people and groups here by SCIM."""

from typing import TYPE_CHECKING, Annotated

import typer

from ostiary.cli.django import setup
from ostiary.cli.moments import day_and_time
from ostiary.cli.operator import operator_actor
from ostiary.cli.output import JsonOption, ReasonOption, YesOption, examples, print_json
from ostiary.cli.programs import (
    Column,
    ExpiresOption,
    entry_of,
    list_programs,
    say_when_switched_off,
    show_new_token,
    state_of,
    take_back,
    until,
)

if TYPE_CHECKING:
    from ostiary.config.places import Instance

app = typer.Typer(help="People and groups kept by another directory: Entra ID, Okta and others.", no_args_is_help=True)
client_app = typer.Typer(
    help="Directories that may keep people and groups here: add, list, revoke.", no_args_is_help=True
)
app.add_typer(client_app, name="client")

NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="The client's name, as it stands on record.")]


@client_app.command(
    epilog=examples(
        "ostiary scim client add entra",
        "ostiary scim client add okta --expires 180d --reason 'people come from Okta'",
    )
)
def add(
    name: NameArgument,
    expires: ExpiresOption = "365d",
    reason: ReasonOption = "",
    as_json: JsonOption = False,
) -> None:
    """Let a directory keep people and groups here; print its token, which is shown once and kept nowhere."""
    instance = setup()
    from ostiary.scim.facade import add_client

    added = add_client(name, lifetime=expires, reason=reason, actor=operator_actor())
    if as_json:
        unknown = {"users", "groups", "used_at"}
        known = {name: value for name, value in entry_of(added.client).items() if name not in unknown}
        print_json({"token": added.token, "url": _url(instance), **known})
        return
    show_new_token(
        added.token,
        may=f"{added.client.name} may keep people and groups until {until(added.client)}",
        note=f"Its address: {_url(instance)}",
    )
    say_when_switched_off(instance, "scim", "Nobody is answered")


@client_app.command("list", epilog=examples("ostiary scim client list", "ostiary scim client list --json"))
def list_(as_json: JsonOption = False) -> None:
    """List every client, those included whose token is worth nothing any more."""
    instance = setup()
    from ostiary.scim.facade import Client, list_clients

    columns: tuple[Column[Client], ...] = (
        ("Client", lambda one: one.name),
        ("State", state_of),
        ("Until", until),
        ("Last asked", lambda one: day_and_time(one.used_at) if one.used_at else "never"),
        ("People", lambda one: one.users),
        ("Groups", lambda one: one.groups),
        ("Added", lambda one: day_and_time(one.added_at)),
        ("By", lambda one: one.added_by),
    )
    empty = "No directory keeps people here. Let one: ostiary scim client add NAME"
    list_programs(list_clients(), columns, empty=empty, as_json=as_json)
    if not as_json:
        say_when_switched_off(instance, "scim", "Nobody is answered")


@client_app.command(
    epilog=examples(
        "ostiary scim client revoke okta",
        "ostiary scim client revoke okta --yes --reason 'token was in a log' --json",
    )
)
def revoke(name: NameArgument, reason: ReasonOption = "", yes: YesOption = False, as_json: JsonOption = False) -> None:
    """Take a client's token back, at once. People and groups stay as they are."""
    setup()
    from ostiary.scim.facade import revoke_client

    take_back(
        name,
        revoke_client,
        consequence=f"This takes the token of {name} back; what it asks is answered with 401 from now on.",
        done=f"{name} may not keep people and groups any more. Whom it kept stays as they are.",
        reason=reason,
        yes=yes,
        as_json=as_json,
    )


def _url(instance: "Instance") -> str:
    return instance.url(instance.identity_host, "/scim/v2")
