"""`ostiary token`: personal access tokens, with which people's own scripts open apps as them."""

import time
from typing import TYPE_CHECKING, Annotated

import msgspec
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
    print_text,
)

if TYPE_CHECKING:
    from ostiary.workloads.facade import PersonalToken

app = typer.Typer(
    help="Personal access tokens: people's own scripts open apps as them, within a scope.", no_args_is_help=True
)


@app.command("list", epilog=examples("ostiary token list", "ostiary token list --person ada@example.com --json"))
def list_(
    person: Annotated[str, typer.Option(metavar="ADDRESS", help="Only theirs.")] = "", as_json: JsonOption = False
) -> None:
    """List tokens, the newest first, with whose they are and when they were last used."""
    setup()
    from ostiary.identity.facade import find_person
    from ostiary.workloads.facade import list_tokens

    found = list_tokens(person=find_person(person).id if person else None)
    if as_json:
        print_json([_entry(one) for one in found])
        return
    print_table(
        ("Token", "Whose", "For", "Apps", "May", "State", "Last used", "Ends"),
        (
            (
                one.id,
                one.email,
                one.name,
                ", ".join(one.apps),
                _may(one),
                _state(one),
                day_and_time(one.used_at) if one.used_at else "never",
                day_and_time(one.expires_at),
            )
            for one in found
        ),
        empty="There is no token. People make them in the portal, under their name.",
    )


@app.command(
    epilog=examples(
        "ostiary token add ada@example.com --name 'weekly report' --app wiki",
        "ostiary token add ada@example.com --name sync --app wiki --app files --edit --days 30 --json",
    )
)
def add(
    person: Annotated[str, typer.Argument(metavar="ADDRESS", help="Whose script it is.")],
    name: Annotated[str, typer.Option(help="What it is for.")],
    app_: Annotated[list[str], typer.Option("--app", metavar="APP", help="An app it opens. Repeat it.")],
    edit: Annotated[bool, typer.Option("--edit", help="It may also edit; otherwise it views.")] = False,
    days: Annotated[int, typer.Option(help="How long it works: 1 to 365.")] = 90,
    as_json: JsonOption = False,
) -> None:
    """Make a token for somebody and print it: it is shown once and kept nowhere. On their own they do it in the portal."""
    setup()
    from ostiary.identity.facade import find_person
    from ostiary.policy.identifiers import AppId
    from ostiary.workloads.facade import make_token

    made = make_token(
        person_id=find_person(person).id,
        name=name,
        apps=[AppId(one) for one in app_],
        edit=edit,
        days=days,
        actor=operator_actor(),
    )
    if as_json:
        print_json({"token": made.secret, **_entry(made.token)})
        return
    print_text(made.secret)
    one = made.token
    print_done(
        f"{one.id} opens {', '.join(one.apps)} as {one.email} until {day_and_time(one.expires_at)}. Keep it now."
    )


@app.command(
    epilog=examples("ostiary token revoke t_0123", "ostiary token revoke t_0123 --yes --reason 'it was in a log'")
)
def revoke(
    token: Annotated[str, typer.Argument(metavar="TOKEN", help="Its identifier: see `ostiary token list`.")],
    reason: ReasonOption = "",
    yes: YesOption = False,
) -> None:
    """Take a token back: its next request is refused."""
    setup()
    from ostiary.workloads.facade import get_token, revoke_token

    one = get_token(token)
    confirm(f"Scripts that carry the token “{one.name}” of {one.email} are refused from now on.", yes=yes)
    revoke_token(one.id, reason=reason, actor=operator_actor())
    print_done(f"The token “{one.name}” of {one.email} is revoked.")


def _entry(token: "PersonalToken") -> dict[str, object]:
    return {**msgspec.structs.asdict(token), "state": _state(token)}


def _state(token: "PersonalToken") -> str:
    if token.revoked_at is not None:
        return "revoked"
    return "works" if token.works(time.time()) else "over"


def _may(token: "PersonalToken") -> str:
    return "view and edit" if token.edit else "view"
