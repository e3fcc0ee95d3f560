"""A lock that one program at a time can hold, as long as it runs: on a file, by what the system has for it."""

import errno
import os
import sys
import time
from pathlib import Path
from typing import Final

PAUSE_SECONDS: Final = 0.1
_UNUSABLE: Final = frozenset({errno.EBADF, errno.EINVAL})
"""Whatever else is said of a lock means that somebody holds it; Wine says nothing at all."""


def take_lock(path: Path) -> int:
    """Wait until nobody else holds the lock, and hold it; return what `let_go` takes.

    Args:
        path: a file that is there for this alone; it is made.

    Raises:
        OSError: when the file cannot be used.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        _wait_for(descriptor)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def let_go(descriptor: int) -> None:
    """Let the next one have it."""
    if sys.platform == "win32":
        import msvcrt  # noqa: PLC0415 - not on every platform

        os.lseek(descriptor, 0, os.SEEK_SET)
        msvcrt.locking(descriptor, msvcrt.LK_UNLCK, 1)
    os.close(descriptor)


def _wait_for(descriptor: int) -> None:
    if sys.platform == "win32":
        import msvcrt  # noqa: PLC0415

        while True:
            try:
                msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
            except OSError as error:
                if error.errno in _UNUSABLE:
                    raise
                time.sleep(PAUSE_SECONDS)
            else:
                return
    import fcntl  # noqa: PLC0415

    fcntl.flock(descriptor, fcntl.LOCK_EX)
