"""What lies in other people's homes is read by root only where it is a file; guards are those that people cannot pretend to be."""

import os
from pathlib import Path

import pytest
from tests.agent_computer import MadeUp

from ostiary.agent.posture.computer import CannotTell, Process, ThisComputer
from ostiary.agent.posture.linux import antivirus


def test_only_files_are_read(tmp_path: Path) -> None:
    pipe, file = tmp_path / "pipe", tmp_path / "file"
    os.mkfifo(pipe)
    file.write_text("lock: True\n")
    (tmp_path / "link").symlink_to(file)
    (tmp_path / "device").symlink_to("/dev/zero")
    computer = ThisComputer(now=0.0)
    assert computer.read(str(file)) == computer.read(str(tmp_path / "link")) == "lock: True\n"
    assert computer.read("/proc/self/comm")
    for other in (pipe, tmp_path, tmp_path / "device"):
        with pytest.raises(CannotTell, match="no file"):
            computer.read(str(other))


def test_what_a_person_calls_a_guard_guards_nothing() -> None:
    for user, runs in ((0, True), (110, True), (1000, False)):
        computer = MadeUp(runs=[Process(pid=7, user=user, name="falcon-sensor")])
        assert antivirus.look(computer).get("antivirus_running") is runs, user
