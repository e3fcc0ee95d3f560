"""`ostiary device seen|ask|ignore`: devices that people use and nobody enrolled."""

import time
from typing import Annotated

import typer

from ostiary.cli.device import app
from ostiary.cli.django import setup
from ostiary.cli.moments import day_and_time
from ostiary.cli.operator import operator_actor
from ostiary.cli.output import JsonOption, ReasonOption, examples, print_done, print_json, print_table

SeenArgument = Annotated[int, typer.Argument(metavar="NUMBER", help="Which: see `ostiary device seen`.")]


@app.command(epilog=examples("ostiary device seen", "ostiary device seen --ignored --json"))
def seen(
    ignored: Annotated[bool, typer.Option("--ignored", help="Those that are ignored as well.")] = False,
    as_json: JsonOption = False,
) -> None:
    """List who was seen on a device that nobody enrolled: with which browser, since when, and from which network."""
    setup()
    from ostiary.devices.facade import list_seen

    found = list_seen(now=time.time(), ignored=ignored)
    if as_json:
        print_json(found)
        return
    print_table(
        ("Number", "Person", "Browser", "First seen", "Last seen", "Network", "Requests", "Asked", "Ignored until"),
        (
            (
                one.id,
                one.email,
                one.browser,
                day_and_time(one.first_at),
                day_and_time(one.last_at),
                one.network or None,
                one.requests,
                day_and_time(one.asked_at) if one.asked_at else None,
                day_and_time(one.ignored_until) if one.ignored_until else None,
            )
            for one in found
        ),
        empty="Nobody was seen on a device that is not enrolled.",
        right=("Number", "Requests"),
    )


@app.command(epilog=examples("ostiary device ask 7", "ostiary device ask 7 --reason 'payroll will need it' --json"))
def ask(number: SeenArgument, reason: ReasonOption = "", as_json: JsonOption = False) -> None:
    """Ask somebody by mail to enrol the device they were seen on."""
    setup()
    from ostiary.devices.facade import ask_to_enrol

    asked = ask_to_enrol(number, now=time.time(), actor=operator_actor(), reason=reason)
    if as_json:
        print_json(asked)
        return
    print_done(f"{asked.email} is asked to enrol what they use with {asked.browser}.")


@app.command(epilog=examples("ostiary device ignore 7 --days 90", "ostiary device ignore 7 --days 0 --json"))
def ignore(
    number: SeenArgument,
    days: Annotated[int, typer.Option(help="For how long; 0 to hear of it again.")] = 30,
    reason: ReasonOption = "",
    as_json: JsonOption = False,
) -> None:
    """Hear nothing of a device that nobody enrolled for some days. What it may open stays as it is: rules decide that."""
    setup()
    from ostiary.devices.facade import ignore_seen

    found = ignore_seen(number, days=days, now=time.time(), actor=operator_actor(), reason=reason)
    if as_json:
        print_json(found)
        return
    print_done(
        f"{found.browser} of {found.email} is ignored for {days} days."
        if days
        else f"{found.browser} of {found.email} is listed again."
    )
