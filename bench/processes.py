"""Programs the benchmark starts: their start, their processor time, their memory, their cores and their end.

What they are configured to do lives beside each of them; load lives in `load`.
"""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

import psutil

from ostiary.errors import OstiaryError
from ostiary.supervisor import tether

PATIENCE_SECONDS = 60.0
STOP_SECONDS = 15.0
TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")


class ProgramFailed(OstiaryError):
    """A program the benchmark needs did not start, or ended while it was needed."""


class Program:
    """One program in the foreground, with its output in a file; a context manager that stops it by its id.

    It leads a session of its own, and the kernel ends it when this process dies, however it dies.
    """

    def __init__(self, name: str, command: Sequence[str], log: Path, environment: Mapping[str, str] | None = None):
        """Start `command` with `environment` added to ours; its output goes to `log`."""
        self.name = name
        self._log = log
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                [sys.executable, "-I", "-S", tether.__file__, str(os.getpid()), _absolute(command[0]), *command[1:]],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env={**os.environ, **(environment or {})},
            )

    @property
    def pid(self) -> int:
        """The id of the process that was started; its children belong to it."""
        return self._process.pid

    def wait_for_port(self, port: int) -> None:
        """Return when something on the loopback address accepts connections on `port`.

        Raises:
            ProgramFailed: when the program ends first or takes too long, with the end of its output. It is stopped then.
        """
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline:
            self.check()
            with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
                return
            time.sleep(0.05)
        self.stop()
        raise ProgramFailed(f"{self.name} does not listen on port {port}.", hint=self.last_words())

    def check(self) -> None:
        """Raise `ProgramFailed` when the program is no longer running."""
        status = self._process.poll()
        if status is not None:
            raise ProgramFailed(f"{self.name} ended with status {status}.", hint=self.last_words())

    def last_words(self) -> str:
        """Return the end of the program's output."""
        return self._log.read_text(errors="replace")[-1500:].strip()

    def stop(self) -> None:
        """End the program: politely, then its whole session."""
        if self._process.poll() is None:
            self._process.terminate()
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(STOP_SECONDS)
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def _absolute(program: str) -> str:
    found = shutil.which(program) or shutil.which(program, path="/usr/sbin:/sbin")
    if found is None:
        raise ProgramFailed(f"{program} is not installed.")
    return found


def free_port() -> int:
    """Return a TCP port of the loopback address that nothing listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def family_of(pid: int) -> tuple[int, ...]:
    """Return `pid` and every process below it."""
    with suppress(psutil.NoSuchProcess):
        return (pid, *(child.pid for child in psutil.Process(pid).children(recursive=True)))
    return ()


def cpu_seconds(pids: Iterable[int]) -> float:
    """Return the processor time, user and system, that these processes have used so far, and those they started that have ended."""
    return sum(_ticks(pid) for pid in pids) / TICKS_PER_SECOND


def _ticks(pid: int) -> int:
    with suppress(OSError):
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return sum(map(int, fields[11:15]))
    return 0


@dataclass(frozen=True, slots=True)
class Memory:
    """Resident memory of several processes, in bytes.

    Args:
        pss: shared pages divided among those who share them; the honest sum.
        rss: every page counted in each process that maps it.
    """

    pss: int
    rss: int


def memory_of(pids: Iterable[int]) -> Memory:
    """Return what these processes keep resident."""
    pss = rss = 0
    for pid in pids:
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                pss += int(line.split()[1]) * 1024
            elif line.startswith("Rss:"):
                rss += int(line.split()[1]) * 1024
    return Memory(pss=pss, rss=rss)


def pin(pids: Iterable[int], cores: Collection[int]) -> None:
    """Keep every thread of these processes on `cores`; without any they stay where they are."""
    if not cores:
        return
    for pid in pids:
        with suppress(OSError):
            for thread in Path(f"/proc/{pid}/task").iterdir():
                with suppress(OSError):
                    os.sched_setaffinity(int(thread.name), cores)


def usable_cores() -> tuple[int, ...]:
    """Return the processor cores this process may run on."""
    return tuple(sorted(os.sched_getaffinity(0)))


def progress(text: str) -> None:
    """Tell the person who waits; standard output is for the result."""
    print(text, file=sys.stderr, flush=True)
