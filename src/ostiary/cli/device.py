"""`ostiary device`: computers that prove by a key of their own which they are: approving them, stopping them, ending them."""

import time
from typing import TYPE_CHECKING, Annotated, Final

import msgspec
import typer

from ostiary.cli.device_shown import of_which, stand_of, stand_words, state_words
from ostiary.cli.device_tpm import makers
from ostiary.cli.django import setup
from ostiary.cli.moments import day_and_time
from ostiary.cli.operator import operator_actor
from ostiary.cli.output import (
    JsonOption,
    ReasonOption,
    YesOption,
    confirm,
    examples,
    print_done,
    print_json,
    print_note,
    print_table,
)

if TYPE_CHECKING:
    from ostiary.devices.facade import Device

app = typer.Typer(
    help="Devices: computers that prove which they are. Rules ask for one with `device: {managed: true}`.",
    no_args_is_help=True,
)
authority_app = typer.Typer(help="The key that signs devices' certificates: show, rotate.", no_args_is_help=True)
app.add_typer(authority_app, name="authority")
app.command(epilog=examples("ostiary device makers", "ostiary device makers --json"))(makers)

DeviceArgument = Annotated[str, typer.Argument(metavar="DEVICE", help="Its identifier: see `ostiary device list`.")]
DevicesArgument = Annotated[list[str], typer.Argument(metavar="DEVICE…", help="One identifier or several.")]


@app.command(
    "list",
    epilog=examples("ostiary device list --standing blocked", "ostiary device list --fact disk_encrypted=bad --json"),
)
def list_(
    person: Annotated[str, typer.Option(metavar="ADDRESS", help="Only theirs.")] = "",
    state: Annotated[
        str, typer.Option(help="Only those that are: waiting, active, quarantined, lost or retired.")
    ] = "",
    fact: Annotated[
        str,
        typer.Option(
            metavar="FACT=VALUE", help="Only those of which a fact is so: VALUE is good, bad, unknown or a value."
        ),
    ] = "",
    standing: Annotated[
        str,
        typer.Option(
            help="Only those that stand so to what is required of them: compliant, grace (it has time left), held or blocked."
        ),
    ] = "",
    as_json: JsonOption = False,
) -> None:
    """List devices with whose they are, how they stand to what is required of them, and when they last asked for a certificate."""
    setup()
    from ostiary.baselines.facade import Stands, list_stands
    from ostiary.devices.facade import State, UnusableDevice, list_devices
    from ostiary.identity.facade import find_person

    if state and state not in set(State):
        raise UnusableDevice(f"No device is {state[:40]!r}.", hint=f"Say one of: {', '.join(State)}.")
    if standing and standing not in set(Stands):
        raise UnusableDevice(f"No device stands {standing[:40]!r}.", hint=f"Say one of: {', '.join(Stands)}.")
    now = time.time()
    found = list_devices(owner=find_person(person).id if person else None)
    found = tuple(one for one in found if not state or one.state == state)
    if fact:
        found = of_which(found, fact, now=now)
    stands = list_stands([one.id for one in found], now=now)
    if standing:
        found = tuple(one for one in found if one.id in stands and stands[one.id].stands == standing)
    if as_json:
        print_json([entry_of(one) | stand_of(stands.get(one.id)) for one in found])
        return
    print_table(
        ("Device", "Name", "Owner", "State", "Requirements", "Platform", "Key", "Last seen", "Enrolled"),
        (
            (
                one.id,
                one.name,
                one.owner + (" (gone)" if one.owner_gone else ""),
                state_words(one),
                stand_words(stands.get(one.id)),
                one.platform,
                one.key_protection,
                day_and_time(one.seen_at) if one.seen_at else "never",
                day_and_time(one.enrolled_at),
            )
            for one in found
        ),
        empty="There is no such device. People enrol theirs with: ostiary-agent enrol ADDRESS",
    )


class Verb(msgspec.Struct, frozen=True):
    """What can be done to several devices at once: to all that are named, or to none.

    Args:
        help: what it does.
        done: what is said of each; `{name}`, `{owner}` and `{key}` are filled in.
        reason: one that stands in the examples.
    """

    help: str
    done: str
    reason: str


VERBS: Final = {
    "approve": Verb(
        "Let devices that wait have certificates. Compare the key with what the computer shows: `ostiary-agent status`.",
        "{name} of {owner} is approved; its key begins with {key}.",
        "handed out today",
    ),
    "quarantine": Verb(
        "Have devices count as unmanaged at once, until they are released.",
        "{name} of {owner} is in quarantine.",
        "odd alarms",
    ),
    "release": Verb(
        "Let devices out of quarantine, once you know where they are.",
        "{name} of {owner} counts as managed again.",
        "found again",
    ),
}
"""By the name of the command; the use case is called the same, with `_device` behind it."""


def _add(name: str, verb: Verb) -> None:
    typed = f"ostiary device {name}"

    @app.command(
        name,
        help=verb.help,
        epilog=examples(
            f"{typed} dev-0a1b2c3d4e5f --reason '{verb.reason}'", f"{typed} dev-0a1b2c3d4e5f dev-6g7h8i9j0k1l --json"
        ),
    )
    def each(devices: DevicesArgument, reason: ReasonOption = "", as_json: JsonOption = False) -> None:
        setup()
        from django.db import transaction

        from ostiary.devices import facade

        act = getattr(facade, f"{name}_device")
        with transaction.atomic():
            changed = [act(one, actor=operator_actor(), reason=reason) for one in devices]
        if as_json:
            print_json([entry_of(one) for one in changed])
            return
        for one in changed:
            key = facade.shown_key(one.thumbprint)
            print_done(verb.done.format(name=one.name, owner=one.owner, key=key))


