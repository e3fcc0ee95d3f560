"""`ostiary signal`: other systems that tell what happens to people, or are told, by OpenID Shared Signals."""

import time
from typing import TYPE_CHECKING, Annotated

import typer

from ostiary.cli.django import setup
from ostiary.cli.moments import second_of
from ostiary.cli.operator import operator_actor
from ostiary.cli.output import (
    JsonOption,
    ReasonOption,
    Refused,
    YesOption,
    confirm,
    examples,
    print_json,
    print_outcome,
    print_table,
)
from ostiary.cli.programs import say_when_switched_off as say_of_room

if TYPE_CHECKING:
    from ostiary.config.places import Instance

app = typer.Typer(
    help="Other systems that tell what happens to people, or are told: CAEP and RISC.", no_args_is_help=True
)


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


@app.command(
    "rotate-key",
    epilog=examples(
        "ostiary signal rotate-key",
        "ostiary signal rotate-key --forget --yes --reason 'a backup was stolen' --json",
    ),
)
def rotate_key_(
    forget: Annotated[
        bool, typer.Option("--forget", help="Let no other key count from now on: for a key that others know.")
    ] = False,
    reason: ReasonOption = "",
    yes: YesOption = False,
    as_json: JsonOption = False,
) -> None:
    """Make a new key to sign signals with. It signs a day later, when receivers have it. The worker does this every 90 days."""
    setup()
    from ostiary.signals.facade import rotate_key

    if forget:
        confirm(
            "Receivers that keep the keys for a while refuse what they are told until they fetch them again.", yes=yes
        )
    signs, *others = rotate_key(actor=operator_actor(), now=time.time(), forget=forget, reason=reason)
    words = f"The key {signs} signs; published beside it: {', '.join(others) or 'none'}."
    print_outcome({"signs": signs, "published": [signs, *others]}, words, as_json=as_json)


def say_when_switched_off(instance: "Instance") -> None:
    """Remind the operator that nothing happens yet."""
    say_of_room(instance, "signals", "Nothing is told or taken")
