"""The lock of a stream's folder: held for a writer's life, or for one append where several processes write.

It is `flock(2)` on a file of its own: the kernel lets go of it when its holder dies, however it dies.
"""

import fcntl
import os
import time
from pathlib import Path
from typing import Final

from ostiary.visibility.adapters.unavailable import StreamInUse

_POLL_SECONDS: Final = 0.001


class StreamLock:
    """One process's hold on a stream.

    Args:
        path: the lock's file; its folder is made when it is missing.
        wait_seconds: how long to wait for another holder.
    """

    def __init__(self, path: Path, *, wait_seconds: float) -> None:
        self._path = path
        self._wait_seconds = wait_seconds
        self._descriptor: int | None = None
        self.held = False

    def take(self) -> None:
        """Hold the lock; nothing happens when it is held already.

        Raises:
            StreamInUse: when another process holds it all the time.
            OSError: when the file cannot be made.
        """
        if self.held:
            return
        if self._descriptor is None:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        deadline = time.monotonic() + self._wait_seconds
        while not self._try(self._descriptor):
            if time.monotonic() >= deadline:
                raise StreamInUse(
                    f"Another process writes the stream {self._path.parent.name!r} of the audit log.",
                    hint="One process at a time writes it: stop the other one, or wait until it has ended.",
                    detail=str(self._path),
                )
            time.sleep(_POLL_SECONDS)
        self.held = True

    def let_go(self) -> None:
        """Let others have it; the file stays open for the next time."""
        if self._descriptor is not None and self.held:
            fcntl.flock(self._descriptor, fcntl.LOCK_UN)
        self.held = False

    def close(self) -> None:
        """Let others have it and close the file."""
        if self._descriptor is not None:
            os.close(self._descriptor)
        self._descriptor, self.held = None, False

    @staticmethod
    def _try(descriptor: int) -> bool:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True
