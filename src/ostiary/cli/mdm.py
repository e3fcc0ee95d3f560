"""`ostiary mdm`: device management elsewhere (Fleet, Microsoft Intune, Jamf Pro), and which device its records are about."""

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer

from ostiary.cli.django import setup
from ostiary.cli.moments import day_and_time
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
    print_outcome,
    print_table,
    progress,
)

if TYPE_CHECKING:
    from ostiary.mdm.facade import Connection

app = typer.Typer(
    help="Device management elsewhere: Fleet, Microsoft Intune, Jamf Pro. What it says of devices counts for rules.",
    no_args_is_help=True,
)
NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="What the connection is called here.")]
RecordArgument = Annotated[
    str, typer.Argument(metavar="RECORD", help="The device there: its identifier, or its serial number.")
]


@app.command(
    epilog=examples(
        "ostiary mdm connect fleet --kind fleet --address https://fleet.example.com --secret-file fleet.token",
        "ostiary mdm connect intune --kind intune --tenant example.com --client-id 0f1e… --secret-file intune.secret",
        "ostiary mdm connect macs --kind jamf --address https://example.jamfcloud.com --client-id 9a8b… --secret-file - "
        "--json < jamf.secret",
    )
)
def connect(
    name: NameArgument,
    kind: Annotated[str, typer.Option(help="fleet, intune or jamf.")],
    secret_file: Annotated[
        Path, typer.Option("--secret-file", help="A file with the token, or the client's secret; - for standard input.")
    ],
    address: Annotated[str, typer.Option(help="https:// and the host; for Intune Microsoft's own by default.")] = "",
    tenant: Annotated[str, typer.Option(help="Intune: the directory's identifier or domain.")] = "",
    client_id: Annotated[str, typer.Option("--client-id", help="Intune and Jamf Pro: the client's identifier.")] = "",
    token_address: Annotated[
        str, typer.Option("--token-address", help="Where tokens are had, if not at the usual place.")
    ] = "",
    reason: ReasonOption = "",
    as_json: JsonOption = False,
) -> None:
    """Ask device management from now on. It is tried first; nothing is kept where it does not answer."""
    setup()
    from ostiary.mdm.facade import connect as make
    from ostiary.mdm.facade import describe

    described = describe(kind, address=address, tenant=tenant, token_address=token_address, client_id=client_id)
    made = make(name, described, secret=_read(secret_file), reason=reason, actor=operator_actor())
    words = f"{made.described.kind.words} is asked from now on."
    note = f"Its devices come in within a minute, or now: ostiary mdm import {made.name}"
    print_outcome(_entry(made), words, note, as_json=as_json)


@app.command("list", epilog=examples("ostiary mdm list", "ostiary mdm list --json"))
def list_(as_json: JsonOption = False) -> None:
    """List the connections, and how each does."""
    setup()
    from ostiary.mdm.facade import list_connections

    found = list_connections()
    if as_json:
        print_json([_entry(one) for one in found])
        return
    print_table(
        ("Connection", "Product", "Address", "State", "Devices", "Linked", "Last import"),
        (
            (
                one.name,
                one.described.kind.words,
                one.described.address,
                _state(one),
                str(one.records),
                str(one.linked),
                day_and_time(one.imported_at) or "never",
            )
            for one in found
        ),
        right=("Devices", "Linked"),
        empty="No device management is asked. Connect one: ostiary mdm connect --help",
    )


@app.command("test", epilog=examples("ostiary mdm test fleet", "ostiary mdm test fleet --json"))
def try_(name: NameArgument, as_json: JsonOption = False) -> None:
    """Ask for the first page of devices, and keep nothing of it."""
    setup()
    from ostiary.mdm.facade import try_connection

    tried = try_connection(name)
    if as_json:
        print_json(tried)
        return
    print_done(f"It answers: {tried.found} devices on its first page{', and there are more' if tried.more else ''}.")
    if tried.skipped:
        print_note(f"{tried.skipped} entries there cannot be read.")


@app.command("import", epilog=examples("ostiary mdm import fleet", "ostiary mdm import fleet --json"))
def import_(name: NameArgument, as_json: JsonOption = False) -> None:
    """Bring in now what a connection knows. The worker does it every 15 minutes."""
    setup()
    from ostiary.mdm.facade import import_records

    with progress(f"Asking {name[:63]}") as step:
        done = import_records(
            name, now=time.time(), progress=lambda one: step.say(f"{one.pages} pages, {one.records} devices")
        )
    words = f"{done.found} devices came in from {done.name}; {done.linked} are linked with one of ours."
    notes = [f"{done.skipped} entries could not be read."] if done.skipped else []
    if done.linked < done.records:
        notes.append(f"Say which device a record is about: ostiary mdm records {done.name}")
    print_outcome(_entry(done), words, *notes, as_json=as_json)


