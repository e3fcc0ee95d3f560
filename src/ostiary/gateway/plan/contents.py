"""What goes into a plan and what a plan is. How each file is made lives in the modules beside this one."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from ostiary.applications.facade import App
from ostiary.config.places import Instance

Json = dict[str, Any]

BOOTSTRAP_FILE: Final = "bootstrap.json"
LISTENERS_FILE: Final = "listeners/listeners.json"
CLUSTERS_FILE: Final = "clusters/clusters.json"
ROUTES_FILE: Final = "routes/routes.json"
REDIRECTS_FILE: Final = "redirects/redirects.json"
GRANTS_FILE: Final = "grants/grants.json"
CERTIFICATE_FILE: Final = "tls/certificate.json"
DEVICE_AUTHORITIES_FILE: Final = "devices/authorities.json"

WRITE_ORDER: Final = (
    BOOTSTRAP_FILE,
    GRANTS_FILE,
    CLUSTERS_FILE,
    ROUTES_FILE,
    REDIRECTS_FILE,
    LISTENERS_FILE,
)
"""Grants before routes: a route that asks for a requirement which is not there yet refuses. Clusters before routes: a
route without its cluster answers 503. The other way round nothing would open either, but apps would blink."""

DECIDER_CLUSTER: Final = "decider"
CONTROL_CLUSTER: Final = "control"
ROUTES_NAME: Final = "apps"
REDIRECTS_NAME: Final = "redirects"
CERTIFICATE_NAME: Final = "gateway"
DEVICE_AUTHORITIES_NAME: Final = "devices"

FILTER_HEADERS_IN: Final = "ostiary.headers-in"
FILTER_SIGN_IN_LIMIT: Final = "ostiary.sign-in-limit"
FILTER_BODY_SIZE: Final = "ostiary.body-size"
FILTER_OWN_BODY_SIZE: Final = "ostiary.own-body-size"
FILTER_GRANTS: Final = "ostiary.grants"
FILTER_GRANT_NOTE: Final = "ostiary.grant-note"
FILTER_GRANTED_HERE: Final = "ostiary.granted-here"
FILTER_DECISION: Final = "ostiary.decision"
FILTER_DEVICE_DECISION: Final = "ostiary.device-decision"
FILTER_COOKIES: Final = "ostiary.cookies"
FILTER_HEADERS_OUT: Final = "ostiary.headers-out"
FILTER_DESTINATION: Final = "ostiary.destination"
FILTER_PLANTED_COOKIES: Final = "ostiary.planted-cookies"

SNI_STATE: Final = "ostiary.sni"
GRANT_REFERENCE_STATE: Final = "ostiary.grant-reference"
GRANT_SESSION_STATE: Final = "ostiary.grant-session"


@dataclass(frozen=True, slots=True)
class GatewayInputs:
    """Everything a plan depends on.

    Args:
        instance: places and configuration.
        generation: of the facts the apps were read with.
        apps: every app behind the gateway, the console included.
        key_set: the public keys of grants (JWKS, JSON text).
        authorities: PEM text of each app's own authority file, by its path; a path without an entry was unreadable.
        system_authorities: path of the machine's list of authorities; empty where there is none.
        forbidden: why an app's name leads where no app may live, by the app's identifier.
        devices: whether clients are asked for certificates.
    """

    instance: Instance
    generation: int
    apps: tuple[App, ...]
    key_set: str
    authorities: Mapping[str, str] = field(default_factory=dict)
    system_authorities: str = ""
    forbidden: Mapping[str, str] = field(default_factory=dict)
    devices: bool = False


@dataclass(frozen=True, slots=True)
class GatewayPlan:
    """The data plane's files, whole. Certificates are not part of it: `gateway.certificates` writes them.

    Args:
        generation: of the facts it was made from; an executor refuses an older one than is in force.
        files: content by name below the instance's `envoy` folder.
        problems: what the administrator should know; apps named here cannot be reached but nothing else suffers.
    """

    generation: int
    files: Mapping[str, bytes]
    problems: tuple[str, ...] = ()


def render(value: Json) -> bytes:
    """Return JSON that a person can read and compare line by line."""
    return json.dumps(value, indent=1, ensure_ascii=False).encode() + b"\n"


def discovery(type_url: str, resources: list[Json], version: str) -> Json:
    """Return a discovery response: what Envoy expects in a watched file."""
    return {"version_info": version, "resources": [{"@type": type_url, **resource} for resource in resources]}


def config_source(instance: Instance, name: str) -> Json:
    """Return where Envoy reads the file `name` from, and which folder tells it of a change."""
    path = instance.envoy / name
    return {
        "resource_api_version": "V3",
        "path_config_source": {"path": str(path), "watched_directory": {"path": str(path.parent)}},
    }
