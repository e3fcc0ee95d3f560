"""`ostiary software`: what is installed on devices, and what of it is vulnerable."""

import time
from typing import Annotated

import typer

from ostiary.cli.django import setup
from ostiary.cli.moments import day_and_time
from ostiary.cli.output import ExitCode, JsonOption, examples, print_json, print_note, print_table

app = typer.Typer(help="Software on devices: what is installed, and what of it is vulnerable.", no_args_is_help=True)
PageOption = Annotated[int, typer.Option(min=1, help="Which page of the list.")]
PAGE_SIZE = 100


@app.command(
    epilog=examples(
        "ostiary software findings --severity critical", "ostiary software findings --device dev-0a1b2c3d4e5f --json"
    )
)
def findings(
    device: Annotated[str, typer.Option(metavar="DEVICE", help="Only on this one.")] = "",
    severity: Annotated[str, typer.Option(help="Only these: critical, high, medium, low or unknown.")] = "",
    text: Annotated[
        str, typer.Option("--search", metavar="TEXT", help="Words in an advisory or the name of a package.")
    ] = "",
    mendable: Annotated[
        bool | None, typer.Option("--mendable/--not-mendable", help="Only what an update mends, or what none does yet.")
    ] = None,
    page: PageOption = 1,
    as_json: JsonOption = False,
) -> None:
    """List what is vulnerable, the worst first: by advisory, with the version that mends it and on how many devices it is."""
    setup()
    from ostiary.devices.facade import get_device
    from ostiary.software.facade import read_severity, search_findings

    if device:
        get_device(device)
    found = search_findings(
        text=text, severity=read_severity(severity), device=device, mendable=mendable, page=page, page_size=PAGE_SIZE
    )
    if as_json:
        print_json(found)
    else:
        print_table(
            ("Advisory", "Flaw", "Severity", "Devices", "Package", "Mended in", "What it says"),
            (
                (one.id, one.key, one.severity, one.devices, one.names, one.fixes or "none yet", one.summary)
                for one in found.items
            ),
            empty="Nothing is known to be vulnerable. Whether enough is known: ostiary advisories status",
            right=("Devices",),
        )
        if found.total > len(found.items):
            print_note(f"These are {len(found.items)} of {found.total}. More: --page {found.page + 1}")
    if device:
        _note_gaps(device)
    if found.total:
        raise typer.Exit(ExitCode.FINDINGS)


@app.command(
    epilog=examples("ostiary software installed dev-0a1b2c3d4e5f", "ostiary software installed dev-0a1b2c3d4e5f --json")
)
def installed(
    device: Annotated[str, typer.Argument(metavar="DEVICE", help="Its identifier: see `ostiary device list`.")],
    as_json: JsonOption = False,
) -> None:
    """List what is installed on a device, as its agent says."""
    setup()
    from ostiary.devices.facade import get_device
    from ostiary.software.facade import get_device_software, list_packages

    get_device(device)
    packages, state = list_packages(device), get_device_software(device, now=time.time())
    if as_json:
        print_json({"state": state, "packages": packages})
        return
    print_table(
        ("From", "Package", "Version", "Built from"),
        (
            (one.ecosystem, one.name, one.version, f"{one.source} {one.source_version}".strip() or None)
            for one in packages
        ),
        empty="What is installed there is not known yet. Its agent says so with its reports: ostiary-agent run",
    )
    if state is not None:
        print_note(f"{state.packages} packages; confirmed {day_and_time(state.confirmed_at)}.")


def _note_gaps(device: str) -> None:
    """Say on standard error what is not known, so that an empty list is no comfort where it is none."""
    from ostiary.software.facade import get_device_software

    state = get_device_software(device, now=time.time())
    if state is None:
        print_note("What is installed on this device is not known.")
        return
    for words in state.not_known:
        print_note(words)
    if state.waiting:
        print_note(
            f"A newer kernel is installed and waits for a restart: {state.waiting}. Until then the running one counts."
        )
