"""Files that are read whole and replaced whole, in one step, whoever reads them meanwhile."""

import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final, TypeVar

PAUSE_SECONDS: Final = 0.1
TRIES: Final = 20
T = TypeVar("T")


def read_whole(path: Path) -> bytes:
    """Return what stands in a file. Raises `OSError`."""
    return _patiently(path.read_bytes)


def remove_whole(path: Path) -> None:
    """Remove a file where there is one. Raises `OSError`."""
    _patiently(lambda: path.unlink(missing_ok=True))


def replace_whole(path: Path, content: bytes) -> None:
    """Have a file hold this and nothing else; whoever reads it sees all of what was or all of what is. Raises `OSError`."""
    temporary = path.with_name(temporary_name(path.name))
    remove_whole(temporary)
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    _patiently(lambda: temporary.replace(path))


def temporary_name(name: str) -> str:
    """Return what a file is called until it takes the other's place."""
    return f".{name}.tmp"


def _patiently(act: Callable[[], T]) -> T:
    """On Windows a file that somebody has open (a scanner, a backup, the agent itself) cannot be replaced until they are done."""
    if sys.platform == "win32":
        for _ in range(TRIES):
            try:
                return act()
            except PermissionError:
                time.sleep(PAUSE_SECONDS)
    return act()
