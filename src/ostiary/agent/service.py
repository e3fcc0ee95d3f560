"""The agent as a service of systemd: what its unit says, and putting it where systemd looks. What it may see is what collectors read."""

import os
import subprocess
from pathlib import Path
from typing import Final

from ostiary.agent.folder import SYSTEM_FOLDER
from ostiary.errors import OstiaryError

NAME: Final = "ostiary-agent.service"
UNIT: Final = Path("/etc/systemd/system") / NAME
_TEXT: Final = """\
[Unit]
Description=Proves which computer this is, and tells how it is kept
Wants=network-online.target
After=network-online.target

[Service]
ExecStart={command} run
Restart=on-failure
RestartSec=60
RestartPreventExitStatus=3
# It looks at the whole computer and changes nothing but its own folder.
ReadWritePaths={folder}
ProtectSystem=strict
ProtectHome=read-only
PrivateTmp=yes
NoNewPrivileges=yes
ProtectKernelModules=yes
ProtectKernelLogs=yes
ProtectControlGroups=yes
ProtectHostname=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
RestrictNamespaces=yes
LockPersonality=yes
MemoryDenyWriteExecute=yes
SystemCallArchitectures=native
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK
# Reading others' files, the packet filter, and asking a person's desktop as that person.
CapabilityBoundingSet=CAP_DAC_READ_SEARCH CAP_NET_ADMIN CAP_SETUID CAP_SETGID
UMask=0077
Nice=10
IOSchedulingClass=idle
MemoryMax=512M
TasksMax=64

[Install]
WantedBy=multi-user.target
"""


class NotInstalled(OstiaryError):
    """The service could not be installed."""


def unit_text(python: str, folder: Path) -> str:
    """Return the unit.

    Args:
        python: the interpreter that the agent runs on, an absolute path.
        folder: where it keeps its files.
    """
    beside = Path(python).parent / "ostiary-agent"
    command = _quoted(beside) if beside.exists() else f"{_quoted(Path(python))} -m ostiary.agent"
    if folder != SYSTEM_FOLDER:
        command += f" --folder {_quoted(folder)}"
    return _TEXT.format(command=command, folder=_quoted(folder))


def install_unit(text: str, unit: Path = UNIT) -> tuple[str, ...]:
    """Put the unit where systemd looks and start it; return what was done, in words.

    Raises:
        NotInstalled: when that is not possible; where it says so, the unit is there and was not started.
    """
    if os.geteuid() != 0:
        raise NotInstalled(
            "Only root can install a service.",
            hint="Run: sudo ostiary-agent install-service, or look at it with --print",
        )
    if not Path("/run/systemd/system").is_dir():
        raise NotInstalled(
            "This computer was not started by systemd.", hint="See the unit: ostiary-agent install-service --print"
        )
    try:
        unit.write_text(text)
        unit.chmod(0o644)
        for words in (("daemon-reload",), ("enable", "--now", NAME)):
            subprocess.run(["systemctl", *words], check=True, capture_output=True, text=True)
    except OSError as error:
        raise NotInstalled(f"{error.filename or unit} cannot be used ({error.strerror}).") from None
    except subprocess.CalledProcessError as error:
        raise NotInstalled(
            f"systemctl says: {error.stderr.strip()[:300]}", hint=f"See: systemctl status {NAME}"
        ) from None
    return (f"{unit} is there and started.", f"See what it says: journalctl -u {NAME}")


def _quoted(path: Path) -> str:
    return '"' + str(path).replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%") + '"'
