"""`ostiary directory key`: the key by which this instance proves itself to a directory, in the place of a client secret."""

from datetime import UTC, datetime
from typing import Annotated

import typer

from ostiary.cli.directory_options import ProviderArgument
from ostiary.cli.django import setup
from ostiary.cli.operator import operator_actor
from ostiary.cli.output import JsonOption, YesOption, confirm, examples, print_done, print_json, print_note, print_text

app = typer.Typer(
    help="Keys in the place of client secrets (private_key_jwt): make, show, switch.", no_args_is_help=True
)


@app.command(epilog=examples("ostiary directory key make work", "ostiary directory key make work --json"))
def make(name: ProviderArgument, as_json: JsonOption = False) -> None:
    """Make a directory's first key, or the next one: it is made known, and not used before `switch`."""
    setup()
    from ostiary.identity.facade import get_provider, list_client_keys, prepare_key

    made = prepare_key(provider_id=name, actor=operator_actor())
    found = next(one for one in list_client_keys(name) if one.kid == made.kid)
    if as_json:
        print_json(found)
        return
    print_done(f"The key {made.kid} is made. Enter it at the directory: ostiary directory key show {name}")
    if not found.current:
        print_note(f"Then: ostiary directory key switch {name}")
    elif get_provider(name).proves_by != "key":
        print_note(f"Then: ostiary directory provider change {name} --key")


@app.command(
    epilog=examples("ostiary directory key show work", "ostiary directory key show work --certificate > work.pem")
)
def show(
    name: ProviderArgument,
    certificate: Annotated[
        bool, typer.Option("--certificate", help="Print the certificate alone, of the next key where there is one.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Show what is entered at the directory: where it reads the keys itself, the key set, the certificate. Never the key."""
    setup()
    from ostiary.identity.facade import get_provider, keys_url, list_client_keys

    get_provider(name)
    found = list_client_keys(name)
    if as_json:
        print_json({"jwks_uri": keys_url(name), "keys": found})
        return
    if not found:
        print_note(f"There is no key. Make one: ostiary directory key make {name}")
        raise typer.Exit(1)
    if certificate:
        print_text(found[-1].certificate.strip())
        return
    print_text(f"Key set: {keys_url(name)}")
    for one in found:
        ends = datetime.fromtimestamp(one.ends_at, UTC)
        print_text(f"{'In use' if one.current else 'Next'}: {one.kid}, certificate until {ends:%Y-%m-%d}")
        print_text(f"  SHA-256 {one.thumbprint}")
    print_note(f"The certificate: ostiary directory key show {name} --certificate > {name}.pem")


@app.command(epilog=examples("ostiary directory key switch work", "ostiary directory key switch work --yes"))
def switch(name: ProviderArgument, yes: YesOption = False, as_json: JsonOption = False) -> None:
    """Use the next key from now on, and forget the one before."""
    setup()
    from ostiary.identity.facade import list_client_keys, switch_key

    confirm(f"Nobody can sign in with {name} before the directory knows the next key.", yes=yes)
    used = switch_key(provider_id=name, actor=operator_actor())
    if as_json:
        print_json(next(one for one in list_client_keys(name) if one.kid == used.kid))
        return
    print_done(f"The key {used.kid} is used from now on.")
