"""What the supervisor says about its processes, in `run/status.json`, for `ostiary status` and anybody else on the machine."""

from pathlib import Path

import msgspec

from ostiary.errors import OstiaryError
from ostiary.gateway.replaced_file import replace_file
from ostiary.supervisor.process import State

FILE_NAME = "status.json"


class ProcessStatus(msgspec.Struct, frozen=True, kw_only=True):
    """One process. Moments are seconds since the epoch.

    Args:
        pid: `None` while it does not run.
        started_at: of the present run; `None` while it does not run.
        restarts: how often it was started again since `up`.
        said: what is wrong, or how the last run ended; empty when it never ended.
        log: its log file.
    """

    name: str
    purpose: str
    state: State
    pid: int | None
    started_at: float | None
    restarts: int
    said: str
    log: str


class SupervisorStatus(msgspec.Struct, frozen=True, kw_only=True):
    """Everything the supervisor keeps. `written_at` is renewed every few seconds."""

    pid: int
    started_at: float
    written_at: float
    version: str
    processes: tuple[ProcessStatus, ...]

    @property
    def ready(self) -> bool:
        """Whether every process is."""
        return all(process.state is State.READY for process in self.processes)


class NotRunning(OstiaryError):
    """No supervisor keeps the instance."""


def write_status(folder: Path, status: SupervisorStatus) -> None:
    """Replace the file. Failing to is not a reason to stop: readers see that it is old."""
    replace_file(folder / FILE_NAME, msgspec.json.encode(status), mode=0o640, durable=False)


def read_status(folder: Path) -> SupervisorStatus:
    """Return what the supervisor last said.

    Raises:
        NotRunning: when there is no such file, or it cannot be read.
    """
    try:
        return msgspec.json.decode((folder / FILE_NAME).read_bytes(), type=SupervisorStatus)
    except (OSError, msgspec.DecodeError, UnicodeDecodeError):
        raise NotRunning("Ostiary is not running here.", hint="Start it with: ostiary up") from None
