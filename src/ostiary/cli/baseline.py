"""`ostiary baseline`: what devices need to be compliant: writing it, requiring it, trying it first. Trying them is in `baseline_trying`,
exceptions in `baseline_exceptions`.
"""

import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from ostiary.cli.django import setup
from ostiary.cli.moments import day_and_time, moment_of
from ostiary.cli.operator import operator_actor
from ostiary.cli.output import (
    ExitCode,
    JsonOption,
    ReasonOption,
    YesOption,
    confirm,
    examples,
    print_done,
    print_json,
    print_note,
    print_outcome,
    print_table,
    print_text,
)

app = typer.Typer(
    help="Baselines: what a device needs to be compliant. Rules ask for it with `device: {compliant: true}`.",
    no_args_is_help=True,
)
NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="Of a baseline: see `ostiary baseline list`.")]
FileArgument = Annotated[str, typer.Argument(metavar="FILE", help="A document; - reads standard input.")]
GroupOption = Annotated[str, typer.Option(metavar="GROUP", help="Of the devices of its members.")]
DeviceOption = Annotated[str, typer.Option(metavar="DEVICE", help="Of this device alone.")]
FromOption = Annotated[str, typer.Option("--from", metavar="DATE", help="From when on: a day, a moment, or 3d ahead.")]
BlockOption = Annotated[
    int | None, typer.Option("--block", metavar="NUMBER", help="How many devices may be blocked at once by this.")
]


@app.command("list", epilog=examples("ostiary baseline list", "ostiary baseline list --json"))
def list_(as_json: JsonOption = False) -> None:
    """List the baselines, of whom each is required, and how many devices meet it."""
    setup()
    from ostiary.baselines.facade import EVERYBODY, get_held, list_baselines, list_requirements, list_verdicts

    requirements, verdicts = list_requirements(), list_verdicts().values()
    everywhere = any(not one.group and not one.device for one in requirements)
    asked = requirements if everywhere else (EVERYBODY, *requirements)
    found = [
        {
            "name": one.baseline.name,
            "words": one.baseline.words,
            "version": one.number or None,
            "checks": len(one.baseline.checks),
            "required": [
                {"group": each.group, "device": each.device, "starts_at": each.starts_at}
                for each in asked
                if each.baseline == one.baseline.name
            ],
            "meet": sum(1 for each in verdicts if one.baseline.name in each.meets),
            "devices": len(verdicts),
        }
        for one in list_baselines()
    ]
    if as_json:
        print_json(found)
        return
    rows = ((one["name"], _asked(one["required"]), f"{one['meet']} of {one['devices']}", one["words"]) for one in found)
    print_table(("Baseline", "Required of", "Devices that meet it", "What it is for"), rows, empty="")
    held = get_held(time.time())
    if held is not None:
        print_note(
            f"{held.devices} of {held.of} devices stopped being compliant at once and are held until "
            f"{day_and_time(held.until)}. Decide: ostiary baseline held let, or: ostiary baseline held keep"
        )


@app.command(epilog=examples("ostiary baseline show standard", "ostiary baseline show office --json"))
def show(name: NameArgument, as_json: JsonOption = False) -> None:
    """Show the document of a baseline; with --json every check of it, those it takes from another included."""
    setup()
    from ostiary.baselines.facade import get_baseline

    found = get_baseline(name)
    if as_json:
        print_json(found)
        return
    print_text(found.document)


@app.command(epilog=examples("ostiary baseline check office.yaml", "ostiary baseline check - --json < office.yaml"))
def check(file: FileArgument, as_json: JsonOption = False) -> None:
    """Read a document and say everything that is wrong with it, line by line; exits with 5 when something is."""
    setup()
    from ostiary.baselines.facade import InvalidBaseline, check_document

    try:
        found = check_document(text_of(file))
    except InvalidBaseline as error:
        if not as_json:
            raise
        print_json({"problems": error.problems})
        raise typer.Exit(ExitCode.FINDINGS) from None
    print_outcome(found, f"{found.name} asks {len(found.checks)} things of a device.", as_json=as_json)


