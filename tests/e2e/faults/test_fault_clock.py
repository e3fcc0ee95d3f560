"""The clock is stepped under the decision service: forward ends what has ended, backward opens nothing, a mended clock heals.

The service sees another time through libfaketime; the machine's own clock is not touched.
"""

import os
import time
from collections.abc import Iterator
from pathlib import Path
from unittest import mock

import pytest
from tests.decider_process import Running

from ostiary.gateway.decider.answers import REFUSED_AS_UNAVAILABLE
from ostiary.gateway.snapshots import beat

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("faults")]


class ClockedDecider(Running):
    """The decision service under Granian, with a clock that a test steps."""

    def __init__(self, folder: Path) -> None:
        libraries = sorted(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))
        assert libraries, "libfaketime is not installed; run: apt-get install libfaketime"
        self.clock = folder / "clock"
        self.step(0)
        faked = {
            "LD_PRELOAD": str(libraries[0]),
            "FAKETIME_TIMESTAMP_FILE": str(self.clock),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "FAKETIME_DONT_RESET": "1",
        }
        with mock.patch.dict(os.environ, faked):
            super().__init__()

    def step(self, seconds: int) -> None:
        """Set the service's clock so far before or behind the machine's."""
        fresh = self.clock.with_suffix(".new")
        fresh.write_text(f"{seconds:+d}s\n")
        fresh.replace(self.clock)

    def status(self) -> int:
        return self.client.get("/check/page", headers={"cookie": self.cookie()}).status_code


@pytest.fixture
def running(tmp_path: Path) -> Iterator[ClockedDecider]:
    process = ClockedDecider(tmp_path)
    try:
        process.until(process.decides)
        yield process
    finally:
        process.stop()


def test_a_step_forward_makes_the_facts_too_old_to_decide_on(running: ClockedDecider) -> None:
    assert running.status() == 200
    running.step(1800)

    running.until(lambda: running.status() == REFUSED_AS_UNAVAILABLE)
    running.step(0)
    running.until(lambda: running.status() == 200)


def test_a_step_forward_past_its_end_ends_the_session_though_the_facts_are_fresh(running: ClockedDecider) -> None:
    running.step(2 * 3600)
    beat(running.instance.facts, time.time() + 2 * 3600)

    running.until(lambda: running.status() == 401)
    assert all(running.status() == 401 for _ in range(3))


def test_a_step_back_is_refusal_until_the_facts_are_confirmed_again(running: ClockedDecider) -> None:
    running.step(-3600)

    running.until(lambda: running.status() == REFUSED_AS_UNAVAILABLE)
    beat(running.instance.facts, time.time() - 3600)
    running.until(lambda: running.status() == 200)
