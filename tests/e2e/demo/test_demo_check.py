"""The demo starts from nothing, and the walk through it finds everything as it must be, and notices when it is not."""

import os
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.ports import free_port
from tests.shell_instance import DATABASE_URL, new_database

from ostiary.supervisor.lock import is_locked

pytestmark = pytest.mark.xdist_group("demo")

DEMO_SECONDS = 900


@pytest.fixture(scope="module")
def home() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="ost-"))
    yield folder / "demo"
    assert not is_locked(folder / "demo" / "state")
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def environment() -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("OSTIARY_", "DJANGO_"))}
    if url := new_database():
        kept[DATABASE_URL] = url
    return kept


def demo(home: Path, environment: dict[str, str], *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "ostiary.demo", "--home", str(home), *words]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=DEMO_SECONDS, check=False)


@pytest.mark.e2e
def test_a_first_start_is_walked_without_a_fault(home, environment):
    ended = demo(home, environment, "--port", str(free_port()), "--check")
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "25 of 25 steps are as they must be" in ended.stdout
    assert "✗" not in ended.stdout
    assert (home / "demo.json").stat().st_mode & 0o077 == 0
    assert not is_locked(home / "state")


@pytest.mark.e2e
def test_a_second_start_makes_nothing_anew_and_a_changed_record_is_noticed(home, environment):
    before = (home / "demo.json").read_bytes()
    [segment] = (home / "state" / "audit" / "decisions").glob("00000001.jsonl")
    segment.write_bytes(segment.read_bytes().replace(b"jonas.weber", b"jonas.bewer", 1))
    ended = demo(home, environment, "--check")
    assert ended.returncode == 1, ended.stdout + ended.stderr
    assert "Wrong: The record verifies, line by line" in ended.stdout
    assert "hiring" not in ended.stderr
    assert (home / "demo.json").read_bytes() == before


def test_accounts_and_codes_can_be_shown_at_any_time(home, environment):
    ended = demo(home, environment, "--codes")
    assert ended.returncode == 0
    assert "priya.raman@lindenhof.example" in ended.stdout
    assert str(home / "state" / "certificates" / "authority.pem") in ended.stdout


def test_a_taken_port_is_named_with_the_way_out(home, environment):
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen(1)
        ended = demo(home, environment, "--port", str(holder.getsockname()[1]))
    assert ended.returncode == 1
    assert "is taken" in ended.stderr
    assert "make demo PORT=9443" in ended.stderr
