"""`ostiary app limits`: how long apps with a label go on without a fresh proof."""

from typing import Annotated

import typer

from ostiary.cli.app import app as app_commands
from ostiary.cli.django import setup
from ostiary.cli.operator import operator_actor
from ostiary.cli.output import JsonOption, examples, print_done, print_json, print_table

app = typer.Typer(help="Limits on idleness and on the age of proofs, by label.", no_args_is_help=True)
app_commands.add_typer(app, name="limits")

LabelArgument = Annotated[str, typer.Argument(metavar="LABEL", help="The label, such as restricted.")]


@app.command("list", epilog=examples("ostiary app limits list", "ostiary app limits list --json"))
def list_(as_json: JsonOption = False) -> None:
    """List the limits that labels bring, and which apps they hold for."""
    setup()
    from ostiary.applications.facade import limit_text, list_apps, list_label_limits

    found, apps = list_label_limits(), list_apps()
    if as_json:
        print_json(found)
        return
    print_table(
        ("Label", "Idle limit", "Longest", "Apps"),
        (
            (
                one.label,
                limit_text(one.idle_seconds) or None,
                limit_text(one.longest_seconds) or None,
                ", ".join(app.id for app in apps if one.label in app.labels) or None,
            )
            for one in found
        ),
        empty="No label has limits. Set some: ostiary app limits set restricted --idle 15m --longest 8h",
    )


@app.command(
    "set",
    epilog=examples(
        "ostiary app limits set restricted --idle 15m --longest 8h", "ostiary app limits set internal --longest 12h"
    ),
)
def set_(
    label: LabelArgument,
    idle: Annotated[str, typer.Option("--idle", help="Unused for so long, a fresh proof is asked for: 15m.")] = "",
    longest: Annotated[str, typer.Option("--longest", help="So long after the last proof, a fresh one: 8h.")] = "",
    as_json: JsonOption = False,
) -> None:
    """Say what holds for every app with a label; what is not said has no limit. An app's own limits hold besides."""
    _store(label, idle, longest, as_json=as_json)


@app.command(epilog=examples("ostiary app limits clear restricted", "ostiary app limits clear restricted --json"))
def clear(label: LabelArgument, as_json: JsonOption = False) -> None:
    """Take the limits of a label away. The apps' own stay."""
    _store(label, "", "", as_json=as_json)


def _store(label: str, idle: str, longest: str, *, as_json: bool) -> None:
    setup()
    from ostiary.applications.facade import limit_text, list_apps, set_label_limits

    stored = set_label_limits(label, idle=idle, longest=longest, actor=operator_actor())
    if as_json:
        print_json(stored)
        return
    count = sum(stored.label in one.labels for one in list_apps())
    words = [
        f"{what} {limit_text(seconds)}"
        for what, seconds in (("idle", stored.idle_seconds), ("longest", stored.longest_seconds))
        if seconds is not None
    ]
    held = ", ".join(words) or "no limits of the label"
    print_done(f"Apps labelled {stored.label}: {held}. There {'is' if count == 1 else 'are'} {count}.")
