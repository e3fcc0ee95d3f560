"""`ostiary directory`: other directories whose sign-in is accepted here."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer

from ostiary.cli.django import setup
from ostiary.cli.operator import operator_actor
from ostiary.cli.output import (
    ExitCode,
    JsonOption,
    Refused,
    YesOption,
    confirm,
    examples,
    print_done,
    print_json,
    print_note,
    print_table,
    print_text,
)

if TYPE_CHECKING:
    from ostiary.identity.domain.federation import Preset, Provider

app = typer.Typer(help="Other directories: sign in with an account from there.", no_args_is_help=True)
provider_app = typer.Typer(
    help="Directories to sign in with: add, change, list, show, test, remove.", no_args_is_help=True
)
app.add_typer(provider_app, name="provider")

ProviderArgument = Annotated[
    str, typer.Argument(metavar="NAME", help="What it is called here: small letters, hyphens.")
]
NameOption = Annotated[str | None, typer.Option("--button", help="What people read on the button: “Sign in with …”.")]
ClientOption = Annotated[str | None, typer.Option("--client-id", help="What this instance is called there.")]
SecretOption = Annotated[
    Path | None,
    typer.Option("--secret-file", help="A file that holds the client secret; it is copied and never shown."),
]
DomainOption = Annotated[
    list[str] | None,
    typer.Option("--domain", help="Google: whose accounts come in. Everywhere: whose addresses may get an account."),
]
AuthoritativeOption = Annotated[
    list[str] | None,
    typer.Option(help="A domain whose addresses only this directory gives out: verified ones link without more proof."),
]
ProvisionOption = Annotated[
    bool | None, typer.Option("--provision/--no-provision", help="Whether newcomers get an account by themselves.")
]
OnlyOption = Annotated[
    list[str] | None, typer.Option("--only", help="A group there that may come in; none for everybody.")
]
ClaimOption = Annotated[str | None, typer.Option("--groups-claim", help="The claim that lists groups.")]
GroupOption = Annotated[
    list[str] | None, typer.Option("--group", "-g", help="THERE=HERE: a group there and what it brings.")
]
MfaOption = Annotated[
    list[str] | None,
    typer.Option("--mfa", help="VALUE=otp or VALUE=phishing-resistant: what a value of amr, acr or acrs is worth."),
]
ScopeOption = Annotated[
    list[str] | None, typer.Option("--scope", help="What is asked for; email and profile by default.")
]


@provider_app.command(
    epilog=examples(
        "ostiary directory provider add google --preset google --domain example.com --client-id ID --secret-file FILE",
        "ostiary directory provider add work --preset entra --tenant TENANT-ID --client-id ID --secret-file FILE",
    )
)
def add(
    name: ProviderArgument,
    client_id: Annotated[str, typer.Option("--client-id", help="What this instance is called there.")],
    secret_file: Annotated[
        Path, typer.Option("--secret-file", help="A file that holds the client secret; it is copied.")
    ],
    preset: Annotated[str, typer.Option(help="entra, okta, google, or oidc for any other.")] = "oidc",
    issuer: Annotated[str, typer.Option(help="The issuer, as its discovery document writes it.")] = "",
    tenant: Annotated[str, typer.Option(help="Entra: the directory (tenant) identifier.")] = "",
    button: NameOption = None,
    domain: DomainOption = None,
    authoritative: AuthoritativeOption = None,
    provision: ProvisionOption = None,
    only: OnlyOption = None,
    groups_claim: ClaimOption = None,
    group: GroupOption = None,
    mfa: MfaOption = None,
    scope: ScopeOption = None,
) -> None:
    """Accept the sign-in of another directory from now on."""
    setup()
    from ostiary.identity.facade import Provider, ProviderId, add_provider, callback_url

    kind = _preset(preset)
    described = Provider(
        id=ProviderId(name),
        preset=kind,
        name=_NAMES.get(preset, name),
        issuer=_issuer(kind, issuer, tenant),
        client_id=client_id,
    )
    described = _with(described, button, None, domain, authoritative, provision, only, groups_claim, group, mfa, scope)
    add_provider(provider=described, secret=_read(secret_file), actor=operator_actor())
    print_done(f"People can sign in with {described.name}.")
    print_note(f"Enter this address there as the redirect URI: {callback_url(name)}")
    print_note(f"Try it: ostiary directory provider test {name}")


@provider_app.command(
    epilog=examples(
        "ostiary directory provider change work -g 1f0c7a52=finance -g 77aa0d31=staff",
        "ostiary directory provider change work --secret-file new-secret.txt",
    )
)
def change(
    name: ProviderArgument,
    button: NameOption = None,
    client_id: ClientOption = None,
    secret_file: SecretOption = None,
    domain: DomainOption = None,
    authoritative: AuthoritativeOption = None,
    provision: ProvisionOption = None,
    only: OnlyOption = None,
    groups_claim: ClaimOption = None,
    group: GroupOption = None,
    mfa: MfaOption = None,
    scope: ScopeOption = None,
) -> None:
    """Change what a directory may and brings; an option replaces all it had of that, an empty one takes it away."""
    setup()
    from ostiary.identity.facade import change_provider, get_provider

    found = get_provider(name)
    described = _with(found, button, client_id, domain, authoritative, provision, only, groups_claim, group, mfa, scope)
    secret = _read(secret_file) if secret_file is not None else None
    change_provider(provider=described, secret=secret, actor=operator_actor())
    print_done(f"{name} is changed. Groups that it no longer brings are gone; new ones come with the next sign-in.")


@provider_app.command(
    "list", epilog=examples("ostiary directory provider list", "ostiary directory provider list --json")
)
def list_(as_json: JsonOption = False) -> None:
    """List the directories that people can sign in with."""
    setup()
    from ostiary.identity.facade import list_providers

    providers = list_providers()
    if as_json:
        print_json(providers)
        return
    print_table(
        ("Name", "Kind", "Button", "Issuer", "People"),
        ((one.id, one.preset, one.name, one.issuer, one.people) for one in providers),
        empty="There is no other directory to sign in with. Add one: ostiary directory provider add --help",
        right=("People",),
    )


@provider_app.command(
    epilog=examples("ostiary directory provider show work", "ostiary directory provider show work --json")
)
def show(name: ProviderArgument, as_json: JsonOption = False) -> None:
    """Show one directory: who may come in, what it brings, and the address to enter there. Never the secret."""
    setup()
    from ostiary.identity.facade import callback_url, get_provider

    found = get_provider(name)
    if as_json:
        print_json({**msgspec.to_builtins(found), "redirect_uri": callback_url(name)})
        return
    entries = {
        "Kind": found.preset,
        "Button": f"Sign in with {found.name}",
        "Issuer": found.issuer,
        "Client": found.client_id,
        "Redirect URI": callback_url(name),
        "Domains": ", ".join(found.domains) or "–",
        "Gives out the addresses of": ", ".join(found.authoritative) or "–",
        "Newcomers": "get an account by themselves" if found.provisions else "need an invitation",
        "Who may come in": ", ".join(found.required) or "everybody there",
        "Groups": ", ".join(f"{there} brings {here}" for there, here in found.groups.items()) or "–",
        "Second factor": ", ".join(f"{value} is {worth}" for value, worth in found.mfa.items()) or "asked for here",
        "People": found.people,
    }
    for label, value in entries.items():
        print_text(f"{label}: {value}")


@provider_app.command(
    "test", epilog=examples("ostiary directory provider test work", "ostiary directory provider test work --json")
)
def try_out(name: ProviderArgument, as_json: JsonOption = False) -> None:
    """Ask the directory what a sign-in needs of it, and say what is not as it should be."""
    setup()
    from ostiary.identity.facade import check_provider, get_provider

    checks = check_provider(get_provider(name))
    if as_json:
        print_json(checks)
    else:
        rows = ((one.what, "yes" if one.good else "no", one.words) for one in checks)
        print_table(("What", "So", ""), rows, empty="Nothing was looked at.")
    if not all(one.good for one in checks):
        raise typer.Exit(ExitCode.FINDINGS)


@provider_app.command(
    epilog=examples("ostiary directory provider remove work", "ostiary directory provider remove work --yes")
)
def remove(
    name: ProviderArgument,
    reason: Annotated[str, typer.Option(help="Why, for the record.")] = "",
    yes: YesOption = False,
) -> None:
    """Accept a directory's sign-in no more; who signed in by it is signed out, and groups that it brought go."""
    setup()
    from ostiary.identity.facade import get_provider, remove_provider

    found = get_provider(name)
    confirm(f"{found.people} people can no longer sign in with {found.name}, and lose what it brought them.", yes=yes)
    remove_provider(provider_id=found.id, reason=reason, actor=operator_actor())
    print_done(f"{name} is removed.")


