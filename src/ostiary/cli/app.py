"""`ostiary app`: applications are put behind the gateway, shown, changed and taken away."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer

from ostiary.cli.app_words import address_of, entry_of, print_app, upstream_of
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
)
from ostiary.errors import OstiaryError

if TYPE_CHECKING:
    from ostiary.config.places import Instance

app = typer.Typer(help="Applications, behind the gateway or not.", no_args_is_help=True)

AppArgument = Annotated[str, typer.Argument(metavar="APP", help="The app's identifier, as rules name it.")]
_Upstream = typer.Option(help="Where the app listens: http://host[:port] or https://host[:port].", metavar="URL")
_Name = typer.Option(help="What people read.")
_Host = typer.Option(help="The host name in people's browsers; <app>.<domain> when empty.")
_Label = typer.Option("--label", help="What rules may name instead of the app; may be repeated.")
_Method = typer.Option("--method", help="METHOD=ACTION where it differs from the default; may be repeated.")
_Header = typer.Option("--identity-header", help="NAME=email|id|name|groups for the app; may be repeated.")
_Contact = typer.Option(help="Whom a refused person can write to.")
_HealthPath = typer.Option(help="A path that answers when the app is well, such as /healthz.")
_CaFile = typer.Option(help="PEM file of the authority that signed an https upstream's certificate.")
_HostHeader = typer.Option(help="Host towards the upstream; what the browser asked for when empty.")
_Description = typer.Option(help="One line for the portal.")
_Insecure = typer.Option("--insecure-upstream/--verify-upstream", help="Do not check an https upstream's certificate.")
_LaunchUrl = typer.Option(help="Where people open an app that is not behind the gateway.", metavar="URL")
_Idle = typer.Option(help="Unused for so long, it asks for a fresh proof: 15m, 8h, 1d; none for no limit of its own.")
_Longest = typer.Option(help="So long after the last proof, it asks for a fresh one: 15m, 8h, 1d; none for no limit.")
_Streams = typer.Option("--streams/--no-streams", help="Forward WebSocket.")


class WrongPair(OstiaryError):
    """An option that wants NAME=VALUE got something else."""


@app.command(
    epilog=examples(
        "ostiary app add wiki --upstream http://10.0.0.5:8080",
        "ostiary app add payroll --upstream https://pay.internal --ca-file /etc/ssl/internal.pem --label restricted",
        "ostiary app add files --upstream http://127.0.0.1:8081 --method PROPFIND=view --identity-header Remote-User=email",
    )
)
def add(
    name_of_app: AppArgument,
    upstream: Annotated[str, _Upstream],
    name: Annotated[str, _Name] = "",
    host: Annotated[str, _Host] = "",
    label: Annotated[list[str] | None, _Label] = None,
    method: Annotated[list[str] | None, _Method] = None,
    identity_header: Annotated[list[str] | None, _Header] = None,
    contact: Annotated[str, _Contact] = "",
    health_path: Annotated[str, _HealthPath] = "",
    ca_file: Annotated[str, _CaFile] = "",
    host_header: Annotated[str, _HostHeader] = "",
    description: Annotated[str, _Description] = "",
    insecure_upstream: Annotated[bool, _Insecure] = False,
    streams: Annotated[bool, _Streams] = True,
    idle: Annotated[str, _Idle] = "",
    longest: Annotated[str, _Longest] = "",
    as_json: JsonOption = False,
) -> None:
    """Put an application behind the gateway. Nobody may open it until a rule says so."""
    instance = setup()
    from ostiary.applications.facade import add_app

    added = add_app(
        name_of_app,
        upstream=upstream,
        actor=operator_actor(),
        name=name,
        host=host,
        verify_tls=not insecure_upstream,
        ca_file=ca_file,
        host_header=host_header,
        health_path=health_path,
        labels=label or (),
        methods=_pairs(method or ()),
        identity_headers=_pairs(identity_header or ()),
        contact=contact,
        streams=streams,
        idle=idle,
        longest=longest,
        description=description,
    )
    if as_json:
        print_json(added)
        return
    print_done(
        f"{added.name} will be at {instance.url(added.host)}. Nobody may open it yet: name app:{added.id} in a rule."
    )
    _say_when_not_in_force(instance)


@app.command("list", epilog=examples("ostiary app list", "ostiary app list --json"))
def list_(as_json: JsonOption = False) -> None:
    """List every application with how its upstream is doing."""
    instance = setup()
    from ostiary.applications.facade import app_health, list_apps

    apps = list_apps()
    health = {one.app: one for one in app_health()}
    if as_json:
        print_json([entry_of(one, health.get(one.id)) for one in apps])
        return
    print_table(
        ("App", "Name", "Address", "Upstream", "Health", "Labels"),
        (
            (
                one.id,
                one.name,
                address_of(instance, one),
                upstream_of(one),
                health[one.id].health.value if one.id in health else None,
                ", ".join(one.labels) or None,
            )
            for one in apps
        ),
        empty="There is no app. Add one: ostiary app add wiki --upstream http://10.0.0.5:8080",
    )


@app.command(epilog=examples("ostiary app show wiki", "ostiary app show wiki --json"))
def show(name_of_app: AppArgument, as_json: JsonOption = False) -> None:
    """Show one application."""
    instance = setup()
    from ostiary.applications.facade import app_health, get_app, limits_of

    found = get_app(name_of_app)
    health = next((one for one in app_health() if one.app == found.id), None)
    limits = limits_of(found)
    if as_json:
        print_json({**entry_of(found, health), "limits": msgspec.to_builtins(limits)})
        return
    print_app(instance, found, health, limits)


@app.command(
    epilog=examples(
        "ostiary app change wiki --upstream http://10.0.0.6:8080",
        "ostiary app change wiki --label internal --label docs",
        "ostiary app change wiki --no-streams",
        "ostiary app change payroll --idle 15m --longest 8h",
    )
)
def change(
    name_of_app: AppArgument,
    upstream: Annotated[str | None, _Upstream] = None,
    name: Annotated[str | None, _Name] = None,
    host: Annotated[str | None, _Host] = None,
    label: Annotated[list[str] | None, _Label] = None,
    method: Annotated[list[str] | None, _Method] = None,
    identity_header: Annotated[list[str] | None, _Header] = None,
    contact: Annotated[str | None, _Contact] = None,
    health_path: Annotated[str | None, _HealthPath] = None,
    ca_file: Annotated[str | None, _CaFile] = None,
    host_header: Annotated[str | None, _HostHeader] = None,
    description: Annotated[str | None, _Description] = None,
    launch_url: Annotated[str | None, _LaunchUrl] = None,
    insecure_upstream: Annotated[bool | None, _Insecure] = None,
    streams: Annotated[bool | None, _Streams] = None,
    idle: Annotated[str | None, _Idle] = None,
    longest: Annotated[str | None, _Longest] = None,
    no_labels: Annotated[bool, typer.Option("--no-labels", help="Take every label away.")] = False,
    no_methods: Annotated[bool, typer.Option("--no-methods", help="Take every method of its own away.")] = False,
    no_identity_headers: Annotated[
        bool, typer.Option("--no-identity-headers", help="Take every identity header away.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Change what is given of an application; the rest stays. Lists are replaced, not added to."""
    instance = setup()
    from ostiary.applications.facade import change_app

    changed = change_app(
        name_of_app,
        actor=operator_actor(),
        upstream=upstream,
        name=name,
        host=host,
        verify_tls=None if insecure_upstream is None else not insecure_upstream,
        ca_file=ca_file,
        host_header=host_header,
        health_path=health_path,
        labels=_or_none(label, emptied=no_labels),
        methods=None if (methods := _or_none(method, emptied=no_methods)) is None else _pairs(methods),
        identity_headers=None
        if (headers := _or_none(identity_header, emptied=no_identity_headers)) is None
        else _pairs(headers),
        contact=contact,
        streams=streams,
        idle=idle,
        longest=longest,
        description=description,
        launch_url=launch_url,
    )
    if as_json:
        print_json(changed)
        return
    if changed.behind_gateway:
        print_done(f"{changed.name} is at {address_of(instance, changed)} and reaches {upstream_of(changed)}.")
    else:
        print_done(f"{changed.name} is at {changed.launch_url}, not behind the gateway.")
    _say_when_not_in_force(instance)


