"""`ostiary admin`: what remains when no administrator can sign in. Only on the machine, always on record."""

from typing import Annotated

import typer

from ostiary.cli.django import setup
from ostiary.cli.moments import day_and_time
from ostiary.cli.operator import operator_actor
from ostiary.cli.output import JsonOption, YesOption, confirm, examples, print_done, print_json, print_text

app = typer.Typer(help="Break-glass: let an administrator in again.", no_args_is_help=True)


@app.callback()
def admin() -> None:
    """Break-glass: let an administrator in again."""


@app.command(epilog=examples("ostiary admin recover", "ostiary admin recover --email ada@example.com --yes"))
def recover(
    email: Annotated[str, typer.Option(help="Whose account; the emergency account when empty.")] = "",
    yes: YesOption = False,
    as_json: JsonOption = False,
) -> None:
    """Print a link, good for 15 minutes, that opens the console whatever the rules say."""
    instance = setup()
    whom = email or f"emergency@{instance.configuration.domain}"
    confirm(f"{whom} becomes an administrator, and whoever opens the link is let in. This goes on record.", yes=yes)
    from ostiary.identity.facade import recover_administrator

    link = recover_administrator(email=email, actor=operator_actor())
    if as_json:
        print_json(link)
        return
    print_text(link.link)
    print_done(f"{whom} can open this link once, until {day_and_time(link.expires_at)}, for an hour in the console.")
