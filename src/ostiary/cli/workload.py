"""`ostiary workload`: services (scripts, robots, pipelines). Their keys and the issuers they trust are in two commands of their own."""

import time
from pathlib import Path
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
    print_done,
    print_json,
    print_note,
    print_table,
    print_text,
)
from ostiary.cli.workload_keys import app as keys_app
from ostiary.cli.workload_trust import app as trust_app
from ostiary.cli.workload_words import NameArgument, entry_of, facts_of, read_text, state_words

if TYPE_CHECKING:
    from ostiary.workloads.facade import Service

app = typer.Typer(
    help="Services: scripts, robots and pipelines that use apps without a person. Rules name them `service:NAME`.",
    no_args_is_help=True,
)
app.add_typer(keys_app, name="keys")
app.add_typer(trust_app, name="trust")


@app.command(
    epilog=examples(
        "ostiary workload add nightly-export --owner ada@example.com --key export.pub",
        "ostiary workload add deploy --owner ada@example.com --days 180 --purpose 'deploys the wiki'",
    )
)
def add(
    name: NameArgument,
    owner: Annotated[str, typer.Option(metavar="ADDRESS", help="Who answers for it.")],
    days: Annotated[int, typer.Option(help="When it ends by itself, from now: 1 to 731.")] = 365,
    purpose: Annotated[str, typer.Option(help="What it is for.")] = "",
    token_minutes: Annotated[int, typer.Option(help="How long each of its tokens lives: 1 to 60.")] = 10,
    key: Annotated[Path | None, typer.Option(metavar="FILE", help="Its public key: PEM or a JWK.")] = None,
    reason: ReasonOption = "",
    as_json: JsonOption = False,
) -> None:
    """Make a service. It opens nothing until it can prove itself and a rule names it."""
    setup()
    from django.db import transaction

    from ostiary.workloads.facade import add_key, add_service

    actor, public = operator_actor(), read_text(key) if key is not None else ""
    with transaction.atomic():
        service = add_service(
            name,
            owner=owner,
            days=days,
            purpose=purpose,
            token_minutes=token_minutes,
            reason=reason,
            actor=actor,
        )
        if public:
            service = add_key(name, public, actor=actor, reason=reason)
    if as_json:
        print_json(entry_of(service))
        return
    print_done(f"{service.id} is there until {day_and_time(service.ends_at)}; {service.owner} answers for it.")
    if not service.keys:
        print_note(f"It needs a key (ostiary workload keys add {name} FILE) or an issuer (ostiary workload trust add).")
    print_note(f"It opens what rules give it: allow: service:{service.id}")


@app.command("list", epilog=examples("ostiary workload list", "ostiary workload list --json"))
def list_(as_json: JsonOption = False) -> None:
    """List every service, with who answers for it and when it was last used."""
    setup()
    from ostiary.workloads.facade import list_services

    services, now = list_services(), time.time()
    if as_json:
        print_json([entry_of(one) for one in services])
        return
    print_table(
        ("Service", "State", "Owner", "Last used", "Ends", "Proves itself by"),
        (
            (
                one.id,
                state_words(one, now),
                (one.owner or "nobody") + (" (gone)" if one.owner and one.owner_gone else ""),
                day_and_time(one.used_at) if one.used_at else "never",
                day_and_time(one.ends_at),
                _proofs(one),
            )
            for one in services
        ),
        empty="There is no service. Make one: ostiary workload add NAME --owner ADDRESS",
    )


@app.command(epilog=examples("ostiary workload show deploy", "ostiary workload show deploy --json"))
def show(name: NameArgument, as_json: JsonOption = False) -> None:
    """Show one service with its keys and issuers."""
    setup()
    from ostiary.workloads.facade import get_service

    service = get_service(name)
    if as_json:
        print_json(entry_of(service))
        return
    print_table(("What", "Value"), facts_of(service, time.time()), empty="")


