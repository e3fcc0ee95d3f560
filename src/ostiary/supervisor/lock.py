"""One supervisor an instance: a lock that ends with its holder, and what a killed one may have left behind."""

import fcntl
import os
import signal
import time
from pathlib import Path

import psutil

from ostiary.errors import OstiaryError
from ostiary.supervisor.status_file import NotRunning, read_status

FILE_NAME = "supervisor.lock"


class AlreadyRunning(OstiaryError):
    """Another supervisor keeps this instance."""


class InstanceLock:
    """Holds `state/supervisor.lock` as long as it lives; the kernel lets go of it whatever happens to the process."""

    def __init__(self, state: Path) -> None:
        state.mkdir(parents=True, exist_ok=True)
        self._descriptor = os.open(state / FILE_NAME, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.read(self._descriptor, 20).decode("ascii", "replace").strip()
            os.close(self._descriptor)
            raise AlreadyRunning(
                f"Ostiary is already running on this instance (process {holder or 'unknown'}).",
                hint="See how it stands with: ostiary status",
            ) from None
        os.ftruncate(self._descriptor, 0)
        os.pwrite(self._descriptor, f"{os.getpid()}\n".encode(), 0)

    def release(self) -> None:
        """Let the next one in."""
        os.close(self._descriptor)


def is_locked(state: Path) -> bool:
    """Return whether a supervisor keeps the instance now."""
    try:
        descriptor = os.open(state / FILE_NAME, os.O_RDWR | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def end_leftovers(run: Path, *, patience_seconds: float = 5.0) -> list[int]:
    """End processes that a killed supervisor named in its status file and that still run; return their ids.

    The kernel kills them with it; this is for the moments that takes. A process counts as the one meant only when it
    started when the file says, so that a reused number harms nobody.
    """
    try:
        status = read_status(run)
    except NotRunning:
        return []
    left = [
        process
        for entry in status.processes
        if entry.pid and entry.started_at and (process := _same(entry.pid, entry.started_at))
    ]
    deadline = time.monotonic() + patience_seconds
    while (alive := [process for process in left if process.is_running()]) and time.monotonic() < deadline:
        time.sleep(0.02)
    for process in alive:
        process.send_signal(signal.SIGKILL)
    return [process.pid for process in alive]


def _same(pid: int, started_at: float) -> psutil.Process | None:
    try:
        process = psutil.Process(pid)
        return process if abs(process.create_time() - started_at) < 2.0 and process.status() != "zombie" else None
    except psutil.Error:
        return None
