"""Serves the decision service or the control plane with Granian: `python -m ostiary.supervisor.serve decider|control`.

Granian's worker is a process of its own. It is tied to Granian's life here, so that killing either ends both.
"""

import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from granian import Granian
from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings
from granian.log import LogLevels

from ostiary.config.loader import find_home, load_instance
from ostiary.config.places import Instance
from ostiary.supervisor.tether import die_with_parent


@dataclass(frozen=True, slots=True)
class Service:
    """How one of the two is served.

    Args:
        target: module and attribute of the application.
        interface: how Granian calls it.
        threads: how many requests it works on at once, where that means threads.
        backpressure: how many requests are taken at once; more wait in the backlog.
    """

    target: str
    interface: Interfaces
    threads: int | None
    backpressure: int


SERVICES = {
    "decider": Service("ostiary.gateway.decider.service:app", Interfaces.RSGI, None, 1024),
    "control": Service("ostiary.web.wsgi:application", Interfaces.WSGI, 12, 128),
}


def main() -> None:
    """Serve until told to stop."""
    name = sys.argv[1]
    instance = load_instance(find_home())
    os.environ["OSTIARY_HOME"] = str(instance.home)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "ostiary.config.django")
    os.umask(0o077)
    _server(SERVICES[name], instance, name).serve(target_loader=load_tied)


def _server(service: Service, instance: Instance, name: str) -> Any:
    socket = instance.decider_socket if name == "decider" else instance.control_socket
    return Granian(
        service.target,
        uds=socket,
        uds_permissions=0o600,
        interface=service.interface,
        workers=1,
        http=HTTPModes.auto,
        http1_settings=HTTP1Settings(keep_alive=True),
        websockets=False,
        backlog=1024,
        backpressure=service.backpressure,
        blocking_threads=service.threads,
        workers_kill_timeout=5,
        log_level=LogLevels(instance.configuration.log_level),
    )


def load_tied(target: str, parent: int | None = None) -> Callable[..., Any]:
    """Return the application, in Granian's worker, once the worker is tied to Granian's life."""
    die_with_parent(os.getppid() if parent is None else parent)
    from importlib import import_module  # noqa: PLC0415 - nothing of the application loads before the tie

    module, _, attribute = target.partition(":")
    application: Callable[..., Any] = getattr(import_module(module), attribute)
    return application


if __name__ == "__main__":
    main()
