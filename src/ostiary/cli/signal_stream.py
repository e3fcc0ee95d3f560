"""`ostiary signal stream`: the streams to receivers, and those made at transmitters."""

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

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
    print_json,
    print_outcome,
    print_table,
)
from ostiary.cli.signal import app as signal_app

if TYPE_CHECKING:
    from ostiary.signals.facade import Stream

app = typer.Typer(
    help="Streams of signals, out and in: list, create, delete, verify, pause, resume.", no_args_is_help=True
)
signal_app.add_typer(app, name="stream")

StreamArgument = Annotated[
    str, typer.Argument(metavar="STREAM", help="The stream's identifier: see `ostiary signal stream list`.")
]
TransmitterArgument = Annotated[str, typer.Argument(metavar="TRANSMITTER", help="What the transmitter is called here.")]


class Delivery(StrEnum):
    """How a stream that is made at a transmitter comes here."""

    PUSH = "push"
    POLL = "poll"


@app.command("list", epilog=examples("ostiary signal stream list", "ostiary signal stream list --json"))
def list_(as_json: JsonOption = False) -> None:
    """List the streams to receivers, and how each does. Those from transmitters: `ostiary signal transmitter list`."""
    setup()
    from ostiary.signals.facade import PUSH, list_streams

    found = list_streams()
    if as_json:
        print_json(found)
        return
    print_table(
        ("Stream", "Receiver", "How", "Status", "Waiting", "Taken", "Refused", "Dropped", "Verified", "Problem"),
        (
            (
                one.id,
                one.receiver,
                "push" if one.method == PUSH else "poll",
                one.status.value,
                one.waiting,
                one.delivered,
                one.refused,
                _dropped(one),
                day_and_time(one.verified_at) or "never",
                one.problem or None,
            )
            for one in found
        ),
        right=("Waiting", "Taken", "Refused", "Dropped"),
        empty="There is no stream. Receivers make theirs, with their token: ostiary signal receiver add --help",
    )


@app.command(
    epilog=examples("ostiary signal stream create okta", "ostiary signal stream create partner --deliver poll --json")
)
def create(
    transmitter: TransmitterArgument,
    deliver: Annotated[Delivery, typer.Option(help="push: it sends; poll: the worker fetches.")] = Delivery.PUSH,
    as_json: JsonOption = False,
) -> None:
    """Make a stream at a transmitter, with the token it was added with."""
    setup()
    from ostiary.signals.facade import create_stream_there

    made = create_stream_there(transmitter, delivery=deliver.value, actor=operator_actor())
    next_step = f"See that it works: ostiary signal transmitter verify {transmitter}"
    print_outcome(made, f"{transmitter} has a stream for us: {made.stream_id}", next_step, as_json=as_json)


@app.command(epilog=examples("ostiary signal stream delete okta", "ostiary signal stream delete partner --yes --json"))
def delete(transmitter: TransmitterArgument, yes: YesOption = False, as_json: JsonOption = False) -> None:
    """Delete the stream that was made at a transmitter."""
    setup()
    from ostiary.signals.facade import delete_stream_there

    confirm(f"From now on {transmitter} tells nothing, until another stream is made there.", yes=yes)
    left = delete_stream_there(transmitter, actor=operator_actor())
    print_outcome(left, f"{transmitter} has no stream for us any more.", as_json=as_json)


@app.command(
    epilog=examples(
        "ostiary signal stream verify 50b2d39934264897902c0581ba7c21a3",
        "ostiary signal stream verify 50b2d39934264897902c0581ba7c21a3 --json",
    )
)
def verify(stream: StreamArgument, as_json: JsonOption = False) -> None:
    """Send a receiver a verification; when it took it is in `list`."""
    setup()
    from ostiary.signals.facade import verify_stream

    found = verify_stream(stream, actor=operator_actor())
    print_outcome(found, f"A verification is on its way to {found.receiver}.", as_json=as_json)


@app.command(
    epilog=examples(
        "ostiary signal stream pause 50b2d39934264897902c0581ba7c21a3 --reason 'they are moving'",
        "ostiary signal stream pause 50b2d39934264897902c0581ba7c21a3 --json",
    )
)
def pause(stream: StreamArgument, reason: ReasonOption = "", as_json: JsonOption = False) -> None:
    """Keep what a receiver would be told until the stream is resumed. It is told so."""
    _set(stream, "paused", reason, as_json=as_json)


@app.command(
    epilog=examples(
        "ostiary signal stream resume 50b2d39934264897902c0581ba7c21a3",
        "ostiary signal stream resume 50b2d39934264897902c0581ba7c21a3 --json",
    )
)
def resume(stream: StreamArgument, reason: ReasonOption = "", as_json: JsonOption = False) -> None:
    """Tell a receiver what waited, and go on."""
    _set(stream, "enabled", reason, as_json=as_json)


def _set(stream: str, status: str, reason: str, *, as_json: bool) -> None:
    setup()
    from ostiary.signals.facade import Status, change_status_here

    found = change_status_here(stream, Status(status), reason=reason, actor=operator_actor())
    print_outcome(found, f"The stream to {found.receiver} is {found.status.value}.", as_json=as_json)


def _dropped(stream: "Stream") -> str:
    return f"{stream.dropped} ({day_and_time(stream.dropped_at)})" if stream.dropped else "0"