_NAMES = {"entra": "Microsoft", "okta": "Okta", "google": "Google"}


def _with(
    described: "Provider",
    button: str | None,
    client_id: str | None,
    domain: list[str] | None,
    authoritative: list[str] | None,
    provision: bool | None,
    only: list[str] | None,
    groups_claim: str | None,
    group: list[str] | None,
    mfa: list[str] | None,
    scope: list[str] | None,
) -> "Provider":
    """Return the description with what was said on the command line in the place of what it had."""
    from ostiary.policy.identifiers import GroupId

    said = {
        "name": button,
        "client_id": client_id,
        "domains": _listed(domain),
        "authoritative": _listed(authoritative),
        "provisions": provision,
        "required": _listed(only),
        "groups_claim": groups_claim,
        "groups": None if group is None else {one: GroupId(here) for one, here in _pairs(group, "--group")},
        "mfa": None if mfa is None else dict(_pairs(mfa, "--mfa")),
        "scopes": _listed(scope),
    }
    return msgspec.structs.replace(described, **{name: value for name, value in said.items() if value is not None})


def _listed(values: list[str] | None) -> tuple[str, ...] | None:
    return None if values is None else tuple(one for one in values if one)


def _pairs(texts: list[str], option: str) -> list[tuple[str, str]]:
    pairs = [text.rpartition("=") for text in texts if text]
    for there, mark, here in pairs:
        if not mark or not there or not here:
            raise typer.BadParameter("Write it as THERE=HERE.", param_hint=option)
    return [(there, here) for there, _mark, here in pairs]


def _preset(text: str) -> "Preset":
    from ostiary.identity.facade import Preset

    try:
        return Preset(text)
    except ValueError:
        raise typer.BadParameter("It is entra, okta, google or oidc.", param_hint="--preset") from None


def _issuer(preset: "Preset", issuer: str, tenant: str) -> str:
    from ostiary.identity.facade import GOOGLE_ISSUER

    if preset == "google" and not issuer:
        return GOOGLE_ISSUER
    if preset == "entra" and not issuer:
        return f"https://login.microsoftonline.com/{tenant or 'common'}/v2.0"
    return issuer


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise Refused(f"{path} cannot be read ({error.strerror}).", hint="Put the secret alone into a file.") from None
