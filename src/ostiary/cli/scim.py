"""`ostiary scim`: which directories may keep people and groups here by SCIM."""

import time
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer

from ostiary.cli.django import setup
from ostiary.cli.moments import day_and_time
from ostiary.cli.operator import operator_actor
from ostiary.cli.output import (
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

if TYPE_CHECKING:
    from ostiary.config.places import Instance
    from ostiary.scim.facade import Client

app = typer.Typer(help="People and groups kept by another directory: Entra ID, Okta and others.", no_args_is_help=True)
client_app = typer.Typer(
    help="Directories that may keep people and groups here: add, list, revoke.", no_args_is_help=True
)
app.add_typer(client_app, name="client")

NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="The client's name, as it stands on record.")]
ReasonOption = Annotated[str, typer.Option(help="Why, for the record.")]


@client_app.command(
    epilog=examples(
        "ostiary scim client add entra",
        "ostiary scim client add okta --expires 180d --reason 'people come from Okta'",
    )
)
def add(
    name: NameArgument,
    expires: Annotated[
        str, typer.Option(metavar="TIME", help="How long the token works: hours, days or weeks, 1h to 3650d.")
    ] = "365d",
    reason: ReasonOption = "",
    as_json: JsonOption = False,
) -> None:
    """Let a directory keep people and groups here; print its token, which is shown once and kept nowhere."""
    instance = setup()
    from ostiary.scim.facade import add_client

    added = add_client(name, lifetime=expires, reason=reason, actor=operator_actor())
    if as_json:
        known = {
            name: value for name, value in _entry(added.client).items() if name not in {"users", "groups", "used_at"}
        }
        print_json({"token": added.token, "url": _url(instance), **known})
        return
    print_text(added.token)
    until = day_and_time(added.client.expires_at)
    print_done(
        f"{added.client.name} may keep people and groups until {until}. Keep the token now: it is shown this once."
    )
    print_note(f"Its address: {_url(instance)}")
    _say_when_switched_off(instance)


@client_app.command("list", epilog=examples("ostiary scim client list", "ostiary scim client list --json"))
def list_(as_json: JsonOption = False) -> None:
    """List every client, those included whose token is worth nothing any more."""
    instance = setup()
    from ostiary.scim.facade import list_clients

    clients = list_clients()
    if as_json:
        print_json([_entry(one) for one in clients])
        return
    print_table(
        ("Client", "State", "Until", "Last asked", "People", "Groups", "Added", "By"),
        (
            (
                one.name,
                _state(one),
                day_and_time(one.expires_at if one.revoked_at is None else one.revoked_at),
                day_and_time(one.used_at) if one.used_at else "never",
                str(one.users),
                str(one.groups),
                day_and_time(one.added_at),
                one.added_by,
            )
            for one in clients
        ),
        empty="No directory keeps people here. Let one: ostiary scim client add NAME",
    )
    _say_when_switched_off(instance)


@client_app.command(
    epilog=examples(
        "ostiary scim client revoke okta",
        "ostiary scim client revoke okta --yes --reason 'token was in a log'",
    )
)
def revoke(name: NameArgument, reason: ReasonOption = "", yes: YesOption = False) -> None:
    """Take a client's token back, at once. People and groups stay as they are."""
    setup()
    from ostiary.scim.facade import revoke_client

    confirm(f"This takes the token of {name} back; what it asks is answered with 401 from now on.", yes=yes)
    revoke_client(name, reason=reason, actor=operator_actor())
    print_done(f"{name} may not keep people and groups any more. Whom it kept stays as they are.")


def _url(instance: "Instance") -> str:
    return instance.url(instance.identity_host, "/scim/v2")


def _entry(client: "Client") -> dict[str, object]:
    return {**msgspec.structs.asdict(client), "state": _state(client)}


def _state(client: "Client") -> str:
    if client.revoked_at is not None:
        return "revoked"
    return "works" if client.works(time.time()) else "expired"


def _say_when_switched_off(instance: "Instance") -> None:
    if not instance.configuration.scim.enabled:
        print_note("Nobody is answered yet: set scim.enabled = true in ostiary.toml, then ostiary up.")
