"""Runs all processes of an instance together: in order at start, in the opposite order at the end."""

import asyncio
import contextlib
import os
import random
import signal
import time
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path

import structlog

from ostiary.supervisor.backoff import Backoff
from ostiary.supervisor.keeper import Keeper
from ostiary.supervisor.notify import ServiceManager
from ostiary.supervisor.process import ProcessSpec, State
from ostiary.supervisor.rotating_log import RotatingLog
from ostiary.supervisor.status_file import SupervisorStatus, write_status
from ostiary.supervisor.telling import Telling

STATUS_SECONDS = 2.0
log = structlog.get_logger()


class Conductor:
    """The supervisor's life, from the first start to the last stop.

    Args:
        specs: the processes, in the order in which `status` shows them.
        run: the folder of the status file.
        logs: the folder of the processes' logs.
        telling: who is told what happens.
        manager: the service manager, if any.
        backoff: how long to wait before a dead process is started again.
        environment: the processes' variables.
    """

    def __init__(
        self,
        specs: Sequence[ProcessSpec],
        *,
        run: Path,
        logs: Path,
        telling: Telling,
        manager: ServiceManager | None = None,
        backoff: Backoff | None = None,
        environment: Mapping[str, str] = os.environ,
    ) -> None:
        self._run = run
        self._telling = telling
        self._manager = manager or ServiceManager()
        self._started_at = time.time()
        self._told_ready = False
        self._stop_asked = asyncio.Event()
        self._keepers = {
            spec.name: Keeper(
                spec,
                log=RotatingLog(logs / f"{spec.name}.log"),
                backoff=backoff or Backoff(),
                chance=random.random,
                changed=self._changed,
                environment=environment,
            )
            for spec in specs
        }

    async def run(self) -> None:
        """Start everything, keep it, and stop it at SIGTERM or SIGINT. A second signal stops at once."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._ask_to_stop)
        tasks = [asyncio.create_task(self._keep(keeper)) for keeper in self._keepers.values()]
        reporting = asyncio.create_task(self._report())
        try:
            await self._stop_asked.wait()
            await self._stop_all()
            await asyncio.gather(*tasks, return_exceptions=True)
        finally:
            reporting.cancel()
            for keeper in self._keepers.values():
                keeper.kill()
                keeper.log.close()
            self._write()

    async def _keep(self, keeper: Keeper) -> None:
        for name in keeper.spec.after:
            if name in self._keepers:
                await self._until_ready_or_stop(self._keepers[name])
        if not self._stop_asked.is_set():
            await keeper.run()

    async def _until_ready_or_stop(self, keeper: Keeper) -> None:
        waits = [asyncio.create_task(keeper.was_ready.wait()), asyncio.create_task(self._stop_asked.wait())]
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        for wait in waits:
            wait.cancel()

    def _ask_to_stop(self) -> None:
        if self._stop_asked.is_set():
            for keeper in self._keepers.values():
                keeper.kill()
            return
        self._manager.tell("STOPPING=1", "STATUS=stopping")
        self._telling.stopping()
        log.info("supervisor_stopping")
        self._stop_asked.set()

    async def _stop_all(self) -> None:
        waves: dict[int, list[Keeper]] = {}
        for keeper in self._keepers.values():
            waves.setdefault(self._depth(keeper), []).append(keeper)
        for depth in sorted(waves, reverse=True):
            await asyncio.gather(*(keeper.stop() for keeper in waves[depth]))

    def _depth(self, keeper: Keeper) -> int:
        return max(
            (1 + self._depth(self._keepers[name]) for name in keeper.spec.after if name in self._keepers), default=0
        )

    async def _report(self) -> None:
        pause = min(STATUS_SECONDS, self._manager.watchdog_seconds or STATUS_SECONDS)
        while True:
            self._write()
            self._manager.tell("WATCHDOG=1")
            await asyncio.sleep(pause)

    def _changed(self, keeper: Keeper) -> None:
        log.info(
            "process_state",
            process=keeper.spec.name,
            state=keeper.state.value,
            restarts=keeper.restarts,
            said=keeper.said if keeper.state is State.FAILING else "",
        )
        self._telling.process(keeper.status(), keeper.retry_seconds)
        self._write()
        if not self._told_ready and all(other.state is State.READY for other in self._keepers.values()):
            self._told_ready = True
            self._manager.tell("READY=1", "STATUS=every process is ready")
            self._telling.ready(time.time() - self._started_at)
            log.info("supervisor_ready")

    def _write(self) -> None:
        status = SupervisorStatus(
            pid=os.getpid(),
            started_at=self._started_at,
            written_at=time.time(),
            version=version("ostiary"),
            processes=tuple(keeper.status() for keeper in self._keepers.values()),
        )
        with contextlib.suppress(OSError):
            write_status(self._run, status)
