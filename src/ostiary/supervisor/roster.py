"""Which processes an instance has, and how each is started, watched and ended."""

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable, Sequence

from ostiary.config.places import Instance
from ostiary.errors import OstiaryError
from ostiary.gateway.envoy import envoy_program
from ostiary.supervisor.probes import EveryProbe, HeartbeatProbe, HttpProbe, TcpProbe, ask
from ostiary.supervisor.process import ProcessSpec

NAMES = ("decider", "control", "worker", "envoy")
DRAIN_CHECKS, DRAIN_PAUSE_SECONDS = 60, 0.05

BOOTSTRAP_FILE = "bootstrap.json"


class UnknownProcess(OstiaryError):
    """An instance has no process of that name."""


def list_processes(instance: Instance, only: Sequence[str] = ()) -> list[ProcessSpec]:
    """Return the processes of an instance, all of them or those named.

    Raises:
        UnknownProcess: when a name means none.
    """
    for name in only:
        if name not in NAMES:
            raise UnknownProcess(f"There is no process {name!r}.", hint=f"The processes are {', '.join(NAMES)}.")
    wanted = only or NAMES
    return [
        spec
        for spec in (_decider(instance), _control(instance), _worker(instance), _envoy(instance))
        if spec.name in wanted
    ]


def _decider(instance: Instance) -> ProcessSpec:
    return ProcessSpec(
        name="decider",
        purpose="decides every request",
        command=(sys.executable, "-m", "ostiary.supervisor.serve", "decider"),
        probe=HttpProbe(instance.decider_socket, "/.well-known/ostiary/jwks.json", instance.identity_host),
        clear=(str(instance.decider_socket),),
    )


def _control(instance: Instance) -> ProcessSpec:
    return ProcessSpec(
        name="control",
        purpose="sign-in, portal, console",
        command=(sys.executable, "-m", "ostiary.supervisor.serve", "control"),
        probe=HttpProbe(instance.control_socket, "/", instance.identity_host),
        clear=(str(instance.control_socket),),
    )


def _worker(instance: Instance) -> ProcessSpec:
    bound = instance.configuration.decisions.facts_max_age_seconds
    return ProcessSpec(
        name="worker",
        purpose="confirms the facts, keeps the record",
        command=(sys.executable, "-m", "ostiary.automation.worker"),
        probe=HeartbeatProbe(instance.facts, max(10.0, min(60.0, bound / 2))),
    )


def _envoy(instance: Instance) -> ProcessSpec:
    gateway = instance.configuration.gateway
    workers = gateway.workers
    return ProcessSpec(
        name="envoy",
        purpose="the gateway",
        command=(
            str(envoy_program()),
            *("--config-path", str(instance.envoy / BOOTSTRAP_FILE)),
            *("--concurrency", str(workers)) * bool(workers),
            "--disable-hot-restart",
            *("--log-level", "warning" if instance.configuration.log_level == "info" else _envoy_level(instance)),
            *("--file-flush-interval-msec", "1000"),
            *("--service-cluster", "ostiary", "--service-node", "gateway"),
        ),
        probe=EveryProbe(
            (
                HttpProbe(instance.envoy_admin_socket, "/ready", refuse_from=300),
                TcpProbe(gateway.https_port, gateway.address_here),
            )
        ),
        after=("decider", "control"),
        before_stop=_drain(instance),
        clear=(str(instance.envoy_admin_socket),),
    )


def _envoy_level(instance: Instance) -> str:
    return {"debug": "debug", "warning": "warning", "error": "error"}[instance.configuration.log_level]


def _drain(instance: Instance) -> Callable[[], Awaitable[None]]:
    async def drain() -> None:
        """Take no new connections; give requests in flight a moment to finish."""
        await ask(instance.envoy_admin_socket, "POST", "/drain_listeners")
        for _ in range(DRAIN_CHECKS):
            if not await _active_requests(instance):
                return
            await asyncio.sleep(DRAIN_PAUSE_SECONDS)

    return drain


async def _active_requests(instance: Instance) -> int:
    status, body = await ask(instance.envoy_admin_socket, "GET", "/stats?format=json&filter=downstream_rq_active")
    if status != 200:
        return 0
    try:
        return sum(int(stat.get("value", 0)) for stat in json.loads(body)["stats"] if "admin" not in stat["name"])
    except (ValueError, KeyError, TypeError, AttributeError):
        return 0
