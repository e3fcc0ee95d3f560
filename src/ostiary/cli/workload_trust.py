"""`ostiary workload trust`: the issuers whose tokens stand for a service, and what these must say."""

import time
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
    print_note,
    print_table,
    print_text,
)
from ostiary.cli.workload_words import NameArgument, entry_of, read_text

app = typer.Typer(
    help="Issuers whose tokens stand for a service (GitHub Actions, GitLab, Kubernetes): list, add, try, remove.",
    no_args_is_help=True,
)


@app.command("list", epilog=examples("ostiary workload trust list deploy", "ostiary workload trust list deploy --json"))
def list_trusts(name: NameArgument, as_json: JsonOption = False) -> None:
    """List the issuers whose tokens stand for a service, and what these must say."""
    setup()
    from ostiary.workloads.facade import get_service

    service = get_service(name)
    if as_json:
        print_json(service.trusts)
        return
    print_table(
        ("Number", "Issuer", "For whom", "Its tokens must say", "Good", "Last used"),
        (
            (
                one.id,
                one.issuer + (" (own keys)" if one.keys else ""),
                one.audience,
                "\n".join(f"{claim}={value}" for claim, value in one.claims.items()),
                "once" if one.once else "until they run out",
                day_and_time(one.used_at) if one.used_at else "never",
            )
            for one in service.trusts
        ),
        empty=f"It trusts no issuer. Add one: ostiary workload trust add {service.id} --issuer … --claim …",
    )


@app.command(
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
    once: Annotated[
        bool | None,
        typer.Option(
            "--once/--again",
            help="Whether each of its tokens is good for one of ours only. [dim]--once for GitHub Actions[/dim]",
            show_default=False,
        ),
    ] = None,
    reason: ReasonOption = "",
    as_json: JsonOption = False,
) -> None:
    """Let tokens of an issuer stand for a service, where their claims are as said."""
    instance = setup()
    from ostiary.workloads.facade import add_trust, read_claims

    service = add_trust(
        name,
        issuer=issuer,
        audience=audience or instance.url(instance.identity_host, ""),
        claims=read_claims(claim),
        keys=read_text(keys_file) if keys_file is not None else "",
        once=once,
        reason=reason,
        actor=operator_actor(),
    )
    if as_json:
        print_json(entry_of(service))
        return
    trust = service.trusts[-1]
    print_done(f"Tokens of {trust.issuer} for {trust.audience} stand for {service.id}, as number {trust.id}.")
    print_note("Each of them is good once." if trust.once else "Each of them is good until it runs out: see --once.")


@app.command(
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


@app.command(
    "try",
    epilog=examples(
        "ostiary workload trust try deploy job.jwt", "echo $TOKEN | ostiary workload trust try deploy - --json"
    ),
)
def try_(
    name: NameArgument,
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="The token of a job, in a file; - reads it from the input.")
    ],
    as_json: JsonOption = False,
) -> None:
    """Say rule by rule whether a job's token would stand for a service. Nothing is given out or used up."""
    setup()
    from ostiary.workloads.facade import try_token

    tried = try_token(
        name, typer.get_text_stream("stdin").read() if str(file) == "-" else read_text(file), now=time.time()
    )
    if as_json:
        print_json(tried)
        return
    for one in tried.trusts:
        print_text(
            f"Issuer {one.trust.id}, {one.trust.issuer}: {'stands' if one.stands else 'does not stand'} for {name}"
        )
        print_table(
            ("Claim", "Must be", "Is", "Fits"),
            ((rule.claim, rule.wanted, rule.said, "yes" if rule.fits else "no") for rule in one.rules),
            empty="",
        )
        for problem in one.problems:
            print_note(problem)
    if not tried.trusts:
        print_note(f"It trusts no issuer. Add one: ostiary workload trust add {name} --issuer … --claim …")
