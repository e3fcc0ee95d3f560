"""`ostiary authzen`: which programs may ask for decisions over the AuthZEN API."""

from typing import Annotated

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

app = typer.Typer(help="Decisions for other programs, by the OpenID AuthZEN Authorization API.", no_args_is_help=True)
client_app = typer.Typer(help="Programs that may ask: add, list, revoke.", no_args_is_help=True)
app.add_typer(client_app, name="client")

NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="The client's name, as it stands on record.")]


@client_app.command(
    epilog=examples(
        "ostiary authzen client add reporting",
        "ostiary authzen client add reporting --expires 90d --may-search --reason 'monthly access report'",
    )
)
def add(
    name: NameArgument,
    expires: ExpiresOption = "365d",
    may_search: Annotated[
        bool, typer.Option("--may-search", help="May also ask who may do what: it learns people's names and addresses.")
    ] = False,
    reason: ReasonOption = "",
    as_json: JsonOption = False,
) -> None:
    """Let a program ask; print its token, which is shown once and kept nowhere."""
    instance = setup()
    from ostiary.authzen.facade import add_client

    added = add_client(name, lifetime=expires, may_search=may_search, reason=reason, actor=operator_actor())
    if as_json:
        print_json({"token": added.token, **entry_of(added.client)})
        return
    show_new_token(added.token, may=f"{added.client.name} may ask until {until(added.client)}")
    say_when_switched_off(instance, "authzen", "Nobody is answered")


@client_app.command("list", epilog=examples("ostiary authzen client list", "ostiary authzen client list --json"))
def list_(as_json: JsonOption = False) -> None:
    """List every client, those included whose token is worth nothing any more."""
    instance = setup()
    from ostiary.authzen.facade import Client, list_clients

    columns: tuple[Column[Client], ...] = (
        ("Client", lambda one: one.name),
        ("May", lambda one: "ask, search" if one.may_search else "ask"),
        ("State", state_of),
        ("Until", until),
        ("Added", lambda one: day_and_time(one.added_at)),
        ("By", lambda one: one.added_by),
    )
    empty = "No program may ask. Let one: ostiary authzen client add NAME"
    list_programs(list_clients(), columns, empty=empty, as_json=as_json)
    if not as_json:
        say_when_switched_off(instance, "authzen", "Nobody is answered")


@client_app.command(
    epilog=examples(
        "ostiary authzen client revoke reporting",
        "ostiary authzen client revoke reporting --yes --reason 'token was in a log' --json",
    )
)
def revoke(name: NameArgument, reason: ReasonOption = "", yes: YesOption = False, as_json: JsonOption = False) -> None:
    """Take a client's token back, at once."""
    setup()
    from ostiary.authzen.facade import revoke_client

    take_back(
        name,
        revoke_client,
        consequence=f"This takes the token of {name} back; what it asks is answered with 401 from now on.",
        done=f"{name} may not ask any more.",
        reason=reason,
        yes=yes,
        as_json=as_json,
    )
