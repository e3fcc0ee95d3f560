"""`ostiary app oidc`: applications that sign people in here by OpenID Connect. Secrets and keys are in `app_oidc_keys`."""

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any

import typer

from ostiary.cli.app import app as apps
from ostiary.cli.django import setup
from ostiary.cli.moments import day_and_time
from ostiary.cli.oidc_clients_shown import entry_of, proof_of, show_added
from ostiary.cli.operator import operator_actor
from ostiary.cli.output import (
    JsonOption,
    YesOption,
    confirm,
    examples,
    print_done,
    print_json,
    print_table,
    print_text,
)
from ostiary.errors import OstiaryError

app = typer.Typer(help="Applications that sign people in here by OpenID Connect.", no_args_is_help=True)
apps.add_typer(app, name="oidc")

AppArgument = Annotated[str, typer.Argument(metavar="APP", help="The app's identifier, which is also its client_id.")]
_Redirect = typer.Option("--redirect-uri", metavar="URI", help="Where codes may be sent, exactly; may be repeated.")
_AfterLogout = typer.Option(
    "--after-logout", metavar="URI", help="Where somebody may go after signing out; repeatable."
)
_Backchannel = typer.Option("--backchannel", metavar="URI", help="Where the app is told that a sign-in ended.")
_Claim = typer.Option("--claim", help="CLAIM=SOURCE: id, email, username, name, groups, role, roles, none; repeatable.")
_Role = typer.Option(
    "--role", help="GROUP=ROLE in the app, the first that fits is the role; * is everybody; repeatable."
)
_Keys = typer.Option(
    "--keys", metavar="FILE", help="The app's public keys (JWK Set): it proves itself by private_key_jwt."
)
_Pkce = typer.Option("--pkce/--no-pkce", help="Whether the app must use PKCE. Leave it, unless the app cannot.")


class UnusableOption(OstiaryError):
    """An option cannot be used as it was given."""


@app.command(
    epilog=examples(
        "ostiary app oidc add cloud --preset nextcloud --url https://cloud.example.org",
        "ostiary app oidc add metrics --redirect-uri https://metrics.example.org/login/generic_oauth --role staff=Editor",
    )
)
def add(
    name_of_app: AppArgument,
    redirect_uri: Annotated[list[str] | None, _Redirect] = None,
    preset: Annotated[str, typer.Option(help="A product whose settings are known: ostiary app oidc presets.")] = "",
    url: Annotated[str, typer.Option(metavar="URL", help="Where people open the app; a preset needs it.")] = "",
    name: Annotated[str, typer.Option(help="What people read.")] = "",
    label: Annotated[list[str] | None, typer.Option("--label", help="What rules may name; may be repeated.")] = None,
    after_logout: Annotated[list[str] | None, _AfterLogout] = None,
    backchannel: Annotated[str, _Backchannel] = "",
    claim: Annotated[list[str] | None, _Claim] = None,
    role: Annotated[list[str] | None, _Role] = None,
    public: Annotated[
        bool, typer.Option("--public", help="An app on people's devices: it can keep no secret and gets none.")
    ] = False,
    keys: Annotated[Path | None, _Keys] = None,
    pkce: Annotated[bool | None, _Pkce] = None,
    as_json: JsonOption = False,
) -> None:
    """Let an application sign people in here; print its secret, which is shown once. Nobody may enter until a rule says so."""
    setup()
    from ostiary.oidc.facade import ClientKind, add_client, find_preset

    if public and keys is not None:
        raise UnusableOption("A public app has no keys.", hint="Give --public or --keys, not both.")
    kind = ClientKind.PUBLIC if public else ClientKind.KEY if keys is not None else None
    given: dict[str, Any] = {
        "redirect_uris": redirect_uri or (),
        "post_logout_redirect_uris": after_logout or (),
        "backchannel_logout_uri": backchannel,
        "claims": _pairs(claim or ()),
        "roles": _pairs(role or ()),
    }
    if preset:
        product = find_preset(preset)
        name, given = name or product.name, product.fill(url, given)
    if pkce is not None:
        given["pkce"] = pkce
    if kind is not None:
        given["kind"] = kind
    added = add_client(
        name_of_app,
        actor=operator_actor(),
        launch_url=url,
        name=name,
        keys=_read(keys),
        preset=preset,
        labels=label or (),
        **given,
    )
    show_added(added, as_json=as_json)


@app.command("list", epilog=examples("ostiary app oidc list", "ostiary app oidc list --json"))
def list_(as_json: JsonOption = False) -> None:
    """List every client with how many people are signed in through it."""
    setup()
    from ostiary.oidc.facade import count_sign_ins, list_clients

    clients, living = list_clients(), count_sign_ins()
    if as_json:
        print_json([{**entry_of(one), "sign_ins": living.get(one.id, 0)} for one in clients])
        return
    print_table(
        ("App", "Name", "Proves itself by", "Redirect URI", "Sign-ins"),
        ((one.id, one.name, proof_of(one), one.redirect_uris[0], str(living.get(one.id, 0))) for one in clients),
        empty="No app signs people in here. Let one: ostiary app oidc add NAME --redirect-uri URI",
    )


