"""What the processes themselves say is wrong, from the small files they keep in `run`."""

from collections.abc import Iterator
from pathlib import Path

import msgspec

from ostiary.gateway.decider.alarms import ALARM_FILE, read_alarms
from ostiary.gateway.upstream_watch import read_forbidden, say_forbidden

WORKER_FILE = "worker.json"
FAILURES_THAT_COUNT = 3


class JobReport(msgspec.Struct, frozen=True):
    """What status needs of a job's state."""

    failures_in_row: int = 0
    last_error: str = ""


class WorkerReport(msgspec.Struct, frozen=True):
    """What status needs of the worker's file."""

    jobs: dict[str, JobReport] = {}


def list_alarms(run: Path) -> tuple[str, ...]:
    """Return every alarm that stands, every job that keeps failing and every app that was taken away, one sentence each."""
    upstreams = (say_forbidden(app, problem) for app, problem in sorted(read_forbidden(run).items()))
    return (*_decider_alarms(run), *_failing_jobs(run), *upstreams)


def _decider_alarms(run: Path) -> Iterator[str]:
    try:
        alarms = read_alarms(run)
    except (OSError, msgspec.DecodeError, UnicodeDecodeError):
        yield f"The decision service's alarms in {run / ALARM_FILE} cannot be read."
        return
    yield from (alarm.words for alarm in alarms)


def _failing_jobs(run: Path) -> Iterator[str]:
    try:
        report = msgspec.json.decode((run / WORKER_FILE).read_bytes(), type=WorkerReport)
    except (OSError, msgspec.DecodeError, UnicodeDecodeError):
        return
    for name, job in report.jobs.items():
        if job.failures_in_row >= FAILURES_THAT_COUNT:
            yield f"The worker's job {name} failed {job.failures_in_row} times in a row: {job.last_error}"
