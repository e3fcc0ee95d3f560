"""`ostiary up`: one supervisor an instance, from the lock to the last stop."""

import asyncio
import contextlib
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import structlog

from ostiary.config.places import Instance
from ostiary.errors import OstiaryError
from ostiary.gateway.heartbeat import HEARTBEAT_FILE
from ostiary.supervisor import tether
from ostiary.supervisor.conductor import Conductor
from ostiary.supervisor.lock import InstanceLock, end_leftovers
from ostiary.supervisor.process import ProcessSpec
from ostiary.supervisor.roster import list_processes
from ostiary.supervisor.status_file import FILE_NAME
from ostiary.supervisor.telling import Telling

log = structlog.get_logger()
_LEVELS = {"debug": 10, "info": 20, "warning": 30, "error": 40}


class PreparationFailed(OstiaryError):
    """The instance could not be readied; no process was started."""


def run_instance(
    instance: Instance,
    *,
    telling: Telling,
    only: Sequence[str] = (),
    extra: Sequence[ProcessSpec] = (),
    preparation: str = "ostiary.supervisor.prepare",
) -> None:
    """Prepare the instance, run its processes, return when they have been asked to stop and have ended.

    Args:
        instance: what to run.
        telling: who is told what happens.
        only: names of processes; empty runs all.
        extra: further processes to keep, for instance a demonstration's applications.
        preparation: the module whose `main` readies the instance, in a process of its own.

    Raises:
        AlreadyRunning: when another supervisor keeps the instance.
        PreparationFailed: when it could not be readied.
    """
    specs = [*list_processes(instance, only), *extra]
    os.umask(0o077)
    for folder in (instance.state, instance.run, instance.logs):
        folder.mkdir(mode=0o700, exist_ok=True)
    lock = InstanceLock(instance.state)
    try:
        configure_log(instance)
        for pid in end_leftovers(instance.run):
            log.warning("leftover_ended", pid=pid)
        _empty(instance.run)
        if any(spec.name == "worker" for spec in specs):
            (instance.facts / HEARTBEAT_FILE).unlink(missing_ok=True)
        environment = {**os.environ, "OSTIARY_HOME": str(instance.home)}
        run_preparation(environment, telling, preparation)
        conductor = Conductor(specs, run=instance.run, logs=instance.logs, telling=telling, environment=environment)
        asyncio.run(conductor.run())
    finally:
        lock.release()


def run_preparation(environment: dict[str, str], telling: Telling, module: str) -> None:
    """Run a module that readies the instance in a process of its own, and tell its steps.

    Raises:
        PreparationFailed: with what it said last.
    """
    command = [sys.executable, "-I", "-S", tether.__file__, str(os.getpid()), sys.executable, "-m", module]
    with tempfile.TemporaryFile("w+") as said:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=said, text=True, env=environment)
        assert process.stdout is not None  # noqa: S101 - for the type checker: it was asked for
        with process.stdout:
            for line in process.stdout:
                telling.step(line.strip())
        code = process.wait()
        said.seek(0)
        lines = [line.strip() for line in said.read().splitlines() if line.strip()]
    if code != 0:
        log.error("preparation_failed", exit_code=code, said="\n".join(lines[-40:]))
        raise _failure(code, lines)


def _failure(code: int, lines: list[str]) -> PreparationFailed:
    expected = 0 < len(lines) <= 2
    if expected:
        return PreparationFailed(lines[0], hint=lines[1] if len(lines) > 1 else "")
    return PreparationFailed(
        f"The instance could not be readied (exit code {code}): {lines[-1] if lines else 'it said nothing'}",
        hint="The whole story is in log/supervisor.log. Find out why: ostiary doctor",
    )


def configure_log(instance: Instance) -> None:
    """Send the supervisor's own log to `log/supervisor.log`, one JSON object a line."""
    from ostiary.supervisor.rotating_log import RotatingLog  # noqa: PLC0415 - only where the log is configured

    target = RotatingLog(instance.logs / "supervisor.log")

    def write(_logger: object, _method: str, event: structlog.typing.EventDict) -> bytes:
        target.write(structlog.processors.JSONRenderer()(None, "", event).encode() + b"\n")  # type: ignore[union-attr]
        raise structlog.DropEvent

    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            write,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(_LEVELS[instance.configuration.log_level]),
        cache_logger_on_first_use=False,
    )


def _empty(run: Path) -> None:
    for path in run.iterdir():
        if path.name != FILE_NAME and not path.is_dir():
            with contextlib.suppress(OSError):
                path.unlink()
