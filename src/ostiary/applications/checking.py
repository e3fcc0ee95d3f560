"""Brings what was given of an app into the form in which it is stored, or says what is wrong with it. Stores nothing."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from django.conf import settings

from ostiary.applications.adapters.authority_file import read_authorities
from ostiary.applications.destinations import own_ports
from ostiary.applications.domain import SignIn, UnusableApp, UpstreamScheme, parse_upstream, wording
from ostiary.applications.domain.upstream import parse_health_path, parse_host_header
from ostiary.applications.models import StoredApp
from ostiary.config.places import Instance
from ostiary.policy.identifiers import parse_slug

FIXED_FOR_BUILTIN: Final = frozenset(
    {
        "host",
        "upstream_url",
        "verify_tls",
        "ca_file",
        "host_header",
        "health_path",
        "identity_headers",
        "streams",
        "launch_url",
    }
)
ONLY_BEHIND_GATEWAY: Final = FIXED_FOR_BUILTIN - {"launch_url"} | {"methods"}


def refuse_fixed(row: StoredApp, wanted: Mapping[str, Any]) -> None:
    """Go on when every wanted field means something for this app.

    Raises:
        UnusableApp: when one belongs to Ostiary itself, or to the other kind of app.
    """
    if row.builtin and (fixed := sorted(FIXED_FOR_BUILTIN & wanted.keys())):
        raise UnusableApp(f"{row.name} is part of Ostiary: its {', '.join(fixed)} cannot be changed.")
    if row.sign_in == SignIn.GATEWAY:
        if "launch_url" in wanted:
            raise UnusableApp(
                f"{row.name} is behind the gateway and opens at its host.", hint=f"ostiary app change {row.id} --host"
            )
    elif foreign := sorted(ONLY_BEHIND_GATEWAY & wanted.keys()):
        raise UnusableApp(
            f"{row.name} is not behind the gateway: its {', '.join(foreign)} would have no effect.",
            hint="Its address, name, labels, contact and description can be changed.",
        )


def checked(fields: Mapping[str, Any], *, except_app: str) -> dict[str, Any]:
    """Return the fields in the form in which they are stored.

    Args:
        fields: as they were given.
        except_app: the app they are for.

    Raises:
        UnusableApp, MalformedIdentifier: when one cannot be used.
    """
    others = {row.host: f"the app {row.id!r}" for row in StoredApp.objects.exclude(pk=except_app).exclude(host="")}
    instance: Instance = settings.INSTANCE
    reserved = {instance.identity_host: "sign-in", instance.console_host: "the console"}
    own_hosts = {*others, *reserved}

    def upstream(text: str) -> str:
        return parse_upstream(text, own_hosts=own_hosts, own_ports=own_ports(instance)).url

    parsers: dict[str, Any] = {
        "name": lambda text: wording.parse_text(text, what="name", limit=100, required=True),
        "host": lambda text: wording.parse_host(text, taken=others | reserved),
        "upstream_url": upstream,
        "verify_tls": bool,
        "ca_file": _checked_ca_file,
        "host_header": parse_host_header,
        "health_path": parse_health_path,
        "labels": lambda texts: list(wording.parse_labels(texts)),
        "methods": lambda methods: {name: action.value for name, action in wording.parse_methods(methods).items()},
        "identity_headers": wording.parse_identity_headers,
        "contact": lambda text: wording.parse_text(text, what="contact", limit=200),
        "streams": bool,
        "idle_seconds": lambda text: wording.parse_limit(text, what="idle limit"),
        "longest_seconds": lambda text: wording.parse_limit(text, what="longest time between proofs"),
        "description": lambda text: wording.parse_text(text, what="description", limit=500),
        "launch_url": wording.parse_launch_url,
        "icon": lambda text: text and parse_slug(text, what="picture"),
    }
    return {field: parsers[field](value) for field, value in fields.items()}


def check_tls(row: StoredApp) -> None:
    """Go on when the app's own authorities would be asked.

    Raises:
        UnusableApp: when they would not.
    """
    secure = row.upstream_url.startswith(f"{UpstreamScheme.HTTPS}:")
    if row.ca_file and not (secure and row.verify_tls):
        raise UnusableApp(
            "A file of authorities has no effect here.",
            hint="It needs an https:// upstream whose certificate is checked.",
        )


def _checked_ca_file(text: str) -> str:
    if not text:
        return ""
    path = Path(text).absolute()
    read_authorities(path)
    return str(path)
