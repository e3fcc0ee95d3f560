"""How the worker's jobs are doing, for people and programs: a status file and metrics, replaced in one step."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Final

import msgspec
from prometheus_client import CollectorRegistry, Gauge, generate_latest

from ostiary.automation.schedule import JobState
from ostiary.baselines.facade import DayCount
from ostiary.gateway.replaced_file import replace_file

STATUS_FILE: Final = "worker.json"
METRICS_FILE: Final = "worker.prom"
COMPLIANCE_FILE: Final = "compliance.prom"


class WorkerStatus(msgspec.Struct, frozen=True, kw_only=True):
    """The status file.

    Args:
        pid: the worker's process.
        started_at: when it started, seconds since the epoch.
        written_at: when this was written.
        stopping: whether it was told to end.
        jobs: each job by its name.
    """

    pid: int
    started_at: float
    written_at: float
    stopping: bool
    jobs: dict[str, JobState]


def write_report(folder: Path, status: WorkerStatus) -> None:
    """Write both files.

    Args:
        folder: the instance's run folder.
        status: what to write.

    Raises:
        OSError: when they cannot be written.
    """
    replace_file(folder / STATUS_FILE, msgspec.json.encode(status), durable=False)
    replace_file(folder / METRICS_FILE, render_metrics(status.jobs), durable=False)


def read_report(folder: Path) -> WorkerStatus | None:
    """Return what the worker last wrote; `None` when there is nothing that can be read."""
    try:
        return msgspec.json.decode((folder / STATUS_FILE).read_bytes(), type=WorkerStatus)
    except (OSError, msgspec.MsgspecError):
        return None


def render_metrics(jobs: dict[str, JobState]) -> bytes:
    """Return the jobs' figures in Prometheus' text format."""
    registry = CollectorRegistry()
    figures: tuple[tuple[str, str, Callable[[JobState], float]], ...] = (
        ("ostiary_job_runs", "How often the job ran.", lambda state: state.runs),
        ("ostiary_job_failures", "How often the job failed.", lambda state: state.failures),
        ("ostiary_job_failures_in_row", "Failures since it last succeeded.", lambda state: state.failures_in_row),
        ("ostiary_job_last_success_timestamp_seconds", "When it last succeeded.", lambda state: state.last_success_at),
        ("ostiary_job_last_duration_seconds", "How long the last run took.", lambda state: state.last_seconds),
    )
    for name, words, figure in figures:
        gauge = Gauge(name, words, ["job"], registry=registry)
        for job, state in jobs.items():
            gauge.labels(job).set(figure(state))
    return generate_latest(registry)


def write_compliance(folder: Path, day: DayCount | None, held: int) -> None:
    """Write how devices stand, in Prometheus' text format.

    Args:
        folder: the instance's run folder.
        day: how many stand how; `None` while there is no device.
        held: how many stopped being compliant and are held.

    Raises:
        OSError: when it cannot be written.
    """
    registry = CollectorRegistry()
    gauge = Gauge("ostiary_devices", "How many devices stand how to what is required.", ["standing"], registry=registry)
    counts = ("compliant", "grace", "blocked", "unknown")
    for standing in counts:
        gauge.labels(standing).set(0 if day is None else getattr(day, standing))
    Gauge("ostiary_devices_held", "Devices whose turn is held.", registry=registry).set(held)
    replace_file(folder / COMPLIANCE_FILE, generate_latest(registry), durable=False)


def current_status(*, started_at: float, now: float, stopping: bool, jobs: dict[str, JobState]) -> WorkerStatus:
    """Return the status of this process."""
    return WorkerStatus(pid=os.getpid(), started_at=started_at, written_at=now, stopping=stopping, jobs=jobs)
