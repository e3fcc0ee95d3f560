"""`ostiary authzen`: which programs may ask for decisions over the AuthZEN API."""

import time
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer

from ostiary.cli.django import setup
from ostiary.cli.moments import day_and_time
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

if TYPE_CHECKING:
    from ostiary.authzen.facade import Client
    from ostiary.config.places import Instance

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
    expires: Annotated[
        str, typer.Option(metavar="TIME", help="How long the token works: hours, days or weeks, 1h to 3650d.")
    ] = "365d",
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
        print_json({"token": added.token, **_entry(added.client)})
        return
    print_text(added.token)
    until = day_and_time(added.client.expires_at)
    print_done(f"{added.client.name} may ask until {until}. Keep the token now: it is shown this once.")
    _say_when_switched_off(instance)


@client_app.command("list", epilog=examples("ostiary authzen client list", "ostiary authzen client list --json"))
def list_(as_json: JsonOption = False) -> None:
    """List every client, those included whose token is worth nothing any more."""
    instance = setup()
    from ostiary.authzen.facade import list_clients

    clients = list_clients()
    if as_json:
        print_json([_entry(one) for one in clients])
        return
    print_table(
        ("Client", "May", "State", "Until", "Added", "By"),
        (
            (
                one.name,
                "ask, search" if one.may_search else "ask",
                _state(one),
                day_and_time(one.expires_at if one.revoked_at is None else one.revoked_at),
                day_and_time(one.added_at),
                one.added_by,
            )
            for one in clients
        ),
        empty="No program may ask. Let one: ostiary authzen client add NAME",
    )
    _say_when_switched_off(instance)


@client_app.command(
    epilog=examples(
        "ostiary authzen client revoke reporting",
        "ostiary authzen client revoke reporting --yes --reason 'token was in a log'",
    )
)
def revoke(name: NameArgument, reason: ReasonOption = "", yes: YesOption = False) -> None:
    """Take a client's token back, at once."""
    setup()
    from ostiary.authzen.facade import revoke_client

    confirm(f"This takes the token of {name} back; what it asks is answered with 401 from now on.", yes=yes)
    revoke_client(name, reason=reason, actor=operator_actor())
    print_done(f"{name} may not ask any more.")


def _entry(client: "Client") -> dict[str, object]:
    return {**msgspec.structs.asdict(client), "state": _state(client)}


def _state(client: "Client") -> str:
    if client.revoked_at is not None:
        return "revoked"
    return "works" if client.works(time.time()) else "expired"


def _say_when_switched_off(instance: "Instance") -> None:
    if not instance.configuration.authzen.enabled:
        print_note("Nobody is answered yet: set authzen.enabled = true in ostiary.toml, then ostiary up.")
