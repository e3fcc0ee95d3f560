"""Keeps one process running: starts it, watches it, starts it again with growing patience, ends it."""

import asyncio
import contextlib
import os
import signal
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from ostiary.supervisor import tether
from ostiary.supervisor.backoff import Backoff
from ostiary.supervisor.process import ProcessSpec, State
from ostiary.supervisor.rotating_log import RotatingLog
from ostiary.supervisor.status_file import ProcessStatus

STARTING_PROBE_SECONDS = 0.05
SLOWEST_STARTING_PROBE_SECONDS = 0.5


class Keeper:
    """One process and everything that happens to it.

    Args:
        spec: the process.
        log: where what it prints goes.
        backoff: how long to wait before it is started again.
        chance: returns a number in [0, 1), for the jitter.
        changed: called after each change of state.
        environment: the variables of the process, the spec's own aside.
    """

    def __init__(
        self,
        spec: ProcessSpec,
        *,
        log: RotatingLog,
        backoff: Backoff,
        chance: Callable[[], float],
        changed: Callable[["Keeper"], None],
        environment: Mapping[str, str] = os.environ,
    ) -> None:
        self.spec = spec
        self.log = log
        self.state = State.WAITING
        self.restarts = 0
        self.said = ""
        self.retry_seconds = 0.0
        self.was_ready = asyncio.Event()
        self._backoff = backoff
        self._chance = chance
        self._changed = changed
        self._environment = {**environment, **spec.environment}
        self._process: asyncio.subprocess.Process | None = None
        self._started_at: float | None = None
        self._stopping = asyncio.Event()

    async def run(self) -> None:
        """Keep the process until `stop`."""
        deaths = 0
        while not self._stopping.is_set():
            began = time.monotonic()
            try:
                await self._live()
            except OSError as error:
                self.said = f"cannot be started: {error.strerror or error}"
            if self._stopping.is_set():
                break
            deaths = self._backoff.deaths_after(deaths, time.monotonic() - began)
            self.retry_seconds = self._backoff.delay_seconds(deaths, self._chance())
            self._enter(State.FAILING)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), self.retry_seconds)
            self.restarts += 1
        self._enter(State.STOPPED)

    async def stop(self) -> None:
        """Ask the process to end, insist after `stop_seconds`; return when it has ended."""
        self._stopping.set()
        process = self._process
        if process is None or process.returncode is not None:
            return
        self._enter(State.STOPPING)
        if self.spec.before_stop is not None:
            await self.spec.before_stop()
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(self.spec.stop_signal)
        try:
            await asyncio.wait_for(process.wait(), self.spec.stop_seconds)
        except TimeoutError:
            self.kill()
            await process.wait()

    def kill(self) -> None:
        """End the process and its own children at once."""
        if self._process is not None and self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()

    def status(self) -> ProcessStatus:
        """Return how the process stands now."""
        running = self._process is not None and self._process.returncode is None
        return ProcessStatus(
            name=self.spec.name,
            purpose=self.spec.purpose,
            state=self.state,
            pid=self._process.pid if self._process is not None and running else None,
            started_at=self._started_at if running else None,
            restarts=self.restarts,
            said=self.said,
            log=str(self.log.path),
        )

    async def _live(self) -> None:
        self._clear()
        self._enter(State.STARTING)
        process, reading = await self._spawn()
        watching = asyncio.create_task(self._watch())
        try:
            await process.wait()
        finally:
            watching.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await watching
            self.kill_group(process.pid)
            await self._finish(reading)
        self.said = self._obituary(process.returncode or 0)

    def _clear(self) -> None:
        for socket in self.spec.clear:
            Path(socket).unlink(missing_ok=True)

    async def _spawn(self) -> "tuple[asyncio.subprocess.Process, asyncio.Task[None]]":
        # A pipe of our own: asyncio's would make `wait` wait for whoever else holds its other end.
        reader, writer = os.pipe()
        try:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-I", "-S", tether.__file__, str(os.getpid()), *self.spec.command),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=writer,
                stderr=writer,
                env=self._environment,
            )
        except OSError:
            os.close(reader)
            raise
        finally:
            os.close(writer)
        self._process = process
        self._started_at = time.time()
        return process, asyncio.create_task(self._read(reader))

    @staticmethod
    def kill_group(leader: int) -> None:
        """End what a dead process left behind in its group."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(leader, signal.SIGKILL)

    async def _read(self, descriptor: int) -> None:
        stream = asyncio.StreamReader()
        pipe = open(descriptor, "rb", buffering=0)  # noqa: ASYNC230, SIM115 - a descriptor; the transport closes it
        transport, _ = await asyncio.get_running_loop().connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(stream), pipe
        )
        try:
            while content := await stream.read(65536):
                self.log.write(content)
        finally:
            transport.close()

    @staticmethod
    async def _finish(reading: "asyncio.Task[None]") -> None:
        with contextlib.suppress(TimeoutError, asyncio.CancelledError):
            await asyncio.wait_for(reading, 1.0)

    async def _watch(self) -> None:
        if await self._becomes_ready():
            self.said = ""
            self._enter(State.READY)
            self.was_ready.set()
            self.said = await self._works_until()
        self.log.write(f"ostiary: {self.spec.name} is killed: {self.said}\n".encode())
        self.kill()

    async def _becomes_ready(self) -> bool:
        deadline = time.monotonic() + self.spec.start_seconds
        pause = STARTING_PROBE_SECONDS
        while time.monotonic() < deadline:
            self.said = await self.spec.probe.check()
            if not self.said:
                return True
            await asyncio.sleep(pause)
            pause = min(pause * 1.3, SLOWEST_STARTING_PROBE_SECONDS)
        self.said = f"not ready after {self.spec.start_seconds:.0f} s: {self.said}"
        return False

    async def _works_until(self) -> str:
        failures = 0
        while True:
            await asyncio.sleep(self.spec.probe_seconds)
            seen = await self.spec.probe.check()
            failures = failures + 1 if seen else 0
            if failures >= self.spec.probe_failures:
                return f"it hangs: {seen}"

    def _obituary(self, code: int) -> str:
        how = f"killed by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"
        cause = self.said if self.said.startswith(("it hangs", "not ready after")) else ""
        last = self.log.last_lines[-1].strip()[:300] if self.log.last_lines else ""
        return ": ".join(part for part in (how, cause or last) if part)

    def _enter(self, state: State) -> None:
        self.state = state
        self._changed(self)
