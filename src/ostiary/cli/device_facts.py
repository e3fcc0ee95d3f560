"""`ostiary device show|facts|history|overview`: one device, what is known of it, how that changed; all devices together."""

import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer

from ostiary.cli.device import DeviceArgument, app, entry_of
from ostiary.cli.device_shown import facts_of
from ostiary.cli.django import setup
from ostiary.cli.moments import day_and_time
from ostiary.cli.output import JsonOption, examples, print_json, print_note, print_table

if TYPE_CHECKING:
    from ostiary.devices.facade import Known, Posture, Said, Value

SHOWN_CHANGES = 50


@app.command(epilog=examples("ostiary device show dev-0a1b2c3d4e5f", "ostiary device show dev-0a1b2c3d4e5f --json"))
def show(device: DeviceArgument, as_json: JsonOption = False) -> None:
    """Show one device: whose it is, its key, who approved it, which sign-ins count on it, and what is known of it."""
    setup()
    from ostiary.devices.facade import get_device, get_posture
    from ostiary.identity.facade import list_sessions

    found = get_device(device)
    posture = get_posture(found.id, now=time.time())
    sessions = list_sessions(device=found.id, page_size=100)
    if as_json:
        print_json(entry_of(found) | {"posture": _entry(posture), "sessions": sessions.items})
        return
    print_table(("What", "Value"), (*facts_of(found), ("Sign-ins bound to it", str(sessions.total))), empty="")
    print_note("")
    _print_posture(posture)


@app.command(epilog=examples("ostiary device facts dev-0a1b2c3d4e5f", "ostiary device facts dev-0a1b2c3d4e5f --json"))
def facts(device: DeviceArgument, as_json: JsonOption = False) -> None:
    """Show what is known of a device: each fact as rules read it, who says so, when they looked, and who disagrees."""
    setup()
    from ostiary.devices.facade import get_posture

    posture = get_posture(device, now=time.time())
    if as_json:
        print_json(_entry(posture))
        return
    _print_posture(posture)


@app.command(
    epilog=examples("ostiary device history dev-0a1b2c3d4e5f", "ostiary device history dev-0a1b2c3d4e5f -n 500 --json")
)
def history(
    device: DeviceArgument,
    number: Annotated[int, typer.Option("-n", min=1, max=500, help="How many changes at most.")] = SHOWN_CHANGES,
    as_json: JsonOption = False,
) -> None:
    """Show how a device's facts changed, newest first. The latest 500 changes are kept."""
    setup()
    from ostiary.devices.facade import get_device, list_fact_changes

    changes = list_fact_changes(get_device(device).id, limit=number)
    if as_json:
        print_json(changes)
        return
    print_table(
        ("When", "Fact", "Before", "Since then", "Told by"),
        ((day_and_time(one.at), one.name, _value(one.before), _value(one.value), one.source) for one in changes),
        empty="Nothing changed yet. What is known now: ostiary device facts DEVICE",
    )


@app.command(epilog=examples("ostiary device overview", "ostiary device overview --json"))
def overview(as_json: JsonOption = False) -> None:
    """Show all devices in use together: platforms, which are told of, how they stand to what is required, each fact, what is oldest."""
    setup()
    from ostiary.baselines.facade import count_stands
    from ostiary.devices.facade import get_fleet, list_seen

    now = time.time()
    fleet, standing, unknown = get_fleet(now=now), count_stands(now=now), len(list_seen(now=now))
    if as_json:
        print_json(msgspec.structs.asdict(fleet) | {"standing": standing, "unknown_devices": unknown})
        return
    counted = (
        ("devices in use", fleet.devices),
        *fleet.platforms,
        *((one.value, count) for one, count in fleet.telling),
        *((one.value, count) for one, count in standing),
        ("seen and never enrolled", unknown),
    )
    print_table(("What", "Devices"), counted, empty="", right=("Devices",))
    print_note("")
    print_table(
        ("Fact", "Good", "Bad", "Not known"),
        ((one.name, one.good, one.bad, one.unknown) for one in fleet.facts),
        empty="",
        right=("Good", "Bad", "Not known"),
    )
    print_note("")
    print_table(
        ("Operating system", "Devices", "Days of support left"),
        ((one.name, one.devices, one.support_days) for one in fleet.versions),
        empty="Of no device is it known which operating system it has.",
        right=("Devices", "Days of support left"),
    )
    print_note("")
    print_table(
        ("Device", "Name", "Owner", "Oldest security update waits for days"),
        ((one.id, one.name, one.owner, one.days) for one in fleet.waiting),
        empty="No security update waits, on any device of which that is known.",
        right=("Oldest security update waits for days",),
    )


def _print_posture(posture: "Posture") -> None:
    print_table(
        ("Fact", "Value", "Evidence", "Told by", "Looked at", "Remark"),
        _lines(posture),
        empty="Nothing was told of it yet. Its agent does so while it runs: ostiary-agent run",
    )


def _lines(posture: "Posture") -> Iterator[tuple[str | None, ...]]:
    from ostiary.devices.facade import FACTS

    for name in FACTS:
        if name in posture.known:
            fact = posture.known[name]
            said = fact.counts
            yield name, _value(said.value), said.evidence.word, said.source, day_and_time(said.at), _others(fact)
        elif name in posture.unknown:
            yield name, "not known", None, None, None, posture.unknown[name]


def _others(fact: "Known") -> str | None:
    """Return who says something else; the worse counts."""
    return "; ".join(f"{one.source} says {_value(one.value)}" for one in fact.said if one.value != fact.value) or None


def _value(value: "Value | None") -> str:
    if value is None:
        return "not known"
    return ("yes" if value else "no") if isinstance(value, bool) else str(value)


def _entry(posture: "Posture") -> dict[str, object]:
    return {
        "reported_at": posture.reported_at,
        "known": {
            name: {**_said(fact.counts), "said": list(map(_said, fact.said))} for name, fact in posture.known.items()
        },
        "unknown": posture.unknown,
    }


def _said(said: "Said") -> dict[str, object]:
    return {
        "value": said.value,
        "source": said.source,
        "evidence": said.evidence.word,
        "at": said.at,
        "until": said.until,
    }
