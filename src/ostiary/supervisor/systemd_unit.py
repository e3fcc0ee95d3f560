"""The systemd unit of an instance: what it may touch is listed, everything else is not there for it."""

from dataclasses import dataclass
from pathlib import Path

from ostiary.config.places import Instance
from ostiary.supervisor.diagnosis.machine import DESCRIPTORS_PER_CONNECTION

UNIT_NAME = "ostiary.service"
_OWNERS_HOMES = (Path("/home"), Path("/root"), Path("/run/user"))


@dataclass(frozen=True, slots=True)
class UnitChoices:
    """What the person who installs it decides.

    Args:
        user: whom it runs as.
        python: the interpreter that Ostiary is installed into.
        cut_streams: grant CAP_NET_ADMIN, with which live streams of a revoked session are cut in the kernel.
    """

    user: str
    python: Path
    cut_streams: bool = False


def render_unit(instance: Instance, choices: UnitChoices) -> str:
    """Return the unit file.

    Args:
        instance: which instance it runs.
        choices: what was decided.
    """
    gateway = instance.configuration.gateway
    capabilities = []
    if any(0 < port < 1024 for port in (gateway.https_port, gateway.http_port)):
        capabilities.append("CAP_NET_BIND_SERVICE")
    if choices.cut_streams:
        capabilities.append("CAP_NET_ADMIN")
    granted = " ".join(capabilities)
    files = gateway.max_connections * DESCRIPTORS_PER_CONNECTION + 1024
    return f"""\
# Made by `ostiary service install`; made again by it. Put changes into a drop-in: systemctl edit {UNIT_NAME}
[Unit]
Description=Ostiary verifies every request to {instance.configuration.domain}
Wants=network-online.target
After=network-online.target time-sync.target postgresql.service
StartLimitIntervalSec=0

[Service]
Type=notify
NotifyAccess=main
User={choices.user}
Group={choices.user}
Environment="OSTIARY_HOME={_escaped(instance.home)}" PYTHONDONTWRITEBYTECODE=1
ExecStart="{_escaped(choices.python)}" -m ostiary.supervisor
Restart=always
RestartSec=2
WatchdogSec=30
TimeoutStartSec=300
TimeoutStopSec=60
KillMode=mixed
LimitNOFILE={files}
LimitCORE=0
UMask=0077

AmbientCapabilities={granted}
CapabilityBoundingSet={granted}
NoNewPrivileges=yes
ProtectSystem=strict
ReadWritePaths="{_escaped(instance.home)}"
ProtectHome={_protect_home(instance.home, choices.python)}
PrivateTmp=yes
PrivateDevices=yes
ProtectProc=invisible
ProtectClock=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
ProtectControlGroups=yes
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
LockPersonality=yes
RemoveIPC=yes
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallFilter=~@privileged @obsolete
SystemCallErrorNumber=EPERM

[Install]
WantedBy=multi-user.target
"""


def _escaped(path: Path) -> str:
    """Return a path as it stands between the quotes of a unit file."""
    return str(path).replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%")


def _protect_home(*needed: Path) -> str:
    """Hide people's folders, unless what the service needs lies in one of them."""
    inside = any(path.is_relative_to(folder) for path in needed for folder in _OWNERS_HOMES)
    return "read-only" if inside else "yes"


def unreachable_folder(path: Path) -> Path | None:
    """Return the first folder above `path` that another user cannot pass through, or `None`."""
    for folder in reversed(path.parents):
        if folder.exists() and not folder.stat().st_mode & 0o001:
            return folder
    return None
