"""What is typed about the service: `install-service` and `remove-service`. What each system is told is in its own module."""

import argparse
import os
import stat
import sys
from pathlib import Path, PureWindowsPath

from ostiary.agent.folder import LOG_FILE, Folder
from ostiary.agent.service import systemd
from ostiary.agent.service.tools import NotInstalled, Run, run_tool
from ostiary.agent.system import windows_api
from ostiary.agent.system.places import default_folder, is_root


def install_service(folder: Folder, said: argparse.Namespace) -> None:
    """Have the system keep the agent running, or show how that is said to it."""
    text = service_text(folder.path.absolute(), sys.executable)
    if said.print:
        _say(text.rstrip())
        return
    folder.enrolled()
    if is_root():
        require_roots_own(Path(sys.executable))
    for line in install(text, log=folder.path.absolute() / LOG_FILE):
        _say(line)


def remove_service(_folder: Folder, _said: argparse.Namespace) -> None:
    """Have the system keep it running no more."""
    for line in remove():
        _say(line)


def service_text(folder: Path, python: str) -> str:
    """Return what this system is told of the service.

    Args:
        folder: where the agent keeps its files, an absolute path.
        python: the interpreter that it runs on.
    """
    if sys.platform == "win32":
        from ostiary.agent.service import task  # noqa: PLC0415 - only its own is loaded

        account = f"{os.environ.get('USERDOMAIN', '')}\\{os.environ.get('USERNAME', '')}"
        place = PureWindowsPath(str(folder))
        return task.task_text(task.windowless(python), place, sid=_own_sid(), account=account)
    if sys.platform == "darwin":
        from ostiary.agent.service import launchd  # noqa: PLC0415

        return launchd.plist_text(python, folder)
    return systemd.unit_text(python, folder, of_system=is_root(), usual=default_folder())


def install(text: str, *, log: Path, run: Run = run_tool) -> tuple[str, ...]:
    """Install and start the service; return what was done, in words. Raises `NotInstalled`.

    Args:
        text: as `service_text` gives it.
        log: where it writes what it says, where the system keeps no journal.
        run: runs the system's own programs.
    """
    if sys.platform == "win32":
        from ostiary.agent.service import task  # noqa: PLC0415

        return task.install_task(text, name=task.task_name(_own_sid()), log=log, run=run)
    of_system = is_root()
    if sys.platform == "darwin":
        from ostiary.agent.service import launchd  # noqa: PLC0415

        place, domain = launchd.plist_place(of_system=of_system), launchd.domain_here(of_system=of_system)
        return launchd.install_plist(text, place, domain=domain, log=log, run=run)
    return systemd.install_unit(text, systemd.unit_place(of_system=of_system), of_system=of_system, run=run)


def remove(run: Run = run_tool) -> tuple[str, ...]:
    """End and remove the service; return what was done, in words. Raises `NotInstalled`."""
    if sys.platform == "win32":
        from ostiary.agent.service import task  # noqa: PLC0415

        return task.remove_task(name=task.task_name(_own_sid()), run=run)
    of_system = is_root()
    if sys.platform == "darwin":
        from ostiary.agent.service import launchd  # noqa: PLC0415

        place, domain = launchd.plist_place(of_system=of_system), launchd.domain_here(of_system=of_system)
        return launchd.remove_plist(place, domain=domain, run=run)
    return systemd.remove_unit(systemd.unit_place(of_system=of_system), of_system=of_system, run=run)


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


def _own_sid() -> str:
    try:
        return windows_api.own_sid()
    except OSError as error:
        raise NotInstalled(f"Whose service it would be cannot be told ({error}).") from None


def _say(words: str) -> None:
    sys.stdout.write(words + "\n")
    sys.stdout.flush()
