"""`status` over real processes: all well, then each thing that can be wrong."""

import json
import os
import signal
import socket
import time
from collections.abc import Iterator
from typing import Any

import psutil
import pytest
from tests.shell_instance import PATIENCE_SECONDS, OwnInstance

from ostiary.gateway.decider.alarms import Alarms
from ostiary.supervisor.alarms import list_alarms

pytestmark = pytest.mark.xdist_group("standing-own")


@pytest.fixture(scope="module")
def running() -> Iterator[OwnInstance]:
    own = OwnInstance()
    own.init()
    with own.running():
        yield own
    own.remove()


def standing(own: OwnInstance, code: int) -> dict[str, Any]:
    said: dict[str, Any] = json.loads(own.cli("status", "--json", code=code).stdout)
    return said


def until_well(own: OwnInstance) -> dict[str, Any]:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        said: dict[str, Any] = json.loads(own.cli_any("status", "--json").stdout)
        if not said["problems"]:
            return said
        time.sleep(0.5)
    pytest.fail(f"still not well: {said['problems']}")


@pytest.mark.e2e
def test_a_running_instance_is_well_and_says_so(running):
    said = standing(running, 0)
    assert said["running"]
    assert {process["name"] for process in said["processes"]} == {"decider", "control", "worker", "envoy"}
    for process in said["processes"]:
        assert process["state"] == "ready"
        assert psutil.pid_exists(process["pid"])
        assert process["resident_mib"] > 1
    assert said["facts"]["generation"] >= 1
    assert said["facts"]["confirmed_seconds_ago"] is not None
    assert 80 < said["certificate"]["days_left"] <= 91
    assert said["second_factor_required"] is True
    assert "nothing needs anybody" in running.cli("status").stderr


@pytest.mark.e2e
def test_a_process_that_is_killed_is_back_and_its_restart_is_counted(running):
    before = {process["name"]: process for process in standing(running, 0)["processes"]}
    for name in ("worker", "decider", "envoy", "control"):
        os.kill(before[name]["pid"], signal.SIGKILL)
    after = {process["name"]: process for process in until_well(running)["processes"]}
    for name, process in after.items():
        assert process["pid"] != before[name]["pid"]
        assert process["restarts"] == before[name]["restarts"] + 1


@pytest.mark.e2e
def test_granians_worker_is_restarted_with_granian(running):
    [decider] = [process for process in standing(running, 0)["processes"] if process["name"] == "decider"]
    [worker] = psutil.Process(decider["pid"]).children()
    worker.kill()
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        [after] = [process for process in until_well(running)["processes"] if process["name"] == "decider"]
        if after["pid"] != decider["pid"]:
            break
        time.sleep(0.2)
    assert after["restarts"] > decider["restarts"]


@pytest.mark.e2e
def test_a_second_up_is_refused_and_the_first_goes_on(running):
    assert "already running" in running.cli("up", code=1).stderr
    assert standing(running, 0)["running"]


@pytest.mark.e2e
def test_an_alarm_of_the_decision_service_is_a_problem(running):
    alarms = Alarms(running.home / "run", clock=time.time)
    alarms.sound("record_unavailable", "The record cannot be written.")
    assert "The record cannot be written." in standing(running, 5)["problems"]
    alarms.silence("record_unavailable")
    assert standing(running, 0)["problems"] == []


def test_jobs_that_keep_failing_are_named_and_others_are_not(tmp_path):
    jobs = {"index": {"failures_in_row": 3, "last_error": "no space"}, "mail": {"failures_in_row": 2}}
    (tmp_path / "worker.json").write_text(json.dumps({"jobs": jobs, "pid": 1}))
    assert list_alarms(tmp_path) == ("The worker's job index failed 3 times in a row: no space",)
    (tmp_path / "decider-alarms.json").write_text("[[[")
    assert "cannot be read" in list_alarms(tmp_path)[0]


@pytest.mark.e2e
def test_nothing_outlives_a_killed_supervisor_of_a_whole_instance():
    own = OwnInstance()
    own.init()
    with own.running() as process:
        family = psutil.Process(process.pid).children(recursive=True)
        assert len(family) >= 6
        port = own.instance.configuration.gateway.https_port
        process.kill()
        process.wait()
        _, alive = psutil.wait_procs(family, timeout=PATIENCE_SECONDS)
        assert alive == []
        with socket.socket() as link:
            assert link.connect_ex(("127.0.0.1", port)) != 0
    with own.running():
        assert standing(own, 0)["running"]
    own.remove()
