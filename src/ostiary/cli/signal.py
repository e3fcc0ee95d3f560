"""`ostiary signal`: other systems that tell what happens to people, or are told, by OpenID Shared Signals."""

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer

from ostiary.cli.django import setup
from ostiary.cli.moments import day_and_time, second_of
from ostiary.cli.operator import operator_actor
from ostiary.cli.output import (
    JsonOption,
    ReasonOption,
    Refused,
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
    from ostiary.signals.facade import Receiver

app = typer.Typer(
    help="Other systems that tell what happens to people, or are told: CAEP and RISC.", no_args_is_help=True
)
receiver_app = typer.Typer(help="Systems that may be told: add, list, revoke.", no_args_is_help=True)
app.add_typer(receiver_app, name="receiver")

ReceiverArgument = Annotated[str, typer.Argument(metavar="NAME", help="The receiver's name, as it stands on record.")]


@receiver_app.command(
    epilog=examples(
        "ostiary signal receiver add crm --audience https://crm.example.com --push-to https://crm.example.com",
        "ostiary signal receiver add siem --audience siem --format email --event session-revoked --expires 90d",
    )
)
def add(
    name: ReceiverArgument,
    audience: Annotated[str, typer.Option(help="What it calls itself: `aud` in the tokens it gets.")],
    push_to: Annotated[
        str,
        typer.Option("--push-to", help="The address at which it may have events sent to it; none: it fetches them."),
    ] = "",
    subject_format: Annotated[
        str, typer.Option("--format", help="How people are named to it: iss_sub or email.")
    ] = "iss_sub",
    event: Annotated[list[str] | None, typer.Option("--event", help="An event it may have; none: all of them.")] = None,
    expires: Annotated[
        str, typer.Option(metavar="TIME", help="How long the token works: hours, days or weeks, 1h to 3650d.")
    ] = "365d",
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
        print_json({"token": added.token, "metadata": metadata, **_receiver(added.receiver)})
        return
    print_text(added.token)
    until = day_and_time(added.receiver.expires_at)
    print_done(f"{name} may make streams until {until}. Keep the token now: it is shown this once.")
    print_note(f"What it finds here: {metadata}")
    say_when_switched_off(instance)


@receiver_app.command("list", epilog=examples("ostiary signal receiver list", "ostiary signal receiver list --json"))
def list_(as_json: JsonOption = False) -> None:
    """List every receiver, those included whose token is worth nothing any more."""
    instance = setup()
    from ostiary.signals.facade import list_receivers, name_of

    receivers = list_receivers()
    if as_json:
        print_json([_receiver(one) for one in receivers])
        return
    print_table(
        ("Receiver", "State", "Until", "Last asked", "Audience", "Sent to", "Events"),
        (
            (
                one.name,
                _state(one),
                day_and_time(one.expires_at if one.revoked_at is None else one.revoked_at),
                day_and_time(one.used_at) if one.used_at else "never",
                one.audience,
                one.push_to or None,
                ", ".join(name_of(event) for event in one.events),
            )
            for one in receivers
        ),
        empty="Nobody is told anything. Let a system be told: ostiary signal receiver add --help",
    )
    say_when_switched_off(instance)


@receiver_app.command(
    epilog=examples(
        "ostiary signal receiver revoke crm",
        "ostiary signal receiver revoke crm --yes --reason 'not used any more'",
    )
)
def revoke(name: ReceiverArgument, reason: ReasonOption = "", yes: YesOption = False) -> None:
    """Take a receiver's token back at once, and its streams with what waits in them."""
    setup()
    from ostiary.signals.facade import revoke_receiver

    confirm(f"This takes the token of {name} back and deletes its streams: it is told nothing more.", yes=yes)
    revoke_receiver(name, reason=reason, actor=operator_actor())
    print_done(f"{name} is told nothing more.")


@app.command(
    epilog=examples(
        "ostiary signal events",
        "ostiary signal events ada@example.com --transmitter okta --outcome held --json",
    )
)
def events(
    text: Annotated[str, typer.Argument(help="Words in the event, the person or what was said.")] = "",
    transmitter: Annotated[str, typer.Option(help="Only what this one told.")] = "",
    outcome: Annotated[
        str,
        typer.Option(help="recorded, unknown_subject, sessions_ended, disabled, enabled, held, discarded or verified."),
    ] = "",
    page: Annotated[int, typer.Option(min=1, help="Which page.")] = 1,
    as_json: JsonOption = False,
) -> None:
    """List what transmitters told and what became of it, the newest first."""
    setup()
    from ostiary.signals.facade import Outcome, list_signals

    outcomes = {one.value for one in Outcome}
    if outcome and outcome not in outcomes:
        raise Refused(f"Nothing becomes {outcome!r} of a signal.", hint=f"Say one of: {', '.join(sorted(outcomes))}.")
    chosen = Outcome(outcome) if outcome else None
    found = list_signals(text=text, transmitter=transmitter, outcome=chosen, page=page)
    if as_json:
        print_json(found.items)
        return
    print_table(
        ("Arrived", "From", "Event", "About", "What became of it", "Words"),
        (
            (
                second_of(one.received_at),
                one.transmitter,
                one.event,
                one.email or one.subject or None,
                one.outcome.value.replace("_", " "),
                one.words or None,
            )
            for one in found.items
        ),
        empty="Nothing was told, or nothing matches.",
    )


def read_token_file(path: Path) -> str:
    """Return what stands in a file that holds a token alone.

    Raises:
        Refused: when it cannot be read.
    """
    try:
        return path.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise Refused(f"{path} cannot be read: {error}.", hint="Put the token alone into the file.") from None


def say_when_switched_off(instance: "Instance") -> None:
    """Remind the operator that nothing happens yet."""
    if not instance.configuration.signals.enabled:
        print_note("Nothing is told or taken yet: set signals.enabled = true in ostiary.toml, then ostiary up.")


def _receiver(receiver: "Receiver") -> dict[str, object]:
    return {**msgspec.structs.asdict(receiver), "state": _state(receiver)}


def _state(receiver: "Receiver") -> str:
    if receiver.revoked_at is not None:
        return "revoked"
    return "works" if receiver.works(time.time()) else "expired"
