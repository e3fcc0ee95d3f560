"""Where the agent keeps its files, by the habits of each system, and whether it runs as the system's own user."""

import os
import sys
from pathlib import Path
from typing import Final

FOLDER_VARIABLE: Final = "OSTIARY_AGENT_HOME"
SYSTEM_FOLDER: Final = Path("/var/lib/ostiary-agent")
MAC_SYSTEM_FOLDER: Final = Path("/Library/Application Support/Ostiary")
FOLDER_WORDS: Final = {
    "win32": "%%LOCALAPPDATA%%\\Ostiary",
    "darwin": "root: /Library/Application Support/Ostiary; otherwise the same in your home",
}
USUAL_WORDS: Final = "root: /var/lib/ostiary-agent; otherwise ~/.local/state/ostiary-agent"


def is_root() -> bool:
    """Tell whether this is root, who may do everything; nobody is on Windows, where the agent is always a person's."""
    return sys.platform != "win32" and os.geteuid() == 0


def default_folder() -> Path:
    """Return where the agent keeps its files: what the environment says, the system's place for root, else the person's own."""
    if chosen := os.environ.get(FOLDER_VARIABLE):
        return Path(chosen)
    if sys.platform == "win32":
        local = Path(os.environ.get("LOCALAPPDATA", ""))
        return (local if local.is_absolute() else Path.home() / "AppData" / "Local") / "Ostiary"
    if sys.platform == "darwin":
        return MAC_SYSTEM_FOLDER if is_root() else Path.home() / "Library" / "Application Support" / "Ostiary"
    if is_root():
        return SYSTEM_FOLDER
    state = os.environ.get("XDG_STATE_HOME", "")
    return (Path(state) if Path(state).is_absolute() else Path.home() / ".local" / "state") / "ostiary-agent"