@app.command(epilog=examples("ostiary app remove wiki", "ostiary app remove wiki --yes"))
def remove(name_of_app: AppArgument, yes: YesOption = False) -> None:
    """Take an application out of the catalogue. The application itself is not touched."""
    instance = setup()
    from ostiary.applications.facade import get_app, remove_app

    found = get_app(name_of_app)
    if found.behind_gateway:
        confirm(f"Nobody will reach {found.name} at {instance.url(found.host)} any more.", yes=yes)
    else:
        confirm(f"Nobody will sign in to {found.name} here any more.", yes=yes)
    remove_app(found.id, actor=operator_actor())
    print_done(
        f"{found.name} is no longer behind the gateway."
        if found.behind_gateway
        else f"{found.name} is no longer in the catalogue."
    )
    _say_when_not_in_force(instance)


def _say_when_not_in_force(instance: "Instance") -> None:
    """Tell when the data plane did not take the change over: it goes on with what it had."""
    from ostiary.gateway.reconfigure import rejection

    if words := rejection(instance):
        print_note(f"The gateway does not follow: {words} See: ostiary gateway plan")


def _or_none(given: list[str] | None, *, emptied: bool) -> list[str] | None:
    if emptied:
        return []
    return given or None


def _pairs(texts: Iterable[str]) -> dict[str, str]:
    pairs: dict[str, str] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not (equals and name and value):
            raise WrongPair(f"{text!r} is not NAME=VALUE.", hint="Write it like PROPFIND=view or Remote-User=email.")
        pairs[name] = value
    return pairs
