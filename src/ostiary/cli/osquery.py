"""`ostiary osquery`: hosts that run osquery: with which secret they enrol, and which device each is."""

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
from ostiary.cli.programs import (
    Column,
    ExpiresOption,
    entry_of,
    list_programs,
    say_when_switched_off,
    show_new_token,
    state_of,
    take_back,
    until,
)

if TYPE_CHECKING:
    from ostiary.osquery.facade import NewSecret

app = typer.Typer(
    help="Hosts that run osquery: the secrets they enrol with, and which device each is.", no_args_is_help=True
)
secret_app = typer.Typer(help="Secrets with which hosts enrol: add, list, rotate, revoke.", no_args_is_help=True)
app.add_typer(secret_app, name="secret")

NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="The secret's name, as it stands on record.")]
HostArgument = Annotated[int, typer.Argument(metavar="HOST", help="Its number: see `ostiary osquery hosts`.")]


@secret_app.command(
    epilog=examples("ostiary osquery secret add office", "ostiary osquery secret add lab --expires 30d --json")
)
def add(
    name: NameArgument, expires: ExpiresOption = "365d", reason: ReasonOption = "", as_json: JsonOption = False
) -> None:
    """Make a secret with which hosts enrol; it is shown once and kept nowhere."""
    setup()
    from ostiary.osquery.facade import add_secret

    _show(add_secret(name, lifetime=expires, reason=reason, actor=operator_actor()), as_json=as_json)


@secret_app.command(
    epilog=examples("ostiary osquery secret rotate office", "ostiary osquery secret rotate office --expires 90d --json")
)
def rotate(
    name: NameArgument, expires: ExpiresOption = "365d", reason: ReasonOption = "", as_json: JsonOption = False
) -> None:
    """Put a new secret in the place of one; hosts that have enrolled go on."""
    setup()
    from ostiary.osquery.facade import add_secret

    _show(add_secret(name, lifetime=expires, rotate=True, reason=reason, actor=operator_actor()), as_json=as_json)


@secret_app.command("list", epilog=examples("ostiary osquery secret list", "ostiary osquery secret list --json"))
def list_(as_json: JsonOption = False) -> None:
    """List every secret, those included that are worth nothing any more."""
    instance = setup()
    from ostiary.osquery.facade import Secret, list_secrets

    columns: tuple[Column[Secret], ...] = (
        ("Secret", lambda one: one.name),
        ("State", state_of),
        ("Until", until),
        ("Last used", lambda one: day_and_time(one.used_at) if one.used_at else "never"),
        ("Added", lambda one: day_and_time(one.added_at)),
        ("By", lambda one: one.added_by),
    )
    empty = "No host can enrol. Make a secret: ostiary osquery secret add NAME"
    list_programs(list_secrets(), columns, empty=empty, as_json=as_json)
    if not as_json:
        say_when_switched_off(instance, "osquery", "Nobody is answered")


@secret_app.command(
    epilog=examples(
        "ostiary osquery secret revoke office",
        "ostiary osquery secret revoke office --yes --reason 'it was in a log' --json",
    )
)
def revoke(name: NameArgument, reason: ReasonOption = "", yes: YesOption = False, as_json: JsonOption = False) -> None:
    """Let no host enrol with a secret any more; those that have enrolled go on."""
    setup()
    from ostiary.osquery.facade import revoke_secret

    take_back(
        name,
        revoke_secret,
        consequence=f"No host can enrol with {name} any more.",
        done=f"{name} is worth nothing any more. Hosts that enrolled with it go on.",
        reason=reason,
        yes=yes,
        as_json=as_json,
    )


@app.command(epilog=examples("ostiary osquery hosts", "ostiary osquery hosts --unlinked --json"))
def hosts(
    unlinked: Annotated[bool, typer.Option("--unlinked", help="Only those that are linked with no device.")] = False,
    as_json: JsonOption = False,
) -> None:
    """List the hosts that have enrolled, and which device each is."""
    instance = setup()
    from ostiary.osquery.facade import list_hosts

    found = list_hosts(linked=False if unlinked else None)
    if as_json:
        print_json(found)
        return
    print_table(
        ("Host", "Name", "Calls itself", "Serial number", "System", "From", "Last seen", "Device"),
        (
            (
                one.id,
                one.name,
                f"{one.identifier} (and {one.claims - 1} more)" if one.claims > 1 else one.identifier,
                one.serial,
                one.system,
                one.address,
                day_and_time(one.seen_at),
                f"{one.device_name} ({one.device})" if one.device else None,
            )
            for one in found
        ),
        empty="No such host has enrolled.",
        right=("Host",),
    )
    say_when_switched_off(instance, "osquery", "Nobody is answered")


@app.command(
    epilog=examples(
        "ostiary osquery link 7 --device dev-k3f9a2b8c1d0",
        "ostiary osquery link 7 --device dev-k3f9a2b8c1d0 --reason 'seen on the desk' --json",
    )
)
def link(
    host: HostArgument,
    device: Annotated[str, typer.Option(help="The device's identifier: ostiary device list.")],
    reason: ReasonOption = "",
    as_json: JsonOption = False,
) -> None:
    """Say that a host is a device. What it says counts for that device from now on, so be sure."""
    setup()
    from ostiary.osquery.facade import link_host

    linked = link_host(host, device=device, reason=reason, actor=operator_actor())
    print_outcome(linked, f"What osquery says on {linked.name} counts for {linked.device_name}.", as_json=as_json)


@app.command(
    epilog=examples("ostiary osquery unlink 7", "ostiary osquery unlink 7 --yes --reason 'wrong laptop' --json")
)
def unlink(host: HostArgument, reason: ReasonOption = "", yes: YesOption = False, as_json: JsonOption = False) -> None:
    """Take back that a host is a device; what it said is forgotten of the device."""
    setup()
    from ostiary.osquery.facade import get_host, unlink_host

    found = get_host(host)
    confirm(f"What osquery says on {found.name} counts for no device from now on.", yes=yes)
    done = unlink_host(host, reason=reason, actor=operator_actor())
    print_outcome(done, f"{done.name} is linked with no device any more.", as_json=as_json)


@app.command(epilog=examples("ostiary osquery remove 7", "ostiary osquery remove 7 --yes --reason 'sold' --json"))
def remove(host: HostArgument, reason: ReasonOption = "", yes: YesOption = False, as_json: JsonOption = False) -> None:
    """Put a host out: its node key is worth nothing, and it can only enrol anew."""
    setup()
    from ostiary.osquery.facade import get_host, remove_host

    found = get_host(host)
    confirm(f"The node key of {found.name} is worth nothing from now on. It comes back if it has a secret.", yes=yes)
    done = remove_host(host, reason=reason, actor=operator_actor())
    print_outcome(done, f"{done.name} is put out.", as_json=as_json)


def _show(made: "NewSecret", *, as_json: bool) -> None:
    instance = setup()
    if as_json:
        print_json({"token": made.token, "host": instance.identity_host, **entry_of(made.secret)})
        return
    show_new_token(
        made.token,
        may=f"Hosts may enrol with {made.secret.name} until {until(made.secret)}",
        note="Put it alone into the file that --enroll_secret_path names.",
    )
    say_when_switched_off(instance, "osquery", "Nobody is answered")
