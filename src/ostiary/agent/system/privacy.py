"""Who can look into what the agent keeps: by owner and mode, on Windows by its owner and its list of who may do what."""

import os
import stat
import subprocess
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Final

from ostiary.agent.system import windows_api
from ostiary.agent.system.programs import Done, run_program
from ostiary.agent.system.sddl import Access, read_access

Run = Callable[[Sequence[str]], Done]
SECONDS: Final = 60.0
_REPARSE_POINT: Final = 0x400
"""FILE_ATTRIBUTE_REPARSE_POINT: a link, a junction, or what lies in some cloud. Source: Microsoft, File Attribute Constants."""
_run: Final[Run] = partial(run_program, seconds=SECONDS)


def is_own_folder(path: Path) -> bool:
    """Tell whether this is a folder, no link to one, and belongs to who asks. Raises `OSError` when nobody can tell."""
    status = path.lstat()
    if not stat.S_ISDIR(status.st_mode):
        return False
    if sys.platform == "win32":
        return not _leads_elsewhere(status) and _access(path).is_own
    return status.st_uid == os.geteuid()


def is_shared(path: Path) -> bool:
    """Tell whether others than its user, and the system's own administrators, can look into a file or folder. Raises `OSError`."""
    if sys.platform == "win32":
        return _leads_elsewhere(path.lstat()) or bool(_access(path).others)
    return bool(stat.S_IMODE(path.stat().st_mode) & 0o077)


def shut(path: Path, run: Run = _run) -> None:
    """Let nobody but its user look into a folder and what lies there.

    Args:
        path: of the folder.
        run: runs what Windows has for it.

    Raises:
        OSError: when that is not possible, or is not so afterwards.
    """
    if sys.platform == "win32":
        for words in shutting(str(path), windows_api.own_sid()):
            try:
                done = run(words)
            except (subprocess.SubprocessError, ValueError) as error:
                raise OSError(f"icacls did not work: {error}") from None
            if done.status != 0:
                raise OSError(f"icacls refuses: {done.words()[:300]}")
    else:
        path.chmod(0o700)
    if is_shared(path):
        raise OSError("others can look into it, and that cannot be changed")


def shutting(path: str, sid: str) -> tuple[tuple[str, ...], ...]:
    """Return the commands by which Windows lets one person alone into a folder: what was said before of others goes first.

    Source: Microsoft, icacls: `/reset`, `/inheritance:r`, `/grant:r` with a security identifier, (OI)(CI) for what lies in it.
    """
    return (
        ("icacls", path, "/reset", "/Q"),
        ("icacls", path, "/inheritance:r", "/grant:r", f"*{sid}:(OI)(CI)F", "/Q"),
    )


def _access(path: Path) -> Access:
    return read_access(windows_api.sddl_of(path), own=windows_api.own_sid())


def _leads_elsewhere(status: os.stat_result) -> bool:
    return stat.S_ISLNK(status.st_mode) or bool(getattr(status, "st_file_attributes", 0) & _REPARSE_POINT)
