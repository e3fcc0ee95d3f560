"""What the supervisor knows of a process it keeps: how to start it, how to tell that it works, how to end it."""

import signal
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol


class Probe(Protocol):
    """Tells whether a process does its work."""

    async def check(self) -> str:
        """Return an empty text when it does, otherwise what was seen instead."""
        ...


class State(StrEnum):
    """Where a process stands. `FAILING` waits to be started again."""

    WAITING = "waiting"
    STARTING = "starting"
    READY = "ready"
    FAILING = "failing"
    STOPPING = "stopping"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class ProcessSpec:
    """One process of an instance.

    Args:
        name: how it is called in messages, in `status` and in the name of its log file.
        command: the program's absolute path and its arguments.
        probe: tells when it is ready, and later that it still works.
        purpose: what it is for, in a few words.
        after: names of processes that must have been ready once before this one starts.
        environment: variables besides the supervisor's own.
        start_seconds: how long it may take to become ready before it is killed and started again.
        probe_seconds: time between two checks of a ready process.
        probe_failures: how many failed checks in a row count as hung.
        stop_seconds: how long it may take to end before it is killed.
        stop_signal: what asks it to end.
        before_stop: something to do first, for instance to let requests in flight finish.
        clear: sockets to remove before each start.
    """

    name: str
    command: tuple[str, ...]
    probe: Probe
    purpose: str = ""
    after: tuple[str, ...] = ()
    environment: dict[str, str] = field(default_factory=dict)
    start_seconds: float = 60.0
    probe_seconds: float = 5.0
    probe_failures: int = 4
    stop_seconds: float = 10.0
    stop_signal: signal.Signals = signal.SIGTERM
    before_stop: Callable[[], Awaitable[None]] | None = None
    clear: tuple[str, ...] = ()