@app.command(
    epilog=examples(
        "ostiary workload change deploy --owner bo@example.com", "ostiary workload change deploy --days 365"
    )
)
def change(
    name: NameArgument,
    owner: Annotated[str | None, typer.Option(metavar="ADDRESS", help="Who answers from now on.")] = None,
    days: Annotated[int | None, typer.Option(help="When it ends by itself, from now: 1 to 731.")] = None,
    purpose: Annotated[str | None, typer.Option(help="What it is for.")] = None,
    token_minutes: Annotated[int | None, typer.Option(help="How long each of its tokens lives: 1 to 60.")] = None,
    reason: ReasonOption = "",
    as_json: JsonOption = False,
) -> None:
    """Change who answers for a service, when it ends, what it is for; the rest stays as it is."""
    setup()
    from ostiary.workloads.facade import change_service

    service = change_service(
        name,
        owner=owner,
        days=days,
        purpose=purpose,
        token_minutes=token_minutes,
        reason=reason,
        actor=operator_actor(),
    )
    if as_json:
        print_json(entry_of(service))
        return
    print_done(f"{service.id} is there until {day_and_time(service.ends_at)}; {service.owner} answers for it.")


@app.command(
    epilog=examples("ostiary workload disable deploy", "ostiary workload disable deploy --yes --reason 'key leaked'")
)
def disable(name: NameArgument, reason: ReasonOption = "", yes: YesOption = False) -> None:
    """Switch a service off: its next request is refused."""
    setup()
    from ostiary.workloads.facade import disable_service, get_service

    service = get_service(name)
    confirm(f"{service.id} is refused from its next request on, and open connections end.", yes=yes)
    disable_service(service.id, reason=reason, actor=operator_actor())
    print_done(f"{service.id} is switched off.")


@app.command(
    epilog=examples("ostiary workload enable deploy", "ostiary workload enable deploy --reason 'a new key is in'")
)
def enable(name: NameArgument, reason: ReasonOption = "") -> None:
    """Switch a service on again; the tokens it had before stay worthless."""
    setup()
    from ostiary.workloads.facade import enable_service

    service = enable_service(name, reason=reason, actor=operator_actor())
    print_done(f"{service.id} is switched on.")


@app.command(epilog=examples("ostiary workload remove deploy", "ostiary workload remove deploy --yes"))
def remove(name: NameArgument, reason: ReasonOption = "", yes: YesOption = False) -> None:
    """Remove a service with its keys and issuers. Rules that name it stay and open nothing."""
    setup()
    from ostiary.workloads.facade import get_service, remove_service

    service = get_service(name)
    confirm(f"{service.id} is gone for good, with its keys and the issuers it trusts.", yes=yes)
    remove_service(service.id, reason=reason, actor=operator_actor())
    print_done(f"{service.id} is removed.")


@app.command(epilog=examples("ostiary workload token deploy", "ostiary workload token deploy --json"))
def token(name: NameArgument, as_json: JsonOption = False) -> None:
    """Print a token of a service without its key, to try what the rules open to it. It is on record."""
    setup()
    from ostiary.web.workload import signed_token
    from ostiary.workloads.facade import entitle_by_hand

    now = time.time()
    entitled = entitle_by_hand(name, now=now)
    text = signed_token(entitled, now=now)
    if as_json:
        print_json({"access_token": text, "token_type": "Bearer", "expires_in": entitled.seconds})
        return
    print_text(text)
    print_note(f"It works for {entitled.seconds // 60} minutes: curl -H 'Authorization: Bearer …' https://…")


def _proofs(service: "Service") -> str:
    keys, issuers = len(service.keys), len(service.trusts)
    parts = [f"{keys} key{'s' if keys > 1 else ''}"] if keys else []
    parts += [f"{issuers} issuer{'s' if issuers > 1 else ''}"] if issuers else []
    return ", ".join(parts) or "nothing yet"
