"""The agent as a service of systemd, of the system or of one person: what its unit says, and putting it where systemd looks.

What it may see is what collectors read; what it may write is its own folder, and a person's own browsers where it is theirs.
"""

import os
import stat
import subprocess
from pathlib import Path
from typing import Final

from ostiary.agent.folder import SYSTEM_FOLDER
from ostiary.agent.tpm import DEVICE
from ostiary.errors import OstiaryError

NAME: Final = "ostiary-agent.service"
SYSTEM_UNIT: Final = Path("/etc/systemd/system") / NAME
_TEXT: Final = """\
[Unit]
Description=Proves which computer this is, and tells how it is kept
{after}
[Service]
ExecStart={command} run
Restart=on-failure
RestartSec=60
RestartPreventExitStatus=3
{keeping}NoNewPrivileges=yes
RestrictRealtime=yes
LockPersonality=yes
MemoryDenyWriteExecute=yes
SystemCallArchitectures=native
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK
UMask=0077
Nice=10
MemoryMax=512M
TasksMax=64

[Install]
WantedBy={target}
"""
_AFTER: Final = """\
Wants=network-online.target
After=network-online.target
"""
_KEEPING: Final = """\
# It looks at the whole computer and changes nothing but its own folder.
ReadWritePaths={folder}
ProtectSystem=strict
ProtectHome=read-only
PrivateTmp=yes
ProtectKernelModules=yes
ProtectKernelLogs=yes
ProtectControlGroups=yes
ProtectHostname=yes
RestrictSUIDSGID=yes
RestrictNamespaces=yes
# Reading others' files, the packet filter, asking a person's desktop as that person, and ending that when it hangs.
CapabilityBoundingSet=CAP_DAC_READ_SEARCH CAP_KILL CAP_NET_ADMIN CAP_SETUID CAP_SETGID
{groups}"""


def require_roots_own(program: Path) -> None:
    """Return when root alone can change a program. Raises `NotInstalled`: whoever else can would be root with its next start."""
    for one in (program, *program.parents):
        status = one.stat()
        shared = status.st_mode & 0o022 and not status.st_mode & stat.S_ISVTX
        if status.st_uid != 0 or shared:
            raise NotInstalled(
                f"Others than root can change {one}, and root would run what lies there.",
                hint="Install the agent as root, for instance into /opt/ostiary-agent.",
            )


class NotInstalled(OstiaryError):
    """The service could not be installed."""


def unit_text(python: str, folder: Path, *, of_system: bool, usual: Path = SYSTEM_FOLDER, tpm: Path = DEVICE) -> str:
    """Return the unit.

    Args:
        python: the interpreter that the agent runs on, an absolute path.
        folder: where it keeps its files.
        of_system: whether it is root's; otherwise it is a person's own.
        usual: the folder that it takes when none is said.
        tpm: the computer's own, where there is one: root's service gets the group that may use it, for it may not override that.
    """
    beside = Path(python).parent / "ostiary-agent"
    command = _quoted(beside) if beside.exists() else f"{_quoted(Path(python))} -m ostiary.agent"
    if folder != usual:
        command += f" --folder {_quoted(folder)}"
    groups = f"SupplementaryGroups={tpm.stat().st_gid}\n" if tpm.exists() else ""
    return _TEXT.format(
        command=command,
        after=_AFTER if of_system else "",
        keeping=_KEEPING.format(folder=_quoted(folder), groups=groups) if of_system else "",
        target="multi-user.target" if of_system else "default.target",
    )


def unit_place(*, of_system: bool) -> Path:
    """Return where systemd looks for it."""
    if of_system:
        return SYSTEM_UNIT
    said = os.environ.get("XDG_CONFIG_HOME", "")
    return (Path(said) if Path(said).is_absolute() else Path.home() / ".config") / "systemd" / "user" / NAME


def install_unit(text: str, unit: Path, *, of_system: bool) -> tuple[str, ...]:
    """Put the unit where systemd looks and start it; return what was done, in words.

    Raises:
        NotInstalled: when that is not possible; where it says so, the unit is there and was not started.
    """
    if not Path("/run/systemd/system").is_dir():
        raise NotInstalled(
            "This computer was not started by systemd.", hint="See the unit: ostiary-agent install-service --print"
        )
    scope = () if of_system else ("--user",)
    try:
        unit.parent.mkdir(parents=True, exist_ok=True)
        unit.write_text(text)
        unit.chmod(0o644)
        for words in (("daemon-reload",), ("enable", "--now", NAME)):
            subprocess.run(["systemctl", *scope, *words], check=True, capture_output=True, text=True)
    except OSError as error:
        raise NotInstalled(f"{error.filename or unit} cannot be used ({error.strerror}).") from None
    except subprocess.CalledProcessError as error:
        see = " ".join(["systemctl", *scope, "status", NAME])
        raise NotInstalled(
            f"{unit} is there. systemctl says: {error.stderr.strip()[:300]}", hint=f"See: {see}"
        ) from None
    return (f"{unit} is there and started.", f"See what it says: journalctl {'' if of_system else '--user '}-u {NAME}")


def _quoted(path: Path) -> str:
    return '"' + str(path).replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%") + '"'
