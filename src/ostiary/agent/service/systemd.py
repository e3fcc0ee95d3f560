"""The agent as a service of systemd, of the system or of one person: what its unit says, and putting it where systemd looks.

What it may see is what collectors read; what it may write is its own folder, and a person's own browsers where it is theirs.
"""

import os
from pathlib import Path
from typing import Final

from ostiary.agent.service.tools import NotInstalled, Run, cannot, require, run_tool
from ostiary.agent.system.places import SYSTEM_FOLDER
from ostiary.agent.tpm import DEVICE

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


def install_unit(text: str, unit: Path, *, of_system: bool, run: Run = run_tool) -> tuple[str, ...]:
    """Put the unit where systemd looks and start it; return what was done, in words.

    Raises:
        NotInstalled: when that is not possible; where it says so, the unit is there and was not started.
    """
    if not _is_here():
        raise NotInstalled(
            "This computer was not started by systemd.", hint="See the unit: ostiary-agent install-service --print"
        )
    systemctl = _systemctl(of_system=of_system)
    try:
        unit.parent.mkdir(parents=True, exist_ok=True)
        unit.write_text(text)
        unit.chmod(0o644)
    except OSError as error:
        raise cannot(unit, error) from None
    for words in (("daemon-reload",), ("enable", NAME), ("restart", NAME)):
        see = " ".join([*systemctl, "status", NAME])
        require(run((*systemctl, *words)), f"{unit} is there. systemctl", hint=f"See: {see}")
    return (f"{unit} is there and started.", f"See what it says: journalctl {'' if of_system else '--user '}-u {NAME}")


def remove_unit(unit: Path, *, of_system: bool, run: Run = run_tool) -> tuple[str, ...]:
    """End the service and remove its unit; return what was done, in words. Where there is none, nothing is.

    Raises:
        NotInstalled: when that is not possible.
    """
    if not unit.exists():
        return ("There is no such service here.",)
    systemctl = _systemctl(of_system=of_system)
    if _is_here():
        require(run((*systemctl, "disable", "--now", NAME)), f"{unit} is still there. systemctl")
    try:
        unit.unlink(missing_ok=True)
    except OSError as error:
        raise cannot(unit, error) from None
    if _is_here():
        require(run((*systemctl, "daemon-reload")), f"{unit} is removed. systemctl")
    return (f"The service is ended, and {unit} is removed.",)


def _is_here() -> bool:
    return Path("/run/systemd/system").is_dir()


def _systemctl(*, of_system: bool) -> tuple[str, ...]:
    return ("systemctl",) if of_system else ("systemctl", "--user")


def _quoted(path: Path) -> str:
    return '"' + str(path).replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%") + '"'
