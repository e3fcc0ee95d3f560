"""`ostiary signal receiver`: the systems that may be told what happens to people."""

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
    show_new_token,
    state_of,
    take_back,
    until,
)
from ostiary.cli.signal import app as signal_app
from ostiary.cli.signal import say_when_switched_off

app = typer.Typer(help="Systems that may be told: add, list, revoke.", no_args_is_help=True)
signal_app.add_typer(app, name="receiver")

NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="The receiver's name, as it stands on record.")]


@app.command(
    epilog=examples(
        "ostiary signal receiver add crm --audience https://crm.example.com --push-to https://crm.example.com",
        "ostiary signal receiver add siem --audience siem --format email --event session-revoked --expires 90d",
    )
)
def add(
    name: NameArgument,
    audience: Annotated[str, typer.Option(help="What it calls itself: `aud` in the tokens it gets.")],
    push_to: Annotated[
        str,
        typer.Option("--push-to", help="The address at which it may have events sent to it; none: it fetches them."),
    ] = "",
    subject_format: Annotated[
        str, typer.Option("--format", help="How people are named to it: iss_sub or email.")
    ] = "iss_sub",
    event: Annotated[list[str] | None, typer.Option("--event", help="An event it may have; none: all of them.")] = None,
    expires: ExpiresOption = "365d",
    reason: ReasonOption = "",
    as_json: JsonOption = False,
) -> None:
    """Let a system be told what happens to people; print its token, which is shown once and kept nowhere."""
    instance = setup()
    from ostiary.signals.facade import add_receiver

    added = add_receiver(
        name,
        audience=audience,
        push_to=push_to,
        subject_format=subject_format,
        events=tuple(event or ()),
        lifetime=expires,
        reason=reason,
        actor=operator_actor(),
    )
    metadata = instance.url(instance.identity_host, "/.well-known/ssf-configuration")
    if as_json:
        print_json({"token": added.token, "metadata": metadata, **entry_of(added.receiver)})
        return
    show_new_token(
        added.token,
        may=f"{name} may make streams until {until(added.receiver)}",
        note=f"What it finds here: {metadata}",
    )
    say_when_switched_off(instance)


@app.command("list", epilog=examples("ostiary signal receiver list", "ostiary signal receiver list --json"))
def list_(as_json: JsonOption = False) -> None:
    """List every receiver, those included whose token is worth nothing any more."""
    instance = setup()
    from ostiary.signals.facade import Receiver, list_receivers, name_of

    columns: tuple[Column[Receiver], ...] = (
        ("Receiver", lambda one: one.name),
        ("State", state_of),
        ("Until", until),
        ("Last asked", lambda one: day_and_time(one.used_at) if one.used_at else "never"),
        ("Audience", lambda one: one.audience),
        ("Sent to", lambda one: one.push_to or None),
        ("Events", lambda one: ", ".join(name_of(event) for event in one.events)),
    )
    empty = "Nobody is told anything. Let a system be told: ostiary signal receiver add --help"
    list_programs(list_receivers(), columns, empty=empty, as_json=as_json)
    if not as_json:
        say_when_switched_off(instance)


@app.command(
    epilog=examples(
        "ostiary signal receiver revoke crm",
        "ostiary signal receiver revoke crm --yes --reason 'not used any more' --json",
    )
)
def revoke(name: NameArgument, reason: ReasonOption = "", yes: YesOption = False, as_json: JsonOption = False) -> None:
    """Take a receiver's token back at once, and its streams with what waits in them."""
    setup()
    from ostiary.signals.facade import revoke_receiver

    take_back(
        name,
        revoke_receiver,
        consequence=f"This takes the token of {name} back and deletes its streams: it is told nothing more.",
        done=f"{name} is told nothing more.",
        reason=reason,
        yes=yes,
        as_json=as_json,
    )
