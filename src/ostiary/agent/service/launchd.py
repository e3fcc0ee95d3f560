"""The agent as a service of launchd on macOS: an agent of one person, or root's daemon. Built after what Apple documents.

Source: launchd.plist(5), launchctl(1).
"""

import os
import plistlib
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

from ostiary.agent.folder import LOG_FILE
from ostiary.agent.service.tools import NotInstalled, Run, cannot, require, run_tool

LABEL: Final = "ostiary-agent"
DAEMON: Final = Path("/Library/LaunchDaemons") / f"{LABEL}.plist"
AGENTS: Final = Path("Library/LaunchAgents")
AGAIN_SECONDS: Final = 60
PAUSE_SECONDS: Final = 0.2
PATIENCE: Final = 50
"""How often it is asked whether launchd has let go of the one before: it says so before it has."""
_UMASK: Final = 0o077
Pause = Callable[[float], None]


def plist_text(python: str, folder: Path) -> str:
    """Return what launchd is told.

    Args:
        python: the interpreter that the agent runs on, an absolute path.
        folder: where it keeps its files.
    """
    words = [python, "-P", "-m", "ostiary.agent", "--folder", str(folder), "run"]
    told: dict[str, Any] = {
        "Label": LABEL,
        "ProgramArguments": [*words, "--log", str(folder / LOG_FILE), "--end-when-refused"],
        "RunAtLoad": True,
        "KeepAlive": {"SuccessfulExit": False},
        "ThrottleInterval": AGAIN_SECONDS,
        "ProcessType": "Background",
        "LowPriorityIO": True,
        "Nice": 10,
        "Umask": _UMASK,
    }
    return plistlib.dumps(told, sort_keys=False).decode()


def plist_place(*, of_system: bool) -> Path:
    """Return where launchd looks for it."""
    return DAEMON if of_system else Path.home() / AGENTS / f"{LABEL}.plist"


def install_plist(
    text: str, place: Path, *, domain: str, log: Path, run: Run = run_tool, pause: Pause = time.sleep
) -> tuple[str, ...]:
    """Put the file where launchd looks and start the service, in place of one that runs; return what was done, in words.

    Args:
        text: as `plist_text` gives it.
        place: as `plist_place` gives it.
        domain: as `domain_here` gives it.
        log: where the service writes what it says.
        run: runs `launchctl`.
        pause: waits for some seconds.

    Raises:
        NotInstalled: when that is not possible; where it says so, the file is there and nothing was started.
    """
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text, encoding="utf-8")
        place.chmod(0o644)
    except OSError as error:
        raise cannot(place, error) from None
    _unload(domain, run, pause)
    run(_words("enable", f"{domain}/{LABEL}"))
    hint = "It starts when you sign in at the screen next." if domain.startswith("gui/") else f"See: plutil {place}"
    require(run(_words("bootstrap", domain, str(place))), f"{place} is there. launchctl", hint=hint)
    return (f"{place} is there and started.", f"See what it says: {log}")


def remove_plist(place: Path, *, domain: str, run: Run = run_tool, pause: Pause = time.sleep) -> tuple[str, ...]:
    """End the service and remove its file; return what was done, in words. Where there is none, nothing is.

    Raises:
        NotInstalled: when that is not possible.
    """
    ran, there = _unload(domain, run, pause), place.exists()
    try:
        place.unlink(missing_ok=True)
    except OSError as error:
        raise cannot(place, error) from None
    return (f"The service is ended, and {place} is removed.",) if ran or there else ("There is no such service here.",)


def domain_here(*, of_system: bool) -> str:
    """Return what launchd calls the services of the system, or of who is at the screen."""
    return "system" if of_system else f"gui/{os.getuid()}"


def _unload(domain: str, run: Run, pause: Pause) -> bool:
    """Have launchd let go of the service; return whether it had it."""
    target = f"{domain}/{LABEL}"
    if run(_words("print", target)).status != 0:
        return False
    done = run(_words("bootout", target))
    for _ in range(PATIENCE):
        if run(_words("print", target)).status != 0:
            return True
        pause(PAUSE_SECONDS)
    raise NotInstalled(f"launchd does not end the service that runs: {done.words()[:300]}", hint="Try again.")


def _words(*words: str) -> Sequence[str]:
    return ("launchctl", *words)
