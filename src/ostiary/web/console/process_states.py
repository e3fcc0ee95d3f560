"""How the instance's processes are, from what the supervisor and the worker leave on disk. Reads only."""

from pathlib import Path
from typing import Final

import msgspec

from ostiary.config.places import Instance
from ostiary.gateway.heartbeat import heartbeat_age

STATUS_FILE: Final = "status.json"
JOBS_FILE: Final = "worker.json"
UNTIDY_JOB: Final = "count_untidy"
MAX_STATUS_AGE_SECONDS: Final = 30.0


class ProcessState(msgspec.Struct, frozen=True, kw_only=True):
    """One process, as the supervisor sees it; fields as it writes them."""

    name: str
    state: str
    purpose: str = ""
    restarts: int = 0
    started_at: float | None = None
    said: str = ""

    @property
    def well(self) -> bool:
        """Whether it does its work."""
        return self.state == "ready"


class _Status(msgspec.Struct, frozen=True, kw_only=True):
    written_at: float
    processes: tuple[ProcessState, ...]


class _Job(msgspec.Struct, frozen=True, kw_only=True):
    last_result: str = ""


class _Jobs(msgspec.Struct, frozen=True, kw_only=True):
    jobs: dict[str, _Job]


class Machinery(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that keeps decisions flowing.

    Args:
        processes: empty when no supervisor says anything, or what it said is old.
        facts_age_seconds: since the worker last confirmed the facts; `None` when that is not known.
        facts_max_age_seconds: when the facts are older, everything is refused.
    """

    processes: tuple[ProcessState, ...]
    facts_age_seconds: float | None
    facts_max_age_seconds: int

    @property
    def facts_stale(self) -> bool:
        """Whether everything is refused because the facts are too old."""
        return self.facts_age_seconds is None or self.facts_age_seconds > self.facts_max_age_seconds


def read_machinery(instance: Instance, now: float) -> Machinery:
    """Return how the processes are at `now` (seconds since the epoch)."""
    return Machinery(
        processes=_read_processes(instance.run / STATUS_FILE, now),
        facts_age_seconds=heartbeat_age(instance.facts, now),
        facts_max_age_seconds=instance.configuration.decisions.facts_max_age_seconds,
    )


def read_untidy(instance: Instance) -> int:
    """Return how many things the worker lately found to be tidied up; 0 while it has not looked."""
    try:
        jobs = msgspec.json.decode((instance.run / JOBS_FILE).read_bytes(), type=_Jobs).jobs
        return int(jobs[UNTIDY_JOB].last_result)
    except (OSError, msgspec.MsgspecError, KeyError, ValueError):
        return 0


def _read_processes(path: Path, now: float) -> tuple[ProcessState, ...]:
    try:
        status = msgspec.json.decode(path.read_bytes(), type=_Status)
    except (OSError, msgspec.MsgspecError):
        return ()
    return status.processes if now - status.written_at <= MAX_STATUS_AGE_SECONDS else ()
