"""The disk fills up: nothing is decided that cannot be recorded, somebody is told, and it mends itself when space returns."""

import os
import shutil
import subprocess
from collections.abc import Iterator

import pytest
from tests.running_instance import OSTIARY, RunningInstance, reached

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("faults")]


@pytest.fixture
def running() -> Iterator[RunningInstance]:
    assert os.geteuid() == 0, "mounting a small disk needs root; run the tests with sudo"
    instance = RunningInstance()
    instance.home.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256m", "tmpfs", str(instance.home)], check=True)
    try:
        instance.start()
        yield instance
    finally:
        instance.stop()
        subprocess.run(["umount", "-l", str(instance.home)], check=True)
        shutil.rmtree(instance.folder, ignore_errors=True)


def fill(running: RunningInstance) -> None:
    with (running.home / "ballast").open("wb", buffering=0) as ballast:
        try:
            while ballast.write(b"\0" * 65536):
                pass
        except OSError:
            return


def test_a_full_disk_is_refusal_with_an_alarm(running: RunningInstance) -> None:
    person = running.signed_in(running.make_person("staff")).enter("wiki")
    assert reached(person.api("wiki", "/page", method="POST"))
    fill(running)

    def refused(path: str) -> bool:
        return person.api("wiki", path, method="POST").status_code == 503

    running.eventually(lambda: all(refused("/filling") for _ in range(5)), "refusals while nothing can be recorded")
    assert all(refused("/unrecorded") for _ in range(10))
    assert person.api("wiki", "/unrecorded", method="POST").json()["reason"] == "record_unavailable"
    assert running.echo.requests["/unrecorded"] == 0
    told = subprocess.run(
        [*OSTIARY, "status"],
        env=running.environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert told.returncode == 5
    assert "record" in (told.stdout + told.stderr).lower()

    (running.home / "ballast").unlink()
    running.eventually(lambda: person.api("wiki", "/again", method="POST").status_code == 200, "it decides again")
    running.command("audit", "verify")
