"""`ostiary config`: check and show what `ostiary.toml` and the environment say."""

import os
from typing import Annotated

import typer

from ostiary.cli.output import JsonOption, examples, print_done, print_json, print_table, print_text
from ostiary.config.database import masked_database_url
from ostiary.config.document import reference_page
from ostiary.config.keys import Key, all_keys
from ostiary.config.loader import find_home, load_instance
from ostiary.config.overrides import read_overrides
from ostiary.config.places import Instance

app = typer.Typer(help="Check and show the configuration.", no_args_is_help=True)


@app.command(epilog=examples("ostiary config check", "OSTIARY_GATEWAY__HTTPS_PORT=8443 ostiary config check"))
def check() -> None:
    """Check every key without starting anything. Exits with 4 when one cannot be used."""
    instance = load_instance(find_home())
    print_done(f"{instance.home / 'ostiary.toml'} can be used")


@app.command(epilog=examples("ostiary config show", "ostiary config show --changed --json"))
def show(
    changed: Annotated[bool, typer.Option("--changed", help="Only what differs from the default.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Show what is in force and where it comes from. Passwords are masked."""
    instance = load_instance(find_home())
    overridden = read_overrides(os.environ)
    rows = [(key, _value(instance, key), _source(instance, key, overridden)) for key in all_keys()]
    if changed:
        rows = [row for row in rows if row[2] != "default"]
    if as_json:
        print_json({key.path: {"value": value, "from": source} for key, value, source in rows})
    else:
        print_table(["key", "value", "from"], [(key.path, value, source) for key, value, source in rows], empty="")


@app.command(epilog=examples("ostiary config reference", "ostiary config reference > docs/reference/configuration.md"))
def reference() -> None:
    """Print the reference page on every key, in Markdown."""
    print_text(reference_page())


@app.command(epilog=examples("ostiary config commands", "ostiary config commands > docs/reference/cli.md"))
def commands() -> None:
    """Print the reference page on every command, in Markdown."""
    from ostiary.cli.main import app as whole
    from ostiary.cli.reference import command_page

    print_text(command_page(whole))


def _value(instance: Instance, key: Key) -> object:
    table = getattr(instance.configuration, key.table) if key.table else instance.configuration
    value: object = getattr(table, key.name)
    return masked_database_url(str(value)) if key.path == "database.url" else value


def _source(instance: Instance, key: Key, overridden: object) -> str:
    if isinstance(overridden, dict) and key.path in overridden:
        return "environment"
    return "default" if _value(instance, key) == key.default else "ostiary.toml"
