"""`ostiary baseline simulate` and `device`: what a baseline would do, and how one device stands."""

import time
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
import typer

from ostiary.cli.baseline import DeviceOption, FromOption, GroupOption, app, start_of, text_of
from ostiary.cli.django import setup
from ostiary.cli.moments import day_and_time
from ostiary.cli.output import JsonOption, examples, print_json, print_note, print_table, print_text

if TYPE_CHECKING:
    from ostiary.baselines.facade import Simulation, Standing


@app.command(
    epilog=examples(
        "ostiary baseline simulate standard --from 2026-12-01", "ostiary baseline simulate --file office.yaml --json"
    )
)
def simulate(
    name: Annotated[str, typer.Argument(metavar="[NAME]", help="Of a baseline.", show_default=False)] = "",
    file: Annotated[str, typer.Option(metavar="FILE", help="A document that is not in force yet.")] = "",
    group: GroupOption = "",
    device: DeviceOption = "",
    start: FromOption = "",
    as_json: JsonOption = False,
) -> None:
    """Say for each device, or for the one that is named, what would become of it if a baseline were required. Nothing is changed."""
    setup()
    from ostiary.baselines.facade import Requirement, UnusableBaseline, check_document, simulate_requirement

    text, now = text_of(file) if file else "", time.time()
    wanted_name = check_document(text).name if text else name
    if not wanted_name:
        raise UnusableBaseline("Say which baseline.", hint="A name, or --file with a document.")
    starts_at = start_of(start, now) or now
    wanted = Requirement(baseline=wanted_name, group=group, device=device, starts_at=starts_at)
    found = simulate_requirement(wanted, now=now, document=text)
    if device:
        found = msgspec.structs.replace(found, devices=tuple(one for one in found.devices if one.device == device))
    if as_json:
        print_json(found)
        return
    _print_simulation(found)


@app.command(
    epilog=examples("ostiary baseline device dev-0a1b2c3d4e5f", "ostiary baseline device dev-0a1b2c3d4e5f --json")
)
def device(
    device: Annotated[str, typer.Argument(metavar="DEVICE", help="Its identifier: see `ostiary device list`.")],
    as_json: JsonOption = False,
) -> None:
    """Show how one device stands to what is required of it, check by check, and how to mend what fails."""
    setup()
    from ostiary.baselines.facade import look_at

    standing = look_at(device, now=time.time())
    if as_json:
        print_json(_plain(standing))
        return
    state = "is compliant" if standing.verdict.compliant else "is not compliant"
    held = standing.verdict.held_until
    until = f" until {day_and_time(held)}, being held: too many devices failed the same at once" if held else ""
    print_text(f"{standing.verdict.name} of {standing.verdict.owner} {state}{until}.")
    rows = (
        (
            one.check.name,
            one.outcome.value,
            one.stage.value if one.stage else None,
            day_and_time(one.since),
            f"{one.next_stage.value} {day_and_time(one.next_at)}" if one.next_stage else None,
            one.check.mend.get(standing.platform, "") if standing.platform and not one.met else None,
        )
        for judged in standing.of_required
        for one in judged.findings
    )
    print_table(("Check", "It", "Stage", "Since", "Next", "How to mend it"), rows, empty="Nothing is asked of it.")


def _plain(standing: "Standing") -> Any:
    """JSON has no infinity: a moment that never comes is left empty."""

    def finite(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: finite(one) for key, one in value.items()}
        if isinstance(value, list):
            return [finite(one) for one in value]
        return None if isinstance(value, float) and value == float("inf") else value

    return finite(msgspec.to_builtins(standing))


def _print_simulation(found: "Simulation") -> None:
    from ostiary.baselines.facade import Effect

    words = {
        Effect.BLOCKED: "blocked",
        Effect.UNKNOWN: "blocked: not known",
        Effect.LATER: "blocked later",
        Effect.WARNED: "told",
        Effect.FINE: "fine",
    }
    counts = ", ".join(f"{found.count(one)} {words[one]}" for one in Effect if found.count(one))
    print_note(f"From {day_and_time(found.starts_at)}, as things are: {counts or 'there are no devices'}.")
    rows = (
        (
            one.name,
            one.owner,
            words[one.effect],
            day_and_time(one.blocked_at),
            ", ".join(one.failing) or None,
            ", ".join(one.used) or None,
        )
        for one in found.devices
    )
    print_table(
        ("Device", "Owner", "Would be", "Blocked", "What fails", "Used in 30 days, and asks for it"), rows, empty=""
    )
