"""`ostiary admin`: who administers and for how long, and what remains when no administrator can sign in."""

from typing import TYPE_CHECKING, Annotated

import typer

from ostiary.cli.django import setup
from ostiary.cli.moments import day_and_time
from ostiary.cli.operator import operator_actor
from ostiary.cli.output import JsonOption, YesOption, confirm, examples, print_done, print_json, print_table, print_text

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ostiary.requests.facade import AdministratorRow

app = typer.Typer(help="Administrators: who they are, only when needed, and break-glass.", no_args_is_help=True)


@app.callback()
def admin() -> None:
    """Administrators: who they are, only when needed, and break-glass."""


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


@app.command("list", epilog=examples("ostiary admin list", "ostiary admin list --json"))
def list_(as_json: JsonOption = False) -> None:
    """List who is an administrator, without an end or for a while, and who may become one."""
    setup()
    from ostiary.requests.facade import list_administrators

    found = list_administrators()
    if as_json:
        print_json(found)
        return
    _show(found)


@app.command(
    "only-when-needed",
    epilog=examples(
        "ostiary admin only-when-needed --dry-run", "ostiary admin only-when-needed --keep ada@example.com"
    ),
)
def only_when_needed(
    keep: Annotated[
        list[str] | None, typer.Option(help="Whose administration stays without an end; repeatable.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would become of whom; change nothing.")] = False,
    yes: YesOption = False,
    as_json: JsonOption = False,
) -> None:
    """Turn administrators into people who become one for a while, with a passkey and a reason.

    Whoever has no passkey stays as they are. The emergency account of this machine stays what it is.
    """
    setup()
    from ostiary.identity.facade import parse_email
    from ostiary.requests.facade import turn_into_eligible

    staying = tuple(parse_email(one) for one in keep or ())
    found = turn_into_eligible(keep=staying, actor=operator_actor(), dry_run=True)
    turned = [one.email for one in found if one.standing and not one.stays]
    if not dry_run and turned:
        if not as_json:
            _show(found)
        confirm(f"{', '.join(turned)} lose the console now, and become administrators only for a while.", yes=yes)
        turn_into_eligible(keep=staying, actor=operator_actor())
    if as_json:
        print_json({"turned": turned, "dry_run": dry_run, "administrators": found})
    elif dry_run or not turned:
        _show(found)
        print_done("Nothing was changed." if turned else "Nobody can be changed.")
    else:
        print_done(f"Administrators only when needed: {', '.join(turned)}.")


def _show(found: "Iterable[AdministratorRow]") -> None:
    rows = ((one.email, _standing(one), "yes" if one.passkey else "no", one.stays or None) for one in found)
    print_table(
        ("Who", "Administrator", "Passkey", "Stays so because it"), rows, empty="Nobody. Run: ostiary admin recover"
    )


def _standing(one: "AdministratorRow") -> str:
    if one.standing:
        return "without an end"
    return f"until {day_and_time(one.until)}" if one.until else "may become one"
