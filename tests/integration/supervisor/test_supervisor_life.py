"""The supervisor with real processes: starts in order, restarts, insists, ends, and takes everything with it."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from ostiary.supervisor.lock import AlreadyRunning, InstanceLock, end_leftovers, is_locked
from ostiary.supervisor.process import State
from ostiary.supervisor.status_file import NotRunning, ProcessStatus, SupervisorStatus, read_status

ROOT = Path(__file__).resolve().parents[3]
PATIENCE_SECONDS = 60.0
Actor = tuple[str, str, list[str]]


def until(condition: Callable[[], object], what: str) -> None:
    """Wait until a condition holds; a missing file or process counts as not yet."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError, NotRunning, psutil.Error, IndexError, StopIteration):
            if condition():
                return
        time.sleep(0.02)
    pytest.fail(f"not within {PATIENCE_SECONDS:.0f} s: {what}")


class Stage:
    """A running supervisor and what it left on disk."""

    def __init__(self, folder: Path, cast: list[Actor], environment: dict[str, str] | None = None) -> None:
        self.folder = folder
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.integration.supervisor.stage", str(folder), json.dumps(cast)],
            cwd=ROOT,
            env={**os.environ, **(environment or {})},
            stderr=subprocess.PIPE,
            text=True,
        )

    @property
    def status(self) -> SupervisorStatus:
        return read_status(self.folder)

    def actor(self, name: str) -> ProcessStatus:
        return next(process for process in self.status.processes if process.name == name)

    def pid(self, name: str) -> int:
        pid = self.actor(name).pid
        assert pid is not None
        return pid

    def starts(self, name: str) -> list[int]:
        return [int(line) for line in (self.folder / f"{name}.starts").read_text().split()]

    def ready(self) -> None:
        until(lambda: self.status.pid == self.process.pid and self.status.ready, "everything is ready")

    def stop(self) -> str:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        _, said = self.process.communicate(timeout=PATIENCE_SECONDS)
        return said


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Callable[..., Stage]]:
    made: list[Stage] = []

    def make(*cast: Actor, **options: dict[str, str]) -> Stage:
        made.append(Stage(tmp_path, list(cast), **options))
        return made[-1]

    yield make
    for each in made:
        if each.process.poll() is None:
            each.process.kill()
        each.process.wait()
        if each.process.stderr is not None:
            each.process.stderr.close()


