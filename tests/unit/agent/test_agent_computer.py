"""How the agent asks the computer it really runs on: bounded, without a shell, and no failure comes out but `CannotTell`."""

import os
import time
from pathlib import Path

import pytest

from ostiary.agent.posture.computer import MAX_FILE_BYTES, CannotTell, ThisComputer, text_of


@pytest.fixture
def computer() -> ThisComputer:
    return ThisComputer(now=time.time())


def test_a_program_sees_neither_a_shell_nor_what_the_agent_was_started_with(
    computer: ThisComputer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LD_PRELOAD_OF_SOMEBODY", "1")
    monkeypatch.setenv("PATH", "/nowhere")
    said = computer.run("env", more={"ONE": "more"}).said.splitlines()
    assert sorted(line.partition("=")[0] for line in said) == ["HOME", "LANG", "LC_ALL", "ONE", "PATH"]
    assert "LC_ALL=C" in said
    assert computer.run("echo", "$HOME; id").said == "$HOME; id\n"
    assert computer.run("cat").said == "", "nothing waits for somebody to type"


def test_what_a_program_cannot_do_is_told_in_a_sentence(computer: ThisComputer) -> None:
    with pytest.raises(CannotTell, match="no-such-program is not installed"):
        computer.run("no-such-program")
    with pytest.raises(CannotTell, match="did not answer within"):
        computer.run("sleep", "600", seconds=0.05)
    assert computer.run("sh", "-c", "echo said; echo wrong >&2; exit 3").said == "said\n"
    assert computer.run("sh", "-c", "echo wrong >&2; exit 3", errors=True).said == "wrong\n"
    assert computer.run("sh", "-c", "printf '\\377'").said == "\ufffd"
    assert computer.has("sh")
    assert not computer.has("no-such-program")


def test_a_file_is_read_as_far_as_it_is_worth_and_what_is_not_there_is_told(
    computer: ThisComputer, tmp_path: Path
) -> None:
    (tmp_path / "long").write_bytes(b"x" * (MAX_FILE_BYTES + 1))
    assert len(computer.read_bytes(str(tmp_path / "long"))) == MAX_FILE_BYTES
    with pytest.raises(CannotTell, match="There is no"):
        computer.read(str(tmp_path / "other"))
    with pytest.raises(CannotTell, match="cannot be read"):
        computer.read(str(tmp_path))
    with pytest.raises(CannotTell, match="cannot be read"):
        computer.read("a\x00b")
    assert text_of(computer, "a\x00b") == ""
    assert computer.names_in(str(tmp_path)) == ("long",)
    assert computer.names_in(str(tmp_path / "other")) == ()
    assert computer.changed_at(str(tmp_path / "other")) is None
    assert computer.target_of("/proc/self/exe") != computer.target_of(str(tmp_path)) == ""


def test_who_runs_what_and_who_is_who(computer: ThisComputer) -> None:
    own = {one.pid: one.user for one in computer.processes()}
    assert own[os.getpid()] == os.geteuid()
    name, groups = computer.groups_of(0)
    assert (name, "root" in groups) == ("root", True)
    assert computer.home_of(0) == "/root"
    for ask in (computer.groups_of, computer.home_of):
        with pytest.raises(CannotTell, match="Nobody knows"):
            ask(3_999_999_999)