@app.command(
    epilog=examples(
        "ostiary mdm records fleet", "ostiary mdm records intune --unlinked", "ostiary mdm records fleet --json"
    )
)
def records(
    name: NameArgument,
    unlinked: Annotated[bool, typer.Option("--unlinked", help="Only those that are linked with no device.")] = False,
    as_json: JsonOption = False,
) -> None:
    """List the devices that a connection knows, and which of ours each is."""
    setup()
    from ostiary.mdm.facade import get_connection, list_records

    get_connection(name)
    found = list_records(connection=name, linked=False if unlinked else None)
    if as_json:
        print_json(found)
        return
    print_table(
        ("There", "Name", "Serial number", "Belongs to", "Heard of", "Device here"),
        (
            (
                one.record.there,
                one.record.name,
                f"{one.record.serial} (said by {one.claims})" if one.claims > 1 else one.record.serial,
                one.record.owner,
                "gone" if one.gone else day_and_time(one.record.synced_at),
                f"{one.device_name} ({one.device})" if one.device else None,
            )
            for one in found
        ),
        empty=f"Nothing came in yet. Ask: ostiary mdm import {name}",
    )


@app.command(epilog=examples("ostiary mdm suggest fleet", "ostiary mdm suggest intune --json"))
def suggest(name: NameArgument, as_json: JsonOption = False) -> None:
    """Say which records are probably about which device: the same owner, computer name and system, and nobody else has them."""
    setup()
    from ostiary.mdm.facade import list_suggestions

    found = list_suggestions(name)
    if as_json:
        print_json(found)
        return
    print_table(
        ("There", "Name there", "Serial number", "Device here", "Why"),
        (
            (
                one.record.record.there,
                one.record.record.name,
                one.record.record.serial,
                f"{one.device.name} ({one.device.id})",
                one.why,
            )
            for one in found
        ),
        empty=f"Nothing is suggested. Say it one by one: ostiary mdm records {name} --unlinked",
    )
    if found:
        print_note(
            "Nothing is linked yet. A person who is sure says so, here with ostiary mdm link or in the console: Sources."
        )


@app.command(
    epilog=examples(
        "ostiary mdm link fleet 17 --device dev-k3f9a2b8c1d0",
        "ostiary mdm link intune c02xa001 --device dev-k3f9a2b8c1d0 --reason 'label on the lid' --json",
    )
)
def link(
    name: NameArgument,
    record: RecordArgument,
    device: Annotated[str, typer.Option(help="The device's identifier: ostiary device list.")],
    reason: ReasonOption = "",
    as_json: JsonOption = False,
) -> None:
    """Say which device a record is about. What it says counts for that device from now on, so be sure."""
    setup()
    from ostiary.mdm.facade import find_record, link_record

    linked = link_record(find_record(name, record).id, device=device, reason=reason, actor=operator_actor())
    print_outcome(linked, f"What {name} says of {linked.record.name} counts for {linked.device_name}.", as_json=as_json)


@app.command(
    epilog=examples("ostiary mdm unlink fleet 17", "ostiary mdm unlink fleet 17 --yes --reason 'wrong laptop' --json")
)
def unlink(
    name: NameArgument,
    record: RecordArgument,
    reason: ReasonOption = "",
    yes: YesOption = False,
    as_json: JsonOption = False,
) -> None:
    """Take back that a record is about a device; what it said is forgotten of the device."""
    setup()
    from ostiary.mdm.facade import find_record, unlink_record

    found = find_record(name, record)
    confirm(f"What {name} says of {found.record.name} counts for no device from now on.", yes=yes)
    done = unlink_record(found.id, reason=reason, actor=operator_actor())
    print_outcome(done, f"{done.record.name} is linked with no device any more.", as_json=as_json)


@app.command(
    epilog=examples("ostiary mdm remove fleet", "ostiary mdm remove fleet --yes --reason 'we left Fleet' --json")
)
def remove(name: NameArgument, reason: ReasonOption = "", yes: YesOption = False, as_json: JsonOption = False) -> None:
    """Ask a system no more, and forget what it said of devices."""
    setup()
    from ostiary.mdm.facade import get_connection, remove_connection

    linked = get_connection(name).linked
    confirm(f"What {name} says of {linked} devices is forgotten; rules that ask for it refuse them.", yes=yes)
    removed = remove_connection(name, reason=reason, actor=operator_actor())
    print_outcome(_entry(removed), f"{name} is not asked any more.", as_json=as_json)


def _read(path: Path) -> str:
    try:
        return sys.stdin.readline().strip() if str(path) == "-" else path.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise Refused(f"{path} cannot be read: {error}.", hint="Put the secret alone into the file.") from None


def _entry(connection: "Connection") -> dict[str, object]:
    return {**msgspec.structs.asdict(connection), "state": _state(connection)}


def _state(connection: "Connection") -> str:
    if connection.running_since is not None:
        return f"importing, page {connection.pages}"
    if connection.problem:
        return f"problem: {connection.problem}"
    return "works" if connection.imported_at is not None else "waits for its first import"
