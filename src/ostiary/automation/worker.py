"""The worker process: `python -m ostiary.automation.worker`. Runs the jobs until it is told to stop.

Nobody waits for a job, and people wait for decisions: under load the worker gives way, and catches up afterwards.
"""

import contextlib
import os
import signal
import threading
import time
from types import FrameType
from typing import Final

import structlog

from ostiary.config.loader import find_home, load_instance
from ostiary.config.places import Instance
from ostiary.gateway.decider.process_log import configure_log

_LOG = structlog.get_logger(__name__)
REPORT_SECONDS: Final = 1.0
STOP_SECONDS: Final = 10.0
NICENESS: Final = 10
"""A tenth of a processor's time beside a process that wants all of it; see nice(2). The heartbeat needs far less."""


def main() -> None:
    """Run the jobs of the instance in `OSTIARY_HOME` until SIGTERM or SIGINT."""
    instance = load_instance(find_home())
    os.environ["OSTIARY_HOME"] = str(instance.home)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "ostiary.config.django")
    os.umask(0o077)
    os.nice(max(0, NICENESS - os.nice(0)))
    configure_log(instance.configuration.log_level)
    told_to_stop = threading.Event()

    def stop(_number: int, _frame: FrameType | None) -> None:
        told_to_stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    import django  # noqa: PLC0415 - settings need the environment above

    django.setup()
    run(instance, told_to_stop)


def run(instance: Instance, told_to_stop: threading.Event) -> None:
    """Run the jobs until `told_to_stop` is set, then let them finish.

    Args:
        instance: whose jobs.
        told_to_stop: ends it.
    """
    from ostiary.automation.chores import load_rooms  # noqa: PLC0415 - as below
    from ostiary.automation.jobs import list_jobs, with_database  # noqa: PLC0415 - needs Django
    from ostiary.automation.report import current_status, write_report  # noqa: PLC0415 - as above
    from ostiary.automation.schedule import Schedule  # noqa: PLC0415 - as above

    load_rooms()
    schedule = Schedule(list_jobs(instance), around=with_database)
    started_at = time.time()

    def report() -> None:
        """A status file that cannot be written is no reason to stop: the heartbeat says whether the worker lives."""
        status = current_status(
            started_at=started_at, now=time.time(), stopping=told_to_stop.is_set(), jobs=schedule.states
        )
        with contextlib.suppress(OSError):
            write_report(instance.run, status)

    schedule.start()
    _LOG.info("worker_started", jobs=len(schedule.states))
    while not told_to_stop.wait(REPORT_SECONDS):
        report()
    finished = schedule.stop(within_seconds=STOP_SECONDS)
    report()
    _LOG.info("worker_stopped", all_jobs_finished=finished)


if __name__ == "__main__":
    main()
