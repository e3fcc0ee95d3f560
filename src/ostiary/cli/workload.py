"""`ostiary workload`: services (scripts, robots, pipelines), their keys and the issuers they trust."""

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
from ostiary.cli.workload_words import UnreadableFile, claims_of, entry_of, facts_of, read_text, state_words

if TYPE_CHECKING:
    from ostiary.workloads.facade import Service

app = typer.Typer(
    help="Services: scripts, robots and pipelines that use apps without a person. Rules name them `service:NAME`.",
    no_args_is_help=True,
)
keys_app = typer.Typer(help="The public keys a service proves itself with: list, add, remove.", no_args_is_help=True)
trust_app = typer.Typer(
    help="Issuers whose tokens stand for a service (GitHub Actions, GitLab, Kubernetes): add, remove.",
    no_args_is_help=True,
)
app.add_typer(keys_app, name="keys")
app.add_typer(trust_app, name="trust")

NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="The service's name, as rules write it.")]
KeyFileArgument = Annotated[Path, typer.Argument(metavar="FILE", help="The public key: PEM or a JWK.")]
__all__ = ["UnreadableFile", "app"]


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


@keys_app.command(
    "list", epilog=examples("ostiary workload keys list deploy", "ostiary workload keys list deploy --json")
)
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


@keys_app.command(
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


@keys_app.command(
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


@trust_app.command(
    "add",
    epilog=examples(
        "ostiary workload trust add deploy --issuer https://token.actions.githubusercontent.com "
        "--claim repository=acme/web --claim ref=refs/heads/main",
        "ostiary workload trust add backup --issuer https://kubernetes.default.svc.cluster.local "
        "--claim sub=system:serviceaccount:jobs:backup --keys-file jwks.json",
    ),
)
def add_trust_(
    name: NameArgument,
    issuer: Annotated[str, typer.Option(metavar="URL", help="The `iss` of its tokens, exactly.")],
    claim: Annotated[
        list[str], typer.Option(metavar="CLAIM=VALUE", help="What a claim must be; `*` stands for anything. Repeat it.")
    ],
    audience: Annotated[
        str, typer.Option(help="What `aud` must hold. [dim]the address of the sign-in host[/dim]", show_default=False)
    ] = "",
    keys_file: Annotated[
        Path | None, typer.Option(metavar="FILE", help="The issuer's key set (JWKS), where it cannot be fetched.")
    ] = None,
    reason: ReasonOption = "",
    as_json: JsonOption = False,
) -> None:
    """Let tokens of an issuer stand for a service, where their claims are as said."""
    instance = setup()
    from ostiary.workloads.facade import add_trust

    service = add_trust(
        name,
        issuer=issuer,
        audience=audience or instance.url(instance.identity_host, ""),
        claims=claims_of(claim),
        keys=read_text(keys_file) if keys_file is not None else "",
        reason=reason,
        actor=operator_actor(),
    )
    if as_json:
        print_json(entry_of(service))
        return
    trust = service.trusts[-1]
    print_done(f"Tokens of {trust.issuer} for {trust.audience} stand for {service.id}, as number {trust.id}.")


@trust_app.command(
    "remove",
    epilog=examples("ostiary workload trust remove deploy 3", "ostiary workload trust remove deploy 3 --yes"),
)
def remove_trust_(
    name: NameArgument,
    number: Annotated[str, typer.Argument(metavar="NUMBER", help="Its number: see `ostiary workload show`.")],
    reason: ReasonOption = "",
    yes: YesOption = False,
) -> None:
    """Trust an issuer no longer; the service's tokens end with it."""
    setup()
    from ostiary.workloads.facade import remove_trust

    confirm(f"Tokens of this issuer stand for {name} no longer, and its tokens are worth nothing at once.", yes=yes)
    remove_trust(name, number, reason=reason, actor=operator_actor())
    print_done(f"{name} trusts this issuer no longer.")


def _proofs(service: "Service") -> str:
    keys, issuers = len(service.keys), len(service.trusts)
    parts = [f"{keys} key{'s' if keys > 1 else ''}"] if keys else []
    parts += [f"{issuers} issuer{'s' if issuers > 1 else ''}"] if issuers else []
    return ", ".join(parts) or "nothing yet"
