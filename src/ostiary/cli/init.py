"""`ostiary init`: makes an instance, or completes one. Never overwrites."""

import os
from pathlib import Path
from typing import Annotated

import typer

from ostiary.cli.output import JsonOption, examples, print_done, print_json, print_note, print_text, progress
from ostiary.config.document import commented_file
from ostiary.config.domain_name import NotADomain, parse_domain
from ostiary.config.keys import Value
from ostiary.config.loader import FILE_NAME, HOME_VARIABLE, ConfigurationError, find_home, load_instance
from ostiary.config.places import Instance
from ostiary.config.secrets import create_missing_secrets

app = typer.Typer()


@app.command(
    epilog=examples(
        "sudo ostiary init --domain example.com --admin-email ada@example.com",
        "ostiary init --home ./instance --domain demo.localhost --https-port 8443 --http-port 0",
    )
)
def init(
    domain: Annotated[str, typer.Option(help="Sign-in will be at id.<domain>, the console at admin.<domain>.")] = "",
    home: Annotated[
        Path | None, typer.Option(help="Where to; the same as `ostiary --home`.", show_default=False)
    ] = None,
    organisation: Annotated[str, typer.Option(help="The name people see.")] = "",
    admin_email: Annotated[str, typer.Option(help="Invite this person as the first administrator.")] = "",
    admin_name: Annotated[str, typer.Option(help="That person's name.")] = "",
    https_port: Annotated[int | None, typer.Option(help="Where TLS is served.", show_default="443")] = None,
    http_port: Annotated[int | None, typer.Option(help="Redirects to HTTPS; 0 is off.", show_default="80")] = None,
    secrets_only: Annotated[bool, typer.Option("--secrets-only", help="Create missing secrets, nothing else.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Make an instance: folders, secrets, ostiary.toml, database, rules, certificate authority.

    What is there already is left as it is, so that it can be repeated after an interruption.
    """
    if home is not None:
        os.environ[HOME_VARIABLE] = str(home.absolute())
    place = find_home()
    os.umask(0o077)
    chosen = _chosen(domain, organisation, https_port, http_port)
    if not secrets_only and (place / FILE_NAME).exists():
        _refuse_another_domain(place, chosen)
    made = _make_files(place, chosen, secrets_only=secrets_only)
    if secrets_only:
        _report_secrets(place, made, as_json=as_json)
        return
    instance, link = _prepare(admin_email, admin_name)
    if as_json:
        print_json(
            {
                "home": instance.home,
                "domain": instance.configuration.domain,
                "secrets_created": made,
                "sign_in": instance.url(instance.identity_host),
                "console": instance.url(instance.console_host),
                "authority": _authority(instance),
                "invitation": link,
            }
        )
        return
    _report(instance, link)


def _chosen(domain: str, organisation: str, https_port: int | None, http_port: int | None) -> dict[str, Value]:
    chosen: dict[str, Value] = {}
    if domain:
        try:
            chosen["domain"] = parse_domain(domain)
        except NotADomain as error:
            raise ConfigurationError(f"{domain!r} cannot be the domain: {error}.") from None
    if organisation:
        chosen["organisation"] = organisation
    for key, port in (("gateway.https_port", https_port), ("gateway.http_port", http_port)):
        if port is not None:
            chosen[key] = port
    return chosen


def _refuse_another_domain(place: Path, chosen: dict[str, Value]) -> None:
    present = load_instance(place).configuration.domain
    if chosen.get("domain", present) != present:
        raise ConfigurationError(
            f"There is an instance for {present} in {place} already.",
            hint=f"Change `domain` in {place / FILE_NAME}, or choose another folder with --home.",
        )


def _make_files(place: Path, chosen: dict[str, Value], *, secrets_only: bool) -> list[str]:
    if not secrets_only and "domain" not in chosen and not (place / FILE_NAME).exists():
        raise ConfigurationError("A new instance needs a domain.", hint="Say: ostiary init --domain example.com")
    try:
        place.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not secrets_only:
            _write_new(place / FILE_NAME, commented_file(chosen))
            for name in ("state", "run", "log"):
                (place / name).mkdir(mode=0o700, exist_ok=True)
        return create_missing_secrets(place / "secrets")
    except OSError as error:
        raise ConfigurationError(
            f"{error.filename or place} cannot be written ({error.strerror}).",
            hint="Run it with sudo, or choose a folder of your own with --home.",
        ) from None


def _write_new(path: Path, text: str) -> None:
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)


def _prepare(admin_email: str, admin_name: str) -> tuple[Instance, str | None]:
    from ostiary.cli.django import setup
    from ostiary.cli.operator import operator_actor

    instance = setup()
    from ostiary.identity.facade import ADMINISTRATORS, AlreadyExists, invite_person
    from ostiary.supervisor.prepare import prepare

    with progress("preparing") as line:
        prepare(instance, line.say)
    if not admin_email:
        return instance, None
    try:
        invitation = invite_person(email=admin_email, name=admin_name, groups=(ADMINISTRATORS,), actor=operator_actor())
    except AlreadyExists:
        print_note(f"{admin_email} is here already; nobody was invited.")
        return instance, None
    return instance, invitation.link


def _authority(instance: Instance) -> Path | None:
    return instance.authority_certificate if instance.authority_certificate.exists() else None


def _report_secrets(place: Path, made: list[str], *, as_json: bool) -> None:
    if as_json:
        print_json({"home": place, "secrets_created": made})
    else:
        print_done(f"created {', '.join(made)}" if made else "every secret is there already")


def _report(instance: Instance, link: str | None) -> None:
    print_done(f"{instance.home} is ready for {instance.configuration.domain}")
    lines = [
        f"Sign-in   {instance.url(instance.identity_host)}",
        f"Console   {instance.url(instance.console_host)}",
        f"Settings  {instance.home / FILE_NAME}",
    ]
    if authority := _authority(instance):
        lines.append(f"Authority {authority} (import it where people browse, or set tls.mode)")
    if link:
        lines += ["", "The first administrator's invitation, for one use:", f"  {link}"]
    else:
        lines += ["", "Invite the first administrator: ostiary admin recover EMAIL"]
    lines += ["", "Next: ostiary doctor, then ostiary up"]
    print_text("\n".join(lines))
