"""The worker as it runs: a process of its own on an instance of its own."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.instance import make_instance_home
from tests.visibility_material import sample_event

from ostiary.automation.report import WorkerStatus, read_report
from ostiary.automation.worker import NICENESS
from ostiary.config.loader import load_instance
from ostiary.config.places import Instance
from ostiary.config.secrets import AUDIT_KEY, read_secret
from ostiary.gateway.heartbeat import read_heartbeat
from ostiary.visibility.adapters.audit_log import AuditLog, Limits
from ostiary.visibility.adapters.verification import read_public_key, verify_files

PATIENCE_SECONDS = 120.0
CONFIGURATION = 'domain = "example.test"\n[record]\nmin_free_mib = 1\ncheckpoint_seconds = 1\n'


def environment(home: Path, **more: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("OSTIARY_", "DJANGO_"))}
    return {**kept, "OSTIARY_HOME": str(home), "DJANGO_SETTINGS_MODULE": "ostiary.config.django", **more}


@pytest.fixture(scope="module")
def migrated() -> Iterator[Instance]:
    home = make_instance_home(CONFIGURATION)
    command = [sys.executable, "-m", "django", "migrate", "--verbosity", "0"]
    subprocess.run(command, env=environment(home), check=True, timeout=PATIENCE_SECONDS)
    yield load_instance(home, {})
    subprocess.run(["rm", "-rf", str(home)], check=True)


class Worker:
    """A running worker, ended by its process id."""

    def __init__(self, instance: Instance, **more: str) -> None:
        self.instance = instance
        (instance.run / "worker.json").unlink(missing_ok=True)
        self.process = subprocess.Popen(
            [sys.executable, "-m", "ostiary.automation.worker"],
            env=environment(instance.home, **more),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def status(self, holds: Callable[[WorkerStatus], bool]) -> WorkerStatus:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline:
            assert self.process.poll() is None, self.process.communicate()[0]
            report = read_report(self.instance.run)
            if report is not None and report.pid == self.process.pid and holds(report):
                return report
            time.sleep(0.05)
        raise AssertionError(f"the worker did not come so far: {read_report(self.instance.run)}")

    def end(self, number: signal.Signals = signal.SIGTERM) -> tuple[int, str]:
        self.process.send_signal(number)
        output, _ = self.process.communicate(timeout=PATIENCE_SECONDS)
        return self.process.returncode, output


@pytest.fixture
def start(migrated: Instance) -> Iterator[Callable[..., Worker]]:
    started: list[Worker] = []

    def begin(**more: str) -> Worker:
        started.append(Worker(migrated, **more))
        return started[-1]

    yield begin
    for worker in started:
        if worker.process.poll() is None:
            worker.end(signal.SIGKILL)


def test_every_job_runs_and_the_worker_ends_when_told(start: Callable[..., Worker]) -> None:
    worker = start()
    status = worker.status(lambda report: all(job.runs for job in report.jobs.values()))
    assert {name: job.last_error for name, job in status.jobs.items() if job.last_error} == {}
    assert read_heartbeat(worker.instance.facts) is not None
    niceness = os.getpriority(os.PRIO_PROCESS, worker.process.pid)
    assert niceness >= NICENESS, "it gives way to what people wait for"
    code, output = worker.end()
    assert code == 0, output
    assert "worker_stopped" in output
    final = read_report(worker.instance.run)
    assert final is not None
    assert final.stopping


def test_what_is_recorded_is_indexed_and_signed(start: Callable[..., Worker]) -> None:
    worker = start()
    instance = worker.instance
    worker.status(lambda report: report.jobs["index_decisions"].runs > 0)
    log = AuditLog(
        instance.audit, "decisions", read_secret(instance.secrets, AUDIT_KEY).reveal(), Limits(min_free_bytes=0)
    )
    log.append([sample_event(f"AAAAA-{number:05d}") for number in range(10)])
    key = None
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        key = key or (read_public_key(instance.audit, None) if (instance.audit / "public-key.pem").exists() else None)
        if key is not None and verify_files(instance.audit, "decisions", key).signed_seq == log.head[0]:
            break
        time.sleep(0.1)
    else:
        raise AssertionError("the worker signed nothing")
    worker.status(lambda report: report.jobs["index_decisions"].last_success_at >= time.time() - 1)
    log.append([sample_event("AAAAA-LAST1")])
    log.close()
    assert worker.end()[0] == 0
    assert key is not None
    assert verify_files(instance.audit, "decisions", key).signed_seq == log.head[0], "the last thing it does is to sign"
    show = [sys.executable, "-c", "from ostiary.cli.main import main; main()", "audit", "show", "aaaaa00003", "--json"]
    shown = subprocess.run(
        show, env=environment(instance.home), capture_output=True, text=True, check=False, timeout=PATIENCE_SECONDS
    )
    assert shown.returncode == 0, shown.stderr
    assert '"reference": "AAAAA-00003"' in shown.stdout


def test_without_a_database_the_heart_does_not_beat(start: Callable[..., Worker]) -> None:
    worker = start(OSTIARY_DATABASE_URL="postgresql://nobody@127.0.0.1:1/nothing?connect_timeout=2")
    before = read_heartbeat(worker.instance.facts)
    status = worker.status(lambda report: report.jobs["confirm_facts"].failures >= 2)
    assert "OperationalError" in status.jobs["confirm_facts"].last_error
    assert read_heartbeat(worker.instance.facts) == before
    worker.status(lambda report: report.jobs["sync_record"].last_success_at > 0 and report.jobs["sign_record"].runs > 0)
    assert worker.end()[0] == 0
    assert read_heartbeat(worker.instance.facts) == before


def test_a_killed_worker_leaves_nothing_that_stops_the_next(start: Callable[..., Worker]) -> None:
    one = start()
    one.status(lambda report: all(job.runs for job in report.jobs.values()))
    one.end(signal.SIGKILL)
    two = start()
    status = two.status(lambda report: all(job.runs for job in report.jobs.values()))
    assert {name: job.last_error for name, job in status.jobs.items() if job.last_error} == {}
