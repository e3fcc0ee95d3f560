"""Runs named jobs again and again, each in a thread of its own, so that none can hold up another. What they do is in `jobs`."""

import contextlib
import threading
import time
from collections.abc import Callable, Sequence
from typing import Final

import msgspec
import structlog

_LOG = structlog.get_logger(__name__)
_LONGEST_ERROR: Final = 300
_MOST_DOUBLINGS: Final = 10


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """Something to do again and again.

    Args:
        name: stable; it is in the log, the status file and the metrics.
        every_seconds: pause between the end of one run and the beginning of the next.
        run: does it; is given the time (seconds since the epoch) and returns what it did, in a few words or a number.
        longest_pause_seconds: the pause doubles with every failure in a row, up to this.
        at_stop: run once more when the schedule ends.
    """

    name: str
    every_seconds: float
    run: Callable[[float], str | int | None]
    longest_pause_seconds: float = 60.0
    at_stop: bool = False


class JobState(msgspec.Struct, frozen=True, kw_only=True):
    """How a job is doing. Moments are in seconds since the epoch, 0 for never.

    Args:
        runs: how often it ran.
        failures: how often it failed.
        failures_in_row: how often since it last succeeded.
        last_start_at: when it last began.
        last_success_at: when it last succeeded.
        last_seconds: how long the last run took.
        last_result: what the last successful run did.
        last_error: why the last run failed; empty when it did not.
    """

    runs: int = 0
    failures: int = 0
    failures_in_row: int = 0
    last_start_at: float = 0.0
    last_success_at: float = 0.0
    last_seconds: float = 0.0
    last_result: str = ""
    last_error: str = ""


def pause_after(job: Job, failures_in_row: int) -> float:
    """Return how long to wait before the next run: the job's own pause, doubled with each failure in a row."""
    longest = max(job.longest_pause_seconds, job.every_seconds)
    return float(min(job.every_seconds * 2 ** min(failures_in_row, _MOST_DOUBLINGS), longest))


def _tell(event: str, **facts: str | int) -> None:
    """A full disk fails jobs and the log alike; the job's thread must outlive both."""
    with contextlib.suppress(OSError, ValueError):
        _LOG.warning(event, **facts)


class Schedule:
    """Several jobs and how they are doing.

    Args:
        jobs: what to run; the names differ.
        around: called with each run's work; prepares and tidies up what runs need (database connections).
        clock: the time, seconds since the epoch.
    """

    def __init__(
        self,
        jobs: Sequence[Job],
        *,
        around: Callable[[Callable[[], str | int | None]], str | int | None] = lambda work: work(),
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._jobs = tuple(jobs)
        self._around = around
        self._clock = clock
        self._stopping = threading.Event()
        self._states = {job.name: JobState() for job in jobs}
        self._threads = [
            threading.Thread(target=self._repeat, args=(job,), name=f"job-{job.name}", daemon=True) for job in jobs
        ]

    @property
    def states(self) -> dict[str, JobState]:
        """How each job is doing now."""
        return dict(self._states)

    def start(self) -> None:
        """Begin to run every job."""
        for thread in self._threads:
            thread.start()

    def stop(self, *, within_seconds: float) -> bool:
        """Let runs that are under way finish, start no more, then run what is to run at the end.

        Args:
            within_seconds: how long to wait for them together.

        Returns:
            Whether all of them finished in time.
        """
        self._stopping.set()
        deadline = time.monotonic() + within_seconds
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        for job in self._jobs:
            if job.at_stop:
                self.run_once(job)
        return not any(thread.is_alive() for thread in self._threads)

    def run_once(self, job: Job) -> None:
        """Run one job now and note how it went; nothing is raised."""
        before = self._states[job.name]
        start, now = time.monotonic(), self._clock()
        try:
            result = self._around(lambda: job.run(now))
        except Exception as error:
            self._states[job.name] = self._failed(job, before, error, now, time.monotonic() - start)
            return
        if before.failures_in_row:
            _tell("job_recovered", job=job.name, failures=before.failures_in_row)
        self._states[job.name] = msgspec.structs.replace(
            before,
            runs=before.runs + 1,
            failures_in_row=0,
            last_start_at=now,
            last_success_at=now,
            last_seconds=time.monotonic() - start,
            last_result="" if result is None else str(result),
            last_error="",
        )

    def _failed(self, job: Job, before: JobState, error: Exception, now: float, seconds: float) -> JobState:
        words = f"{type(error).__name__}: {error}"[:_LONGEST_ERROR]
        if before.last_error != words:
            _tell("job_failed", job=job.name, error=words, detail=getattr(error, "detail", ""))
        return msgspec.structs.replace(
            before,
            runs=before.runs + 1,
            failures=before.failures + 1,
            failures_in_row=before.failures_in_row + 1,
            last_start_at=now,
            last_seconds=seconds,
            last_error=words,
        )

    def _repeat(self, job: Job) -> None:
        while not self._stopping.is_set():
            self.run_once(job)
            self._stopping.wait(pause_after(job, self._states[job.name].failures_in_row))
