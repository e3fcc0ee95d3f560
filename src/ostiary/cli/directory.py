"""`ostiary directory`: other directories whose sign-in is accepted here."""

from typing import Annotated

import msgspec
import typer

from ostiary.cli.directory_key import app as key_app
from ostiary.cli.directory_options import (
    NAMES,
    AuthoritativeOption,
    ClaimOption,
    ClientOption,
    DomainOption,
    GroupOption,
    MfaOption,
    NameOption,
    OnlyOption,
    ProviderArgument,
    ProvisionOption,
    ScopeOption,
    SecretOption,
    SignOutOption,
    described_with,
    issuer_of,
    parse_preset,
    read_secret_file,
)
from ostiary.cli.django import setup
from ostiary.cli.operator import operator_actor
from ostiary.cli.output import (
    ExitCode,
    JsonOption,
    YesOption,
    confirm,
    examples,
    print_done,
    print_json,
    print_note,
    print_table,
    print_text,
)

app = typer.Typer(help="Other directories: sign in with an account from there.", no_args_is_help=True)
provider_app = typer.Typer(
    help="Directories to sign in with: add, change, list, show, test, remove.", no_args_is_help=True
)
app.add_typer(provider_app, name="provider")
app.add_typer(key_app, name="key")


@provider_app.command(
    epilog=examples(
        "ostiary directory provider add google --preset google --domain example.com --client-id ID --secret-file FILE",
        "ostiary directory provider add work --preset entra --tenant TENANT-ID --client-id ID --key",
    )
)
def add(
    name: ProviderArgument,
    client_id: Annotated[str, typer.Option("--client-id", help="What this instance is called there.")],
    secret_file: SecretOption = None,
    key: Annotated[
        bool, typer.Option("--key", help="Use a key made here (private_key_jwt) in the place of a client secret.")
    ] = False,
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
    sign_out: SignOutOption = None,
) -> None:
    """Accept the sign-in of another directory from now on."""
    setup()
    from ostiary.identity.facade import Provider, ProviderId, add_provider, callback_url, prepare_key

    if key == (secret_file is not None):
        raise typer.BadParameter(
            "Give the client secret, or use a key: one of the two.", param_hint="--secret-file, --key"
        )
    kind = parse_preset(preset)
    described = Provider(
        id=ProviderId(name),
        preset=kind,
        name=NAMES.get(preset, name),
        issuer=issuer_of(kind, issuer, tenant),
        client_id=client_id,
        proves_by="key" if key else "secret",
    )
    described = described_with(
        described, button, None, domain, authoritative, provision, only, groups_claim, group, mfa, scope, sign_out
    )
    secret = read_secret_file(secret_file) if secret_file is not None else None
    add_provider(provider=described, secret=secret, actor=operator_actor())
    if key:
        prepare_key(provider_id=name, actor=operator_actor())
    print_done(f"People can sign in with {described.name}.")
    if key:
        print_note(f"Enter the key there: ostiary directory key show {name}")
    print_note(f"Enter this address there as the redirect URI: {callback_url(name)}")
    print_note(f"Try it: ostiary directory provider test {name}")


@provider_app.command(
    epilog=examples(
        "ostiary directory provider change work -g 1f0c7a52=finance -g 77aa0d31=staff",
        "ostiary directory provider change work --sign-out-there",
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
    sign_out: SignOutOption = None,
    key: Annotated[
        bool,
        typer.Option("--key", help="Use the key from `ostiary directory key make` in the place of a client secret."),
    ] = False,
) -> None:
    """Change what a directory may and brings; an option replaces all it had of that, an empty one takes it away."""
    setup()
    from ostiary.identity.facade import change_provider, get_provider

    found = get_provider(name)
    if key and secret_file is not None:
        raise typer.BadParameter(
            "Give the client secret, or use a key: one of the two.", param_hint="--secret-file, --key"
        )
    described = described_with(
        found, button, client_id, domain, authoritative, provision, only, groups_claim, group, mfa, scope, sign_out
    )
    if key or secret_file is not None:
        described = msgspec.structs.replace(described, proves_by="key" if key else "secret")
    secret = read_secret_file(secret_file) if secret_file is not None else None
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
    from ostiary.identity.facade import callback_url, get_provider, keys_url, logout_url, signed_out_url

    found = get_provider(name)
    addresses = {
        "redirect_uri": callback_url(name),
        "post_logout_redirect_uri": signed_out_url(name),
        "backchannel_logout_uri": logout_url(name),
        "jwks_uri": keys_url(name),
    }
    if as_json:
        print_json({**msgspec.to_builtins(found), **addresses})
        return
    entries = {
        "Kind": found.preset,
        "Button": f"Sign in with {found.name}",
        "Issuer": found.issuer,
        "Client": found.client_id,
        "Proves itself by": "a key: ostiary directory key show " + name if found.proves_by == "key" else "a secret",
        "Redirect URI": addresses["redirect_uri"],
        "Signing out here": "leads there, to sign out too" if found.signs_out else "says nothing there",
        "Post-logout redirect URI": addresses["post_logout_redirect_uri"],
        "Back-channel logout URI": addresses["backchannel_logout_uri"],
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
