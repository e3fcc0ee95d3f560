"""`ostiary app saml`: applications that people sign in to by SAML. Their certificate of ours is in `app_saml_certificate`."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
import typer

from ostiary.cli.app import AppArgument
from ostiary.cli.app import app as app_commands
from ostiary.cli.django import setup
from ostiary.cli.operator import operator_actor
from ostiary.cli.output import (
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
from ostiary.errors import OstiaryError

if TYPE_CHECKING:
    from ostiary.saml.facade import Described, NameFormat, ServiceProvider

app = typer.Typer(help="Applications elsewhere that people sign in to by SAML 2.0.", no_args_is_help=True)
app_commands.add_typer(app, name="saml")

_Metadata = typer.Option(help="The application's metadata: a file, or - for what is piped in.", metavar="FILE")
_EntityId = typer.Option("--entity-id", help="The application's entity ID, where it has no metadata.")
_Acs = typer.Option("--acs", help="Where it takes sign-ins (ACS URL), where it has no metadata; may be repeated.")
_Certificate = typer.Option("--certificate", help="PEM file with which it signs its requests; may be repeated.")
_Name = typer.Option(help="What people read.")
_Label = typer.Option("--label", help="What rules may name instead of the app; may be repeated.")
_Contact = typer.Option(help="Whom a refused person can write to.")
_Description = typer.Option(help="One line for the portal.")
_LaunchUrl = typer.Option(help="Where My apps opens it; the start of its own host when empty.", metavar="URL")
_NameId = typer.Option("--name-id", help="How people are named to it: email, persistent or transient.")
_Attribute = typer.Option(
    "--attribute", help="NAME=email|name|first_name|last_name|id|groups; may be repeated.", metavar="NAME=FACT"
)
_SignedRequests = typer.Option("--signed-requests/--unsigned-requests", help="Refuse its requests without a signature.")
_SignResponse = typer.Option("--sign-response/--sign-assertion-only", help="Sign the response beside the assertion.")
_StartsHere = typer.Option(
    "--idp-initiated/--no-idp-initiated", help="Let people open it from here without its own request."
)
_StartPage = typer.Option(help="Its page to open then (RelayState).")


class CannotRead(OstiaryError):
    """What describes the application cannot be read, or is missing."""


@app.command(
    epilog=examples(
        "ostiary app saml add slack --metadata slack.xml --attribute User.Email=email",
        "ostiary app saml add crm --entity-id https://crm.example.com --acs https://crm.example.com/saml/acs --name-id persistent",
        "curl -fsS https://sp.example.com/metadata | ostiary app saml add sp --metadata -",
    )
)
def add(
    name_of_app: AppArgument,
    metadata: Annotated[str, _Metadata] = "",
    entity_id: Annotated[str, _EntityId] = "",
    acs: Annotated[list[str] | None, _Acs] = None,
    certificate: Annotated[list[Path] | None, _Certificate] = None,
    name: Annotated[str, _Name] = "",
    launch_url: Annotated[str, _LaunchUrl] = "",
    label: Annotated[list[str] | None, _Label] = None,
    contact: Annotated[str, _Contact] = "",
    description: Annotated[str, _Description] = "",
    name_id: Annotated[str, _NameId] = "",
    attribute: Annotated[list[str] | None, _Attribute] = None,
    signed_requests: Annotated[bool, _SignedRequests] = False,
    sign_response: Annotated[bool, _SignResponse] = False,
    idp_initiated: Annotated[bool, _StartsHere] = False,
    start_page: Annotated[str, _StartPage] = "",
    as_json: JsonOption = False,
) -> None:
    """Let people sign in to an application by SAML. Nobody may until a rule says so."""
    setup()
    from ostiary.saml.facade import add_provider, own_description, read_attributes

    described = _described(metadata, entity_id, acs or [], certificate or [])
    if described is None:
        raise CannotRead("Nothing describes the application.", hint="Give --metadata FILE, or --entity-id and --acs.")
    added = add_provider(
        name_of_app,
        described=described,
        actor=operator_actor(),
        name=name,
        launch_url=launch_url,
        labels=label or (),
        contact=contact,
        description=description,
        name_format=_name_format(name_id),
        attributes=read_attributes(attribute or ()),
        signed_requests=signed_requests,
        sign_response=sign_response,
        starts_here=idp_initiated,
        start_page=start_page,
    )
    if as_json:
        print_json(_entry(added))
        return
    print_done(f"People can sign in to {added.app} by SAML once a rule names app:{added.app}.")
    print_note(f"Give the application our metadata: {own_description().entity_id}")


@app.command("list", epilog=examples("ostiary app saml list", "ostiary app saml list --json"))
def list_(as_json: JsonOption = False) -> None:
    """List the applications that people sign in to by SAML."""
    setup()
    from ostiary.saml.facade import list_providers

    found = list_providers()
    if as_json:
        print_json([_entry(one) for one in found])
        return
    print_table(
        ("App", "Entity ID", "Named by", "Requests", "Opened from here"),
        (
            (
                one.app,
                one.entity_id,
                one.name_format.name.lower(),
                "signed" if one.signed_requests or one.described.signs_requests else "unsigned are taken",
                "yes" if one.starts_here else "no",
            )
            for one in found
        ),
        empty="No app signs people in by SAML. Add one: ostiary app saml add NAME --metadata FILE",
    )


@app.command(epilog=examples("ostiary app saml show slack", "ostiary app saml show slack --json"))
def show(name_of_app: AppArgument, as_json: JsonOption = False) -> None:
    """Show how people sign in to one application."""
    setup()
    from ostiary.saml.facade import get_provider

    found = get_provider(name_of_app)
    if as_json:
        print_json(_entry(found))
        return
    described = found.described
    lines = [
        ("App", found.app),
        ("Entity ID", found.entity_id),
        ("Takes sign-ins at", ", ".join(one.url for one in described.consumers)),
        ("Sign-out", described.logout_url or "not asked for"),
        ("Named by", found.name_format.name.lower()),
        ("Attributes", ", ".join(f"{one.name}={one.fact}" for one in found.attributes) or "none"),
        ("Requests", "signed" if found.signed_requests or described.signs_requests else "unsigned are taken"),
        ("Certificates", f"{len(described.certificates)} known"),
        ("Signed", "assertion and response" if found.sign_response else "assertion"),
        ("From here", f"opens {found.start_page}".strip() if found.starts_here else "not opened"),
    ]
    width = max(len(label) for label, _ in lines)
    print_text("\n".join(f"{label:<{width}}  {value}" for label, value in lines))


@app.command(
    epilog=examples(
        "ostiary app saml change slack --metadata slack-new.xml",
        "ostiary app saml change slack --attribute User.Email=email --attribute first_name=first_name",
        "ostiary app saml change slack --idp-initiated --start-page /home",
    )
)
def change(
    name_of_app: AppArgument,
    metadata: Annotated[str, _Metadata] = "",
    entity_id: Annotated[str, _EntityId] = "",
    acs: Annotated[list[str] | None, _Acs] = None,
    certificate: Annotated[list[Path] | None, _Certificate] = None,
    name_id: Annotated[str, _NameId] = "",
    attribute: Annotated[list[str] | None, _Attribute] = None,
    no_attributes: Annotated[bool, typer.Option("--no-attributes", help="Tell it no attribute.")] = False,
    signed_requests: Annotated[bool | None, _SignedRequests] = None,
    sign_response: Annotated[bool | None, _SignResponse] = None,
    idp_initiated: Annotated[bool | None, _StartsHere] = None,
    start_page: Annotated[str | None, _StartPage] = None,
    as_json: JsonOption = False,
) -> None:
    """Change how people sign in to an application; the rest stays. Its name, address and labels: ostiary app change."""
    setup()
    from ostiary.saml.facade import change_provider, read_attributes

    attributes = read_attributes(attribute) if attribute else (() if no_attributes else None)
    changed = change_provider(
        name_of_app,
        actor=operator_actor(),
        described=_described(metadata, entity_id, acs or [], certificate or []),
        name_format=_name_format(name_id),
        attributes=attributes,
        signed_requests=signed_requests,
        sign_response=sign_response,
        starts_here=idp_initiated,
        start_page=start_page,
    )
    if as_json:
        print_json(_entry(changed))
        return
    print_done(f"{changed.app} is changed. From the next sign-in on, it holds.")


@app.command(epilog=examples("ostiary app saml remove slack", "ostiary app saml remove slack --yes"))
def remove(name_of_app: AppArgument, yes: YesOption = False) -> None:
    """Take an application out of the catalogue. The application itself is not touched."""
    setup()
    from ostiary.applications.facade import get_app, remove_app
    from ostiary.saml.facade import get_provider

    found = get_app(get_provider(name_of_app).app)
    confirm(
        f"Nobody will sign in to {found.name} here any more, and how people were named to it is forgotten.", yes=yes
    )
    remove_app(found.id, actor=operator_actor())
    print_done(f"{found.name} is no longer in the catalogue.")


def _described(metadata: str, entity_id: str, acs: list[str], certificates: list[Path]) -> "Described | None":
    """Return what was given of the application; `None` when nothing was."""
    import time

    from ostiary.saml.facade import describe, read_metadata

    if metadata and (entity_id or acs or certificates):
        raise CannotRead(
            "Metadata says it all; entity ID, ACS and certificates are for applications without.", hint="Give only one."
        )
    if metadata:
        return read_metadata(_read(metadata), now=time.time())
    if not (entity_id or acs or certificates):
        return None
    if not (entity_id and acs):
        raise CannotRead("Entity ID and ACS come together.", hint="Give --entity-id and --acs.")
    pems = [_read(str(one)).decode("ascii", "replace") for one in certificates]
    return describe(entity_id=entity_id, consumers=acs, certificates=pems)


def _read(place: str) -> bytes:
    try:
        return sys.stdin.buffer.read() if place == "-" else Path(place).read_bytes()
    except OSError as error:
        raise CannotRead(f"{place} cannot be read ({error.strerror}).", hint="Name a file that is there.") from None


def _name_format(text: str) -> "NameFormat | None":
    from ostiary.saml.facade import NameFormat

    if not text:
        return None
    try:
        return NameFormat[text.upper()]
    except KeyError:
        raise CannotRead(
            f"People are not named by {text[:40]!r}.", hint="Say email, persistent or transient."
        ) from None


def _entry(one: "ServiceProvider") -> dict[str, Any]:
    entry: dict[str, Any] = msgspec.to_builtins(one)
    return {**entry, "name_format": one.name_format.name.lower()}
