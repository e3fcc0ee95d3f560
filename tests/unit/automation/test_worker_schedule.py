"""Jobs run side by side: a failing or slow one is nobody else's trouble."""

import threading
import time
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from ostiary.automation.report import current_status, read_report, render_metrics, write_compliance, write_report
from ostiary.automation.schedule import Job, JobState, Schedule, pause_after
from ostiary.baselines.facade import DayCount
from ostiary.errors import OstiaryError

PATIENCE_SECONDS = 30.0


def wait_until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def job(name: str, run: Callable[[float], str | int | None], **options: float | bool) -> Job:
    return msgspec.structs.replace(Job(name=name, every_seconds=0.001, run=run), **options)


def broken(_now: float) -> None:
    raise OstiaryError("The disk is full.", detail="disk 7")


def test_a_failing_job_stops_no_other() -> None:
    schedule = Schedule([job("broken", broken), job("sound", lambda _now: 3)])
    schedule.start()
    wait_until(lambda: schedule.states["sound"].runs >= 5 and schedule.states["broken"].failures >= 2)
    assert schedule.stop(within_seconds=PATIENCE_SECONDS)
    states = schedule.states
    assert (states["sound"].failures, states["sound"].last_result) == (0, "3")
    assert states["broken"].last_error == "OstiaryError: The disk is full."
    assert states["broken"].failures_in_row == states["broken"].failures
    assert states["broken"].last_success_at == 0


def test_a_log_that_cannot_be_written_ends_no_job(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("ostiary.automation.schedule._LOG.warning", full, raising=False)
    schedule = Schedule([job("broken", broken)])
    schedule.start()
    wait_until(lambda: schedule.states["broken"].failures >= 3)
    assert schedule.stop(within_seconds=PATIENCE_SECONDS)


def test_a_slow_job_holds_up_no_other() -> None:
    released = threading.Event()

    def slow(_now: float) -> None:
        released.wait(PATIENCE_SECONDS)

    schedule = Schedule([job("slow", slow), job("quick", lambda _now: None)])
    schedule.start()
    wait_until(lambda: schedule.states["quick"].runs >= 5)
    assert schedule.states["slow"].runs == 0
    assert not schedule.stop(within_seconds=0.01), "it says that one did not finish"
    released.set()
    assert schedule.stop(within_seconds=PATIENCE_SECONDS)


def test_a_job_that_recovers_is_as_good_as_new() -> None:
    troubles = iter([ValueError("not yet"), ValueError("not yet")])

    def sometimes(_now: float) -> str:
        trouble = next(troubles, None)
        if trouble is not None:
            raise trouble
        return "done"

    only = job("sometimes", sometimes)
    schedule = Schedule([only], clock=lambda: 1_770_000_000.0)
    schedule.run_once(only)
    schedule.run_once(only)
    schedule.run_once(only)
    state = schedule.states["sometimes"]
    assert (state.runs, state.failures, state.failures_in_row) == (3, 2, 0)
    assert (state.last_error, state.last_result, state.last_success_at) == ("", "done", 1_770_000_000.0)


def test_no_run_begins_after_the_end_and_the_last_ones_are_run() -> None:
    calls: list[str] = []
    schedule = Schedule(
        [
            job("often", lambda _now: calls.append("often")),
            job("sign", lambda _now: calls.append("sign"), every_seconds=3600.0, at_stop=True),
        ]
    )
    schedule.start()
    wait_until(lambda: "often" in calls and "sign" in calls)
    assert schedule.stop(within_seconds=PATIENCE_SECONDS)
    assert calls.count("sign") == 2
    assert calls[-1] == "sign"
    count = len(calls)
    assert schedule.states["often"].runs == calls.count("often")
    assert len(calls) == count


def test_every_run_is_given_its_surroundings() -> None:
    seen: list[str] = []

    def around(work: Callable[[], str | int | None]) -> str | int | None:
        seen.append("before")
        try:
            return work()
        finally:
            seen.append("after")

    only = job("broken", broken)
    Schedule([only], around=around).run_once(only)
    assert seen == ["before", "after"]


@given(st.floats(0.1, 3600), st.floats(0.1, 3600), st.integers(0, 10_000))
def test_pauses_grow_with_failures_and_end(every: float, longest: float, failures: int) -> None:
    some = Job(name="x", every_seconds=every, run=broken, longest_pause_seconds=longest)
    pause = pause_after(some, failures)
    assert every <= pause <= max(every, longest)
    assert pause <= pause_after(some, failures + 1)
    assert pause_after(some, 0) == every


def test_a_long_error_is_cut() -> None:
    def verbose(_now: float) -> None:
        raise ValueError("x" * 10_000)

    only = job("verbose", verbose)
    schedule = Schedule([only])
    schedule.run_once(only)
    assert len(schedule.states["verbose"].last_error) <= 300


def test_the_report_reads_back(tmp_path: Path) -> None:
    jobs = {"one": JobState(runs=3, failures=1, last_success_at=5.0, last_error='say "no"\n')}
    status = current_status(started_at=1.0, now=2.0, stopping=False, jobs=jobs)
    write_report(tmp_path, status)
    assert read_report(tmp_path) == status
    (tmp_path / "worker.json").write_text("{")
    assert read_report(tmp_path) is None
    assert read_report(tmp_path / "nowhere") is None


def test_the_metrics_are_what_prometheus_reads() -> None:
    text = render_metrics({"one": JobState(runs=3, failures=2, failures_in_row=1, last_success_at=7.5)}).decode()
    samples = {
        f"{sample.name}/{sample.labels['job']}": float(sample.value)
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }
    assert samples["ostiary_job_runs/one"] == 3
    assert samples["ostiary_job_failures_in_row/one"] == 1
    assert samples["ostiary_job_last_success_timestamp_seconds/one"] == 7.5


@pytest.mark.parametrize("name", ["worker.json", "worker.prom"])
def test_the_report_is_replaced_whole(tmp_path: Path, name: str) -> None:
    status = current_status(started_at=1.0, now=2.0, stopping=True, jobs={})
    write_report(tmp_path, status)
    write_report(tmp_path, status)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["worker.json", "worker.prom"]
    assert (tmp_path / name).exists()


def test_how_devices_stand_is_there_for_programs(tmp_path: Path) -> None:
    write_compliance(tmp_path, DayCount(day="2026-11-23", compliant=3, grace=2, blocked=1, unknown=4), 1)
    text = (tmp_path / "compliance.prom").read_text()
    assert 'ostiary_devices{standing="grace"} 2.0' in text
    assert "ostiary_devices_held 1.0" in text
    write_compliance(tmp_path, None, 0)
    assert 'ostiary_devices{standing="grace"} 0.0' in (tmp_path / "compliance.prom").read_text()