@app.command(epilog=examples("ostiary app oidc show cloud", "ostiary app oidc show cloud --json"))
def show(name_of_app: AppArgument, as_json: JsonOption = False) -> None:
    """Show one client and what to type into the application."""
    setup()
    from ostiary.oidc.facade import find_preset, get_client, issuer, last_logout_problems

    client, problem = get_client(name_of_app), last_logout_problems().get(name_of_app, "")
    steps = find_preset(client.preset).steps(issuer(), client.id) if client.preset else ()
    if as_json:
        print_json({**entry_of(client), "issuer": issuer(), "logout_problem": problem, "steps": list(steps)})
        return
    lines = [
        ("Client ID", client.id),
        ("Issuer", issuer()),
        ("Discovery", f"{issuer()}/.well-known/openid-configuration"),
        ("Proves itself", f"by {proof_of(client)}"),
        ("PKCE", "required, S256" if client.pkce else "not required"),
        *(("Redirect URI", uri) for uri in client.redirect_uris),
        *(("After sign-out", uri) for uri in client.post_logout_redirect_uris),
        ("Back-channel", client.backchannel_logout_uri),
        ("Claims", ", ".join(f"{name}={source}" for name, source in client.claims.items())),
        ("Roles", ", ".join(f"{group}={role}" for group, role in client.roles.items())),
        ("Secret", f"made {day_and_time(client.secret_made_at)}" if client.secret_made_at else ""),
        ("Last logout", problem),
    ]
    width = max(len(label) for label, _ in lines)
    print_text("\n".join(f"{label:<{width}}  {value}" for label, value in lines if value))
    if steps:
        print_text("\n" + "\n".join(steps))


@app.command(
    epilog=examples(
        "ostiary app oidc change cloud --redirect-uri https://cloud.example.org/apps/user_oidc/code",
        "ostiary app oidc change metrics --role administrators=Admin --role '*=Viewer'",
    )
)
def change(
    name_of_app: AppArgument,
    redirect_uri: Annotated[list[str] | None, _Redirect] = None,
    after_logout: Annotated[list[str] | None, _AfterLogout] = None,
    backchannel: Annotated[str | None, _Backchannel] = None,
    claim: Annotated[list[str] | None, _Claim] = None,
    role: Annotated[list[str] | None, _Role] = None,
    keys: Annotated[Path | None, _Keys] = None,
    pkce: Annotated[bool | None, _Pkce] = None,
    as_json: JsonOption = False,
) -> None:
    """Change what is given of a client; the rest stays. Lists are replaced, not added to."""
    setup()
    from ostiary.oidc.facade import change_client

    changed = change_client(
        name_of_app,
        actor=operator_actor(),
        redirect_uris=redirect_uri or None,
        post_logout_redirect_uris=after_logout or None,
        backchannel_logout_uri=backchannel,
        pkce=pkce,
        claims=_pairs(claim) if claim else None,
        roles=_pairs(role) if role else None,
        keys=_read(keys) if keys is not None else None,
    )
    if as_json:
        print_json(entry_of(changed))
        return
    print_done(f"{changed.name} was changed.")


@app.command(epilog=examples("ostiary app oidc remove cloud", "ostiary app oidc remove cloud --yes"))
def remove(name_of_app: AppArgument, yes: YesOption = False) -> None:
    """Let an application sign nobody in any more. It stays in the catalogue; take it out with: ostiary app remove."""
    setup()
    from ostiary.oidc.facade import get_client, remove_client

    client = get_client(name_of_app)
    confirm(f"Nobody can sign in to {client.name} here any more, and what it was issued is worth nothing.", yes=yes)
    remove_client(client.id, actor=operator_actor())
    print_done(f"{client.name} signs nobody in any more.")


@app.command(epilog=examples("ostiary app oidc presets", "ostiary app oidc presets --json"))
def presets(as_json: JsonOption = False) -> None:
    """List the products whose settings are known."""
    setup()
    from ostiary.oidc.facade import PRESETS

    if as_json:
        print_json(
            [
                {"preset": key, "name": one.name, "redirect_uris": list(one.redirects), "source": one.source}
                for key, one in PRESETS.items()
            ]
        )
        return
    print_table(
        ("Preset", "Product", "Redirect URI"),
        ((key, one.name, one.redirects[0]) for key, one in PRESETS.items()),
        empty="There is none.",
    )


def _read(path: Path | None) -> str:
    if path is None:
        return ""
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UnusableOption(f"{path} cannot be read: {error}.") from None


def _pairs(texts: Iterable[str]) -> dict[str, str]:
    pairs: dict[str, str] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not (equals and name and value):
            raise UnusableOption(f"{text!r} is not NAME=VALUE.", hint="Write it like groups=groups or staff=Editor.")
        pairs[name] = value
    return pairs
