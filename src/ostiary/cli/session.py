"""`ostiary session`: who is signed in, and signing people out."""

import time
from typing import Annotated

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
    print_table,
)
from ostiary.policy.identifiers import SessionId

app = typer.Typer(help="Sign-ins: list them, end them.", no_args_is_help=True)

PersonOption = Annotated[str, typer.Option("--person", "-p", metavar="EMAIL", help="Only this person's.")]


@app.command("list", epilog=examples("ostiary session list", "ostiary session list --person ada@example.com --json"))
def list_(person: PersonOption = "", as_json: JsonOption = False) -> None:
    """List sign-ins, last used first."""
    setup()
    from ostiary.identity.facade import find_person, list_sessions

    person_id = find_person(person).id if person else None
    sessions = list_sessions(person_id=person_id, page_size=100_000).items
    if as_json:
        print_json(sessions)
        return
    print_table(
        ("Session", "Person", "Browser", "Address", "Proved", "Last used", "Ends"),
        (
            (
                one.id,
                one.person_email,
                one.browser,
                one.address,
                ", ".join(proof.method for proof in one.authentications),
                day_and_time(one.last_seen_at),
                day_and_time(one.expires_at),
            )
            for one in sessions
        ),
        empty="Nobody is signed in.",
    )


@app.command(
    epilog=examples(
        "ostiary session revoke s_k3v…",
        "ostiary session revoke --person ada@example.com --tokens --reason 'lost laptop'",
    )
)
def revoke(
    session: Annotated[str, typer.Argument(metavar="[SESSION]", help="One sign-in, by its identifier.")] = "",
    person: PersonOption = "",
    everybody: Annotated[bool, typer.Option("--all", help="Everybody's.")] = False,
    tokens: Annotated[
        bool, typer.Option("--tokens", help="With --person: revoke their access tokens as well; else these go on.")
    ] = False,
    reason: ReasonOption = "",
    yes: YesOption = False,
) -> None:
    """End sign-ins, here and at every app, at once."""
    if tokens and not person:
        raise Refused("Access tokens belong to somebody.", hint="Give --person EMAIL, or: ostiary token revoke")
    if sum((bool(session), bool(person), everybody)) != 1:
        raise Refused("Say whose sign-ins to end.", hint="Give one SESSION, or --person EMAIL, or --all.")
    setup()
    from ostiary.identity.facade import (
        find_person,
        get_session,
        list_sessions,
        revoke_all_sessions,
        revoke_session,
        revoke_sessions_of,
    )
    from ostiary.workloads.facade import list_tokens

    actor = operator_actor()
    why = reason or "revoked on the machine"
    if session:
        found = get_session(SessionId(session))
        revoke_session(session_id=found.id, reason=why, actor=actor)
        print_done(f"{found.person_email} is signed out of {found.browser}.")
        return
    if person:
        whom = find_person(person)
        count = list_sessions(person_id=whom.id).total
        living = [one.name for one in list_tokens(person=whom.id) if one.works(time.time())]
        more = f" It revokes {len(living)} access tokens: {', '.join(living)}." if tokens and living else ""
        confirm(f"This signs {whom.email} out of {count} browsers and every app.{more}", yes=yes)
        ended = revoke_sessions_of(person_id=whom.id, reason=why, actor=actor, afresh=tokens)
        print_done(f"{whom.email} is signed out of {ended} browsers.")
        if living and not tokens:
            print_note(f"These access tokens go on: {', '.join(living)}. End them: ostiary token list")
        return
    confirm(f"This signs everybody out: {list_sessions().total} browsers, administrators included.", yes=yes)
    print_done(f"{revoke_all_sessions(reason=why, actor=actor)} sign-ins ended.")
