"""`ostiary app oidc rotate-secret` and `rotate-keys`: by what a client proves itself, and what signs what it reads."""

import time
from typing import Annotated

import typer

from ostiary.cli.app_oidc import AppArgument, app
from ostiary.cli.django import setup
from ostiary.cli.oidc_clients_shown import show_added
from ostiary.cli.operator import operator_actor
from ostiary.cli.output import JsonOption, YesOption, confirm, examples, print_done, print_json


@app.command(
    "rotate-secret",
    epilog=examples("ostiary app oidc rotate-secret cloud", "ostiary app oidc rotate-secret cloud --yes"),
)
def rotate_secret_(name_of_app: AppArgument, yes: YesOption = False, as_json: JsonOption = False) -> None:
    """Give a client a new secret, shown once. The one before is worth nothing from that moment."""
    setup()
    from ostiary.oidc.facade import get_client, rotate_secret

    client = get_client(name_of_app)
    confirm(f"Nobody can sign in to {client.name} until the new secret is typed in there.", yes=yes)
    show_added(rotate_secret(client.id, actor=operator_actor()), as_json=as_json)


@app.command(
    "rotate-keys", epilog=examples("ostiary app oidc rotate-keys", "ostiary app oidc rotate-keys --forget --yes")
)
def rotate_keys_(
    forget: Annotated[
        bool, typer.Option("--forget", help="Let nothing count that was signed before: for a key that others know.")
    ] = False,
    yes: YesOption = False,
    as_json: JsonOption = False,
) -> None:
    """Sign ID tokens with a new key. The one before still counts. The worker does this every 90 days."""
    setup()
    from ostiary.oidc.facade import rotate_keys

    confirm(
        "Apps that keep the keys too long refuse people until they fetch them again."
        if not forget
        else "What was signed before counts no more: people may have to sign in again at their apps.",
        yes=yes,
    )
    kids = rotate_keys(actor=operator_actor(), now=time.time(), forget=forget)
    if as_json:
        print_json({"kids": list(kids)})
        return
    print_done(f"The key {kids[0]} signs from now on{'' if len(kids) == 1 else f', {kids[1]} still counts'}.")
