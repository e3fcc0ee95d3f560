"""`ostiary workload keys`: the public keys that services prove themselves with."""

from pathlib import Path
from typing import Annotated

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
    print_done,
    print_json,
    print_table,
)
from ostiary.cli.workload_words import NameArgument, entry_of, read_text

app = typer.Typer(help="The public keys a service proves itself with: list, add, remove.", no_args_is_help=True)
KeyFileArgument = Annotated[Path, typer.Argument(metavar="FILE", help="The public key: PEM or a JWK.")]


@app.command("list", epilog=examples("ostiary workload keys list deploy", "ostiary workload keys list deploy --json"))
def list_keys(name: NameArgument, as_json: JsonOption = False) -> None:
    """List the keys of a service."""
    setup()
    from ostiary.workloads.facade import get_service

    service = get_service(name)
    if as_json:
        print_json(service.keys)
        return
    print_table(
        ("Key", "Kind", "Added", "By", "Last used"),
        (
            (
                one.id,
                one.kind,
                day_and_time(one.added_at),
                one.added_by,
                day_and_time(one.used_at) if one.used_at else "never",
            )
            for one in service.keys
        ),
        empty=f"It has no key. Add one: ostiary workload keys add {service.id} FILE",
    )


@app.command(
    "add",
    epilog=examples(
        "ostiary workload keys add deploy deploy.pub",
        "ostiary workload keys add deploy new.pub --reason 'yearly change'",
    ),
)
def add_key_(name: NameArgument, file: KeyFileArgument, reason: ReasonOption = "", as_json: JsonOption = False) -> None:
    """Let a service prove itself with another public key; the private one stays with the service."""
    setup()
    from ostiary.workloads.facade import add_key

    service = add_key(name, read_text(file), reason=reason, actor=operator_actor())
    if as_json:
        print_json(entry_of(service))
        return
    print_done(f"{service.id} may prove itself with the key {service.keys[-1].id}.")


@app.command(
    "remove",
    epilog=examples(
        "ostiary workload keys remove deploy 3xQ", "ostiary workload keys remove deploy 3xQ --yes --reason 'key leaked'"
    ),
)
def remove_key_(
    name: NameArgument,
    key: Annotated[
        str,
        typer.Argument(
            metavar="KEY", help="Its identifier, or how it begins; say -- before one that begins with a hyphen."
        ),
    ],
    reason: ReasonOption = "",
    yes: YesOption = False,
) -> None:
    """Take a key away, and with it every token of the service."""
    setup()
    from ostiary.workloads.facade import remove_key

    confirm(f"{name} cannot prove itself with this key any more, and its tokens are worth nothing at once.", yes=yes)
    remove_key(name, key, reason=reason, actor=operator_actor())
    print_done(f"The key of {name} is removed.")
