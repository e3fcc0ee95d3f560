"""What is said of a directory on the command line, and what is made of it. The commands are in `directory`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer

from ostiary.cli.output import Refused

if TYPE_CHECKING:
    from ostiary.identity.domain.federation import Preset, Provider

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
SignOutOption = Annotated[
    bool | None,
    typer.Option("--sign-out-there/--sign-out-here", help="Whether who signs out here is sent there to sign out too."),
]

NAMES = {"entra": "Microsoft", "okta": "Okta", "google": "Google"}


def described_with(
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
    sign_out: bool | None,
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
        "signs_out": sign_out,
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


def parse_preset(text: str) -> "Preset":
    """Return which directory it is."""
    from ostiary.identity.facade import Preset

    try:
        return Preset(text)
    except ValueError:
        raise typer.BadParameter("It is entra, okta, google or oidc.", param_hint="--preset") from None


def issuer_of(preset: "Preset", issuer: str, tenant: str) -> str:
    """Return the issuer: what was said, or what follows from the preset."""
    from ostiary.identity.facade import GOOGLE_ISSUER

    if preset == "google" and not issuer:
        return GOOGLE_ISSUER
    if preset == "entra" and not issuer:
        return f"https://login.microsoftonline.com/{tenant or 'common'}/v2.0"
    return issuer


def read_secret_file(path: Path) -> bytes:
    """Return what a file holds."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise Refused(f"{path} cannot be read ({error.strerror}).", hint="Put the secret alone into a file.") from None