def gone(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def test_it_starts_in_order_and_stops_in_the_opposite_order(stage):
    running = stage(("gate", "", ["brain"]), ("brain", "", []))
    running.ready()
    assert running.actor("gate").started_at >= running.actor("brain").started_at
    said = running.stop()
    assert running.process.returncode == 0
    assert (running.folder / "order").read_text().split() == ["gate", "brain"]
    assert {process.state for process in running.status.processes} == {State.STOPPED}
    assert "everything is ready" in said
    assert "\x1b" not in said


def test_a_process_waits_for_the_one_it_needs(stage):
    running = stage(("gate", "", ["brain"]), ("brain", "dies", []))
    until(lambda: running.actor("brain").restarts >= 2, "the one it needs was tried again")
    assert running.actor("gate").state is State.WAITING
    assert not (running.folder / "gate.starts").exists()
    running.stop()
    assert running.process.returncode == 0


def test_whoever_is_killed_is_started_again(stage):
    running = stage(("brain", "", []), ("other", "", []))
    running.ready()
    first, other = running.pid("brain"), running.pid("other")
    os.kill(first, signal.SIGKILL)
    until(lambda: running.actor("brain").restarts == 1 and running.status.ready, "it is started again")
    assert running.pid("brain") != first
    assert running.pid("other") == other
    assert "SIGKILL" in running.stop()


def test_whoever_dies_at_once_is_tried_again_with_its_last_words_on_show(stage):
    running = stage(("brain", "dies", []))
    until(lambda: len(running.starts("brain")) >= 4, "four starts")
    until(lambda: "exit code 3: cannot go on" in running.actor("brain").said, "the last words")
    said = running.stop()
    assert "exit code 3: cannot go on; again in" in said
    assert "cannot go on" in (running.folder / "log" / "brain.log").read_text()


def test_whoever_hangs_is_killed_and_started_again(stage):
    running = stage(("brain", "", []))
    running.ready()
    (running.folder / "brain.ready").unlink()
    until(lambda: len(running.starts("brain")) == 2 and running.status.ready, "a second start")
    assert "it hangs: no file" in running.stop()


def test_whoever_never_becomes_ready_is_killed_and_started_again(stage):
    running = stage(("brain", "late", []))
    until(lambda: len(running.starts("brain")) >= 2, "a second start")
    assert not running.status.ready
    assert "not ready after 1 s: no file" in running.stop()


def test_whoever_does_not_end_when_asked_is_killed(stage):
    running = stage(("brain", "stubborn", []))
    running.ready()
    pid = running.pid("brain")
    running.stop()
    assert running.process.returncode == 0
    assert gone(pid)


def test_a_second_signal_stops_at_once(stage):
    running = stage(("brain", "stubborn", []))
    running.ready()
    running.process.send_signal(signal.SIGINT)
    until(lambda: running.actor("brain").state is State.STOPPING, "stopping")
    running.process.send_signal(signal.SIGINT)
    running.stop()
    assert running.process.returncode == 0


def test_what_a_dead_process_leaves_behind_is_ended_before_the_next_start(stage):
    running = stage(("brain", "parent", []))
    running.ready()
    child = int((running.folder / "brain.child").read_text())
    os.kill(running.pid("brain"), signal.SIGKILL)
    until(lambda: running.actor("brain").restarts == 1, "it is started again")
    assert gone(child)
    running.stop()


def test_nothing_outlives_a_killed_supervisor(stage):
    running = stage(("gate", "", ["brain"]), ("brain", "stubborn", []))
    running.ready()
    pids = [running.pid("gate"), running.pid("brain")]
    running.process.kill()
    until(lambda: all(gone(pid) for pid in pids), "its processes are gone")
    until(lambda: not is_locked(running.folder), "its lock is gone")


def test_a_second_supervisor_is_refused(stage):
    running = stage(("brain", "", []))
    running.ready()
    assert is_locked(running.folder)
    with pytest.raises(AlreadyRunning, match=str(running.process.pid)):
        InstanceLock(running.folder)
    running.stop()
    InstanceLock(running.folder).release()


def test_leftovers_are_ended_by_the_next_supervisor_and_strangers_are_not(stage, tmp_path):
    running = stage(("brain", "stubborn", []))
    running.ready()
    survivor = psutil.Process(running.pid("brain"))
    said = (tmp_path / "status.json").read_text()
    stranger = json.loads(said)
    stranger["processes"][0]["started_at"] -= 1000
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "status.json").write_text(json.dumps(stranger))
    assert end_leftovers(tmp_path / "elsewhere", patience_seconds=0.1) == []
    assert survivor.is_running()
    assert end_leftovers(tmp_path, patience_seconds=0.1) == [survivor.pid]
    until(lambda: gone(survivor.pid), "the leftover is gone")


def test_the_service_manager_is_told(stage, tmp_path):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        address = tmp_path / "notify"
        manager.bind(str(address))
        manager.settimeout(PATIENCE_SECONDS)
        running = stage(("brain", "", []), environment={"NOTIFY_SOCKET": str(address), "WATCHDOG_USEC": "400000"})
        heard: list[str] = []
        while not ("READY=1" in "\n".join(heard) and heard.count("WATCHDOG=1") >= 3):
            heard.append(manager.recv(4096).decode())
        running.process.send_signal(signal.SIGTERM)
        while not any("STOPPING=1" in words for words in heard):
            heard.append(manager.recv(4096).decode())
        running.stop()


def test_without_a_supervisor_the_status_says_what_to_type(tmp_path):
    with pytest.raises(NotRunning) as caught:
        read_status(tmp_path)
    assert "ostiary up" in caught.value.hint
