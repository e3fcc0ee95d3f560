"""`ostiary baseline exceptions` and `held`: what is not asked of a device for a while, and what the brake holds."""

import time
from datetime import UTC, datetime
from typing import Annotated

import typer

from ostiary.cli.baseline import app
from ostiary.cli.django import setup
from ostiary.cli.moments import TermOption, day_and_time, end_of
from ostiary.cli.operator import operator_actor
from ostiary.cli.output import (
    JsonOption,
    ReasonOption,
    YesOption,
    confirm,
    examples,
    print_done,
    print_json,
    print_outcome,
    print_table,
)

exceptions_app = typer.Typer(
    help="Exceptions: a check that is not asked of a device for a while.", no_args_is_help=True
)
held_app = typer.Typer(help="What is held because too many devices turned at once.", no_args_is_help=True)
app.add_typer(exceptions_app, name="exceptions")
app.add_typer(held_app, name="held")

NumberArgument = Annotated[int, typer.Argument(metavar="NUMBER", help="See `ostiary baseline exceptions list`.")]


@exceptions_app.command(
    "list",
    epilog=examples("ostiary baseline exceptions list", "ostiary baseline exceptions list --state waiting --json"),
)
def list_(
    state: Annotated[str, typer.Option(help="Only those that are: waiting, granted, refused or ended.")] = "",
    as_json: JsonOption = False,
) -> None:
    """List exceptions, the newest first."""
    setup()
    from ostiary.baselines.facade import ExceptionState, UnusableException, list_exceptions

    if state and state not in set(ExceptionState):
        raise UnusableException(f"No exception is {state[:40]!r}.", hint=f"Say one of: {', '.join(ExceptionState)}.")
    found = list_exceptions(state=ExceptionState(state) if state else None)
    if as_json:
        print_json(found)
        return
    rows = (
        (one.id, one.state.value, one.device_name, one.owner, one.check, day_and_time(one.until), one.reason)
        for one in found
    )
    print_table(
        ("Number", "State", "Device", "Owner", "Check", "Until", "Why"),
        rows,
        empty="There is no exception.",
        right=("Number",),
    )


@exceptions_app.command(
    epilog=examples(
        "ostiary baseline exceptions ask dev-0a1b2c3d4e5f firewall --until 7d --reason 'a test network'",
        "ostiary baseline exceptions ask dev-0a1b2c3d4e5f disk-encryption --until 2026-12-31 --reason 'new disk ordered'",
    )
)
def ask(
    device: Annotated[str, typer.Argument(metavar="DEVICE", help="Its identifier: see `ostiary device list`.")],
    check: Annotated[str, typer.Argument(metavar="CHECK", help="The name of a check.")],
    until: TermOption,
    reason: Annotated[str, typer.Option(help="Why; whoever answers reads it.")],
    as_json: JsonOption = False,
) -> None:
    """Ask that a check is not asked of a device for a while. Nothing changes until it is granted."""
    setup()
    from ostiary.baselines.facade import ask_exception

    now = time.time()
    end = end_of(until, datetime.fromtimestamp(now, UTC))
    made = ask_exception(device, check, until=end, reason=reason, now=now, actor=operator_actor())
    next_step = f"To grant it: ostiary baseline exceptions grant {made.id}"
    print_outcome(made, f"Exception {made.id} waits for an answer.", next_step, as_json=as_json)


@exceptions_app.command(
    epilog=examples("ostiary baseline exceptions grant 3", "ostiary baseline exceptions grant 3 --until 2d --json")
)
def grant(
    number: NumberArgument, until: TermOption = "", reason: ReasonOption = "", as_json: JsonOption = False
) -> None:
    """Grant an exception that waits, until when it was asked for or another moment."""
    setup()
    from ostiary.baselines.facade import grant_exception

    now = time.time()
    end = end_of(until, datetime.fromtimestamp(now, UTC)) if until else None
    made = grant_exception(number, now=now, actor=operator_actor(), until=end, reason=reason)
    words = f"{made.check} is not asked of {made.device_name} until {day_and_time(made.until)}."
    print_outcome(made, words, as_json=as_json)


@exceptions_app.command(
    epilog=examples("ostiary baseline exceptions refuse 3", "ostiary baseline exceptions refuse 3 --reason 'mend it'")
)
def refuse(number: NumberArgument, reason: ReasonOption = "", as_json: JsonOption = False) -> None:
    """Refuse an exception that waits."""
    setup()
    from ostiary.baselines.facade import refuse_exception

    made = refuse_exception(number, now=time.time(), actor=operator_actor(), reason=reason)
    print_outcome(made, f"Exception {number} is refused.", as_json=as_json)


@exceptions_app.command(
    epilog=examples("ostiary baseline exceptions end 3", "ostiary baseline exceptions end 3 --json")
)
def end(number: NumberArgument, reason: ReasonOption = "", as_json: JsonOption = False) -> None:
    """End an exception before its time: the check is asked again, at once."""
    setup()
    from ostiary.baselines.facade import end_exception

    made = end_exception(number, now=time.time(), actor=operator_actor(), reason=reason)
    print_outcome(made, f"{made.check} is asked of {made.device_name} again.", as_json=as_json)


@held_app.command("list", epilog=examples("ostiary baseline held list", "ostiary baseline held list --json"))
def list_held_(as_json: JsonOption = False) -> None:
    """List the devices that count as before only because too many turned at once, and what each of them fails."""
    setup()
    from ostiary.baselines.facade import get_held, list_verdicts

    now = time.time()
    held = get_held(now)
    found = [one for one in list_verdicts().values() if held is not None and one.held_until > now]
    if as_json:
        print_json(found)
        return
    rows = ((one.device, one.name, one.owner, ", ".join(one.blocking), day_and_time(one.held_until)) for one in found)
    print_table(("Device", "Name", "Owner", "What it fails", "Held until"), rows, empty="No device is held.")


@held_app.command(
    "let", epilog=examples("ostiary baseline held let", "ostiary baseline held let --yes --reason 'it is so'")
)
def let(reason: ReasonOption = "", yes: YesOption = False) -> None:
    """Let what is held take effect: those devices are not compliant from now on."""
    setup()
    from ostiary.baselines.facade import get_held, let_happen

    now = time.time()
    held = get_held(now)
    if held is not None:
        confirm(f"{held.devices} devices are not compliant from now on.", yes=yes)
    count = let_happen(now=now, actor=operator_actor(), reason=reason)
    print_done(f"{count} devices are not compliant any more.")


@held_app.command(
    "keep", epilog=examples("ostiary baseline held keep", "ostiary baseline held keep --reason 'a bad update'")
)
def keep(reason: ReasonOption = "", as_json: JsonOption = False) -> None:
    """Keep what is held as it was, for a day from now."""
    setup()
    from ostiary.baselines.facade import keep_held

    held = keep_held(now=time.time(), actor=operator_actor(), reason=reason)
    words = f"{held.devices} devices count as they did before until {day_and_time(held.until)}."
    print_outcome(held, words, as_json=as_json)