for _name, _verb in VERBS.items():
    _add(_name, _verb)


@app.command(
    epilog=examples("ostiary device deny dev-0a1b2c3d4e5f --yes", "ostiary device deny dev-0a1b2c3d4e5f --yes --json")
)
def deny(
    device: DeviceArgument, reason: ReasonOption = "", yes: YesOption = False, as_json: JsonOption = False
) -> None:
    """Turn a device away that waits to be approved."""
    setup()
    from ostiary.devices.facade import deny_device, get_device

    found = get_device(device)
    confirm(f"{found.name} of {found.owner} is turned away, and has to be enrolled anew.", yes=yes)
    deny_device(found.id, actor=operator_actor(), reason=reason)
    if as_json:
        print_json(entry_of(found))
        return
    print_done(f"{found.name} of {found.owner} is turned away.")


@app.command(
    epilog=examples(
        "ostiary device lost dev-0a1b2c3d4e5f --reason 'left on the train'",
        "ostiary device lost dev-0a1b2c3d4e5f --yes --keep-sign-ins",
    )
)
def lost(
    device: DeviceArgument,
    keep: Annotated[
        bool,
        typer.Option(
            "--keep-sign-ins", help="Leave its owner's sign-ins and access tokens: it was never used unlocked."
        ),
    ] = False,
    reason: ReasonOption = "",
    yes: YesOption = False,
    as_json: JsonOption = False,
) -> None:
    """End a device that somebody else may hold: its certificates, and its owner's sign-ins, tokens and elevation. For good."""
    setup()
    from ostiary.devices.facade import get_device, report_lost

    found = get_device(device)
    more = "" if keep else f", and {found.owner} is signed out everywhere and has no access tokens any more"
    confirm(f"{found.name} is refused from now on, for good{more}.", yes=yes)
    ended = report_lost(found.id, actor=operator_actor(), reason=reason, sign_out=not keep)
    if as_json:
        print_json(entry_of(ended))
        return
    print_done(f"{found.name} of {found.owner} is lost.")
    if keep:
        print_note(f"Scripts on it may hold tokens: ostiary token list --person {found.owner}")


@app.command(
    epilog=examples("ostiary device retire dev-0a1b2c3d4e5f", "ostiary device retire dev-0a1b2c3d4e5f --yes --json")
)
def retire(
    device: DeviceArgument, reason: ReasonOption = "", yes: YesOption = False, as_json: JsonOption = False
) -> None:
    """End a device that is not used any more, for good."""
    setup()
    from ostiary.devices.facade import get_device, retire_device

    found = get_device(device)
    confirm(f"{found.name} of {found.owner} is refused from now on, for good.", yes=yes)
    ended = retire_device(found.id, actor=operator_actor(), reason=reason)
    if as_json:
        print_json(entry_of(ended))
        return
    print_done(f"{found.name} of {found.owner} is retired.")


@app.command(
    epilog=examples(
        "ostiary device rename dev-0a1b2c3d4e5f 'Front desk'", "ostiary device rename dev-0a1b2c3d4e5f till-2 --json"
    )
)
def rename(
    device: DeviceArgument,
    name: Annotated[str, typer.Argument(help="What it is called from now on.")],
    as_json: JsonOption = False,
) -> None:
    """Call a device something else."""
    setup()
    from ostiary.devices.facade import rename_device

    renamed = rename_device(device, name, actor=operator_actor())
    if as_json:
        print_json(entry_of(renamed))
        return
    print_done(f"{renamed.id} is called {renamed.name}.")


@authority_app.command("show", epilog=examples("ostiary device authority show", "ostiary device authority show --json"))
def authority_show(as_json: JsonOption = False) -> None:
    """Show the certificates that devices' own are signed by."""
    setup()
    from django.conf import settings

    from ostiary.devices.facade import describe_authority

    found = describe_authority(settings.INSTANCE)
    if as_json:
        print_json(found)
        return
    print_table(
        ("What", "Name", "Ends", "SHA-256"),
        ((one.what, one.name, day_and_time(one.ends_at), one.fingerprint) for one in found),
        empty="There is none yet. It is made at the next start: ostiary up",
    )


@authority_app.command(
    "rotate",
    epilog=examples("ostiary device authority rotate --reason yearly", "ostiary device authority rotate --yes --json"),
)
def authority_rotate(reason: ReasonOption = "", yes: YesOption = False, as_json: JsonOption = False) -> None:
    """Have another key sign devices' certificates from now on; it also changes by itself, before its year is over."""
    setup()
    from django.conf import settings

    from ostiary.devices.facade import change_authority, describe_authority

    confirm("Another key signs from now on. Devices notice nothing: what they hold goes on until it ends.", yes=yes)
    change_authority(now=time.time(), actor=operator_actor(), reason=reason)
    if as_json:
        print_json(describe_authority(settings.INSTANCE))
        return
    print_done("Another key signs devices' certificates.")


def entry_of(device: "Device") -> dict[str, object]:
    """Return a device for programs."""
    return msgspec.structs.asdict(device)
