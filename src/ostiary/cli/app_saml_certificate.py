"""`ostiary app saml metadata` and `rotate-certificate`: what applications know of this instance, and the change of its key."""

from typing import TYPE_CHECKING, Annotated

import msgspec
import typer

from ostiary.cli.app_saml import CannotRead, app
from ostiary.cli.django import setup
from ostiary.cli.moments import day_and_time
from ostiary.cli.operator import operator_actor
from ostiary.cli.output import (
    JsonOption,
    YesOption,
    confirm,
    examples,
    print_done,
    print_json,
    print_note,
    print_text,
)

if TYPE_CHECKING:
    from ostiary.saml.facade import CertificateInfo


@app.command(
    "metadata", epilog=examples("ostiary app saml metadata > ostiary-saml.xml", "ostiary app saml metadata --json")
)
def own_metadata(as_json: JsonOption = False) -> None:
    """Print what applications need to know of this instance: its metadata, or with --json each value by itself."""
    setup()
    from ostiary.saml.facade import own_description, write_metadata

    own = own_description()
    if not as_json:
        print_text(write_metadata(own).decode().rstrip())
        return
    certificates = [msgspec.structs.asdict(one) for one in _certificates()]
    print_json(
        {
            "entity_id": own.entity_id,
            "sign_in_url": own.sign_in_url,
            "sign_out_url": own.sign_out_url,
            "certificates": certificates,
        }
    )


@app.command(
    "rotate-certificate",
    epilog=examples(
        "ostiary app saml rotate-certificate",
        "ostiary app saml rotate-certificate --finish",
        "ostiary app saml rotate-certificate --abandon",
    ),
)
def rotate_certificate(
    finish: Annotated[bool, typer.Option("--finish", help="Sign with the next certificate's key from now on.")] = False,
    abandon: Annotated[bool, typer.Option("--abandon", help="Drop the next certificate.")] = False,
    yes: YesOption = False,
    as_json: JsonOption = False,
) -> None:
    """Change the certificate in two steps: make the next one, so that applications learn of it; later sign with it."""
    setup()
    from ostiary.saml import facade as saml

    if finish and abandon:
        raise CannotRead("--finish and --abandon exclude each other.", hint="Choose one.")
    if abandon:
        saml.abandon_certificate(actor=operator_actor())
        print_done("The next certificate is dropped. Nothing else changed.")
        return
    if finish:
        names = ", ".join(one.app for one in saml.list_providers()) or "none yet"
        confirm(f"Applications that do not know the next certificate refuse sign-ins from now on: {names}.", yes=yes)
        found = saml.change_certificate(actor=operator_actor())
    else:
        found = saml.prepare_certificate(actor=operator_actor())
    if as_json:
        print_json(msgspec.structs.asdict(found))
        return
    if finish:
        print_done(f"Assertions are signed with the certificate {found.fingerprint[:23]}… from now on.")
        return
    print_text(found.pem.rstrip())
    print_done(f"This certificate is in our metadata beside the one in use, until {day_and_time(found.ends_at)}.")
    print_note("Give it to every app that does not read our metadata by itself, then: --finish")


def _certificates() -> list["CertificateInfo"]:
    from django.conf import settings

    from ostiary.saml.facade import describe_certificate, next_key, signing_key

    folder = settings.INSTANCE.secrets
    keys = [signing_key(folder), *filter(None, [next_key(folder)])]
    return [describe_certificate(one.certificate) for one in keys]