@app.command(
    "set", epilog=examples("ostiary baseline set office.yaml", "ostiary baseline set office.yaml --yes --block 7")
)
def set_(
    file: FileArgument,
    reason: ReasonOption = "",
    block: BlockOption = None,
    yes: YesOption = False,
    as_json: JsonOption = False,
) -> None:
    """Put a baseline of your own in force, as a new version where there is one of its name."""
    setup()
    from ostiary.baselines.facade import set_baseline, try_document

    text, now = text_of(file), time.time()
    turned = try_document(text, now=now).turned
    if turned.blocked:
        confirm(f"This blocks {turned.blocked} of {turned.of} devices at once.", yes=yes or block == turned.blocked)
    found = set_baseline(text, now=now, actor=operator_actor(), reason=reason, blocked=block)
    name = found.baseline.name
    words = f"{name} is in force as version {found.number}; rules may ask for meets_{name}."
    print_outcome(found, words, f"To require it: ostiary baseline require {name}", as_json=as_json)


@app.command(epilog=examples("ostiary baseline remove office", "ostiary baseline remove office --yes --reason unused"))
def remove(name: NameArgument, reason: ReasonOption = "", yes: YesOption = False) -> None:
    """Take a baseline of your own away, where it is not required and no rule in force asks for it."""
    setup()
    from ostiary.baselines.facade import get_baseline, remove_baseline

    get_baseline(name)
    confirm(f"This takes {name} away; its versions stay on record.", yes=yes)
    remove_baseline(name, now=time.time(), actor=operator_actor(), reason=reason)
    print_done(f"{name} is gone.")


@app.command(
    epilog=examples(
        "ostiary baseline require standard --from 2026-12-01", "ostiary baseline require strict --group finance --yes"
    )
)
def require(
    name: NameArgument,
    group: GroupOption = "",
    device: DeviceOption = "",
    start: FromOption = "",
    reason: ReasonOption = "",
    block: BlockOption = None,
    yes: YesOption = False,
    as_json: JsonOption = False,
) -> None:
    """Require a baseline: of every device, of those of a group's members, or of one. What counts before stays until then."""
    setup()
    from ostiary.baselines.facade import Requirement, require_baseline, try_requirement

    now = time.time()
    starts_at = start_of(start, now)
    wanted = Requirement(baseline=name, group=group, device=device, starts_at=starts_at or now)
    turned = try_requirement(wanted, now=now).turned
    when = day_and_time(starts_at) or "now"
    if turned.blocked:
        sure = yes or block == turned.blocked
        confirm(f"As things are, this blocks {turned.blocked} of {turned.of} devices ({when}).", yes=sure)
    made = require_baseline(
        name,
        now=now,
        actor=operator_actor(),
        group=group,
        device=device,
        starts_at=starts_at,
        reason=reason,
        blocked=block,
    )
    about = device or (f"devices of {group}" if group else "every device")
    print_outcome(made, f"{name} is required of {about} from {when}.", as_json=as_json)


@app.command(
    epilog=examples("ostiary baseline withdraw --group finance", "ostiary baseline withdraw --device dev-0a1b2c3d4e5f")
)
def withdraw(
    group: GroupOption = "", device: DeviceOption = "", reason: ReasonOption = "", block: BlockOption = None
) -> None:
    """Ask of a group's devices, or of one, what is asked of every other; without either, `minimum` of every device."""
    setup()
    from ostiary.baselines.facade import withdraw_requirement

    now, actor = time.time(), operator_actor()
    withdraw_requirement(now=now, actor=actor, group=group, device=device, reason=reason, blocked=block)
    print_done(f"Nothing in particular is required of {device or group or 'every device'} any more.")


def text_of(file: str) -> str:
    """Return what a file holds, or standard input for -."""
    return sys.stdin.read() if file == "-" else Path(file).read_text(encoding="utf-8")


def start_of(text: str, now: float) -> float | None:
    """Return what `--from` says, in seconds since the epoch: a day begins at midnight, a span is from now on."""
    if not text:
        return None
    moment = moment_of(text, datetime.fromtimestamp(now, UTC))
    return 2 * now - moment if text[-1:] in "mhd" else moment


def _asked(required: Any) -> str | None:
    words = [
        (one["device"] or (f"devices of {one['group']}" if one["group"] else "every device"))
        + (f" from {day_and_time(one['starts_at'])}" if one["starts_at"] > time.time() else "")
        for one in required
    ]
    return ", ".join(words) or None
