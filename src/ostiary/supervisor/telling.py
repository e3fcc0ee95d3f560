"""Tells a person at a terminal, or the journal, what the supervisor does. One line an event; colour only on a terminal."""

import sys
import time
from typing import Protocol, TextIO

from ostiary.supervisor.process import State
from ostiary.supervisor.status_file import ProcessStatus

_GREEN, _RED, _DIM, _PLAIN = "\x1b[32m", "\x1b[31m", "\x1b[2m", "\x1b[0m"


class Telling(Protocol):
    """Whoever is told."""

    def step(self, words: str) -> None:
        """A step of the preparation began."""

    def process(self, status: ProcessStatus, retry_seconds: float) -> None:
        """A process changed its state."""

    def ready(self, seconds: float) -> None:
        """Every process is ready."""

    def stopping(self) -> None:
        """A stop was asked for."""


class Lines:
    """Writes lines to standard error."""

    def __init__(self, stream: TextIO = sys.stderr) -> None:
        self._stream = stream
        self._colour = stream.isatty()
        self._began: dict[str, float] = {}
        self._stopping = False

    def step(self, words: str) -> None:
        """Say what is being prepared."""
        self._line("·", _DIM, words)

    def process(self, status: ProcessStatus, retry_seconds: float) -> None:
        """Say when a process is ready, failed or ended; starting is not worth a line."""
        if status.state is State.STARTING:
            self._began[status.name] = time.monotonic()
        elif status.state is State.READY:
            took = time.monotonic() - self._began.get(status.name, time.monotonic())
            again = f", start {status.restarts + 1}" if status.restarts else ""
            self._line("✓", _GREEN, f"{status.name:<10} {status.purpose} ({took:.1f} s{again})")
        elif status.state is State.FAILING:
            self._line("✗", _RED, f"{status.name:<10} {status.said}; again in {retry_seconds:.1f} s ({status.log})")
        elif status.state is State.STOPPED and self._stopping:
            self._line("·", _DIM, f"{status.name:<10} stopped")

    def ready(self, seconds: float) -> None:
        """Say that everything works."""
        self._line("✓", _GREEN, f"everything is ready after {seconds:.1f} s")

    def stopping(self) -> None:
        """Say that the end has begun."""
        self._stopping = True
        self._line("·", _DIM, "stopping; once more stops at once")

    def _line(self, mark: str, colour: str, words: str) -> None:
        painted = f"{colour}{mark}{_PLAIN}" if self._colour else mark
        self._stream.write(f"\r{painted} {words}\n" if self._colour else f"{painted} {words}\n")
        self._stream.flush()
