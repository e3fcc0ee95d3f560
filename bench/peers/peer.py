"""What every alternative in the comparison is given, and what it must offer: an open door and a guarded one."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.processes import Program


@dataclass(frozen=True, slots=True)
class Place:
    """Where a proxy lives and what it leads to.

    Args:
        folder: for its configuration and logs.
        certificate: the file Ostiary's own gateway uses, so that TLS costs everyone the same.
        key: of that certificate.
        app_port: the application, plain HTTP on the loopback address.
    """

    folder: Path
    certificate: Path
    key: Path
    app_port: int


@dataclass(frozen=True, slots=True)
class ForwardAuth:
    """Where Ostiary's decision service answers proxies.

    Args:
        port: on the loopback address.
        nginx_path: for `auth_request`, which can pass only 2xx, 401 and 403 on.
        redirect_path: for proxies that hand any answer to the client.
    """

    port: int
    nginx_path: str
    redirect_path: str


@dataclass(frozen=True, slots=True)
class Peer:
    """A running proxy.

    Args:
        name: for figures.
        how: its authorisation mechanism.
        open_port: the application without authorisation.
        guarded_port: the application with it.
    """

    name: str
    how: str
    program: Program
    open_port: int
    guarded_port: int


def add_proxy_facts(place: Place) -> dict[str, Any]:
    """Return what every configuration needs to fill in."""
    return {
        "folder": place.folder,
        "certificate": place.certificate,
        "key": place.key,
        "app_port": place.app_port,
    }
