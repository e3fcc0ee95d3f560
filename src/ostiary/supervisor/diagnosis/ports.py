"""Can the gateway have its ports?"""

import errno
import os
import socket
from collections.abc import Iterator
from pathlib import Path

import psutil

from ostiary.config.places import Instance
from ostiary.supervisor.diagnosis.finding import Finding, fine, problem
from ostiary.supervisor.lock import is_locked

CAP_NET_BIND_SERVICE = 10
_UNPRIVILEGED = Path("/proc/sys/net/ipv4/ip_unprivileged_port_start")


def check_ports(instance: Instance) -> list[Finding]:
    """Try to bind each port of the gateway, unless the instance runs: then the ports are its own."""
    gateway = instance.configuration.gateway
    ports = {key: port for key in ("https_port", "http_port") if (port := getattr(gateway, key))}
    if is_locked(instance.state):
        return list(_served(gateway.address_here, list(ports.values())))
    return [_bindable(gateway.address, key, port) for key, port in ports.items()]


def _served(address: str, ports: list[int]) -> Iterator[Finding]:
    for port in ports:
        try:
            socket.create_connection((address, port), 3).close()
        except OSError as error:
            yield problem("ports", f"Nobody answers on port {port} ({error.strerror or error}).", "ostiary status")
        else:
            yield fine("ports", f"The gateway answers on port {port}.")


def _bindable(address: str, key: str, port: int) -> Finding:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as attempt:
        attempt.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            attempt.bind((address, port))
            attempt.listen(1)
        except OSError as error:
            return _explain(error, address, key, port)
    return fine("ports", f"Port {port} is free.")


def _explain(error: OSError, address: str, key: str, port: int) -> Finding:
    if error.errno == errno.EADDRINUSE:
        return problem(
            "ports",
            f"Port {port} is taken{_holder(port)}.",
            f"End that program, or choose another port: gateway.{key} in ostiary.toml "
            f"(OSTIARY_GATEWAY__{key.upper()}={port + 1000}).",
        )
    if error.errno == errno.EACCES:
        return problem(
            "ports",
            f"This user may not listen on port {port}.",
            "Run it as a service, which may: ostiary service install. Or choose a port from 1024 up.",
        )
    if error.errno == errno.EADDRNOTAVAIL:
        return problem("ports", f"This machine has no address {address}.", "Correct gateway.address in ostiary.toml.")
    return problem("ports", f"Port {port} cannot be used: {error.strerror}.", "Correct gateway in ostiary.toml.")


def _holder(port: int) -> str:
    """Name who listens, where this user may see it."""
    try:
        for connection in psutil.net_connections("tcp"):
            if connection.pid and connection.status == psutil.CONN_LISTEN and connection.laddr[1:2] == (port,):
                return f" by {psutil.Process(connection.pid).name()} (process {connection.pid})"
    except (psutil.Error, OSError):
        return ""
    return ""


def may_bind_low_ports() -> bool:
    """Return whether this process may listen below 1024."""
    try:
        start = int(_UNPRIVILEGED.read_text())
    except (OSError, ValueError):
        start = 1024
    return start <= 80 or bool(effective_capabilities() >> CAP_NET_BIND_SERVICE & 1)


def effective_capabilities() -> int:
    """Return the capabilities in force as a bit mask.

    Source: proc(5), `CapEff`.
    """
    try:
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith("CapEff:"):
                return int(line.split()[1], 16)
    except (OSError, ValueError):
        pass
    return -1 if os.geteuid() == 0 else 0
