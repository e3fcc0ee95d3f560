"""What the agent has from each system: programs that end with all they started, locks, files that are replaced, output that arrives."""

import errno
import io
import os
import subprocess
import sys
import threading
import time
import types
from pathlib import Path

import pytest

from ostiary.agent import command
from ostiary.agent.folder import Folder
from ostiary.agent.system import files, locking, output
from ostiary.agent.system.programs import run_program


def test_a_program_that_takes_too_long_ends_with_all_that_it_started() -> None:
    """The second one keeps the pipe open: who ended the first alone would wait for ten minutes."""
    mark = f"600.{os.getpid()}"
    with pytest.raises(subprocess.TimeoutExpired):
        run_program(["sh", "-c", f"sleep {mark} & wait"], seconds=0.5)
    until = time.monotonic() + 60
    while _runs(mark):
        assert time.monotonic() < until, "what it started goes on"
        time.sleep(0.01)


def _runs(mark: str) -> bool:
    for one in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if mark.encode() in one.read_bytes():
                return True
        except OSError:
            continue
    return False


def test_on_linux_nothing_is_loaded_that_its_service_may_not_run() -> None:
    """`ctypes` may want memory that is written and run, which the unit forbids (`MemoryDenyWriteExecute`)."""
    words = (
        "import sys, ostiary.agent.command; sys.exit(bool({'ctypes', 'plistlib', 'xml.etree'} & sys.modules.keys()))"
    )
    assert subprocess.run([sys.executable, "-c", words], check=False).returncode == 0


def test_what_it_says_comes_apart_along_or_not() -> None:
    words = ["sh", "-c", "echo said; echo wrong >&2; exit 3"]
    done = run_program(words, seconds=60)
    assert (done.status, done.said, done.errors, done.words()) == (3, b"said\n", b"wrong\n", "wrong")
    assert run_program(words, seconds=60, errors="along").said == b"said\nwrong\n"
    assert run_program(words, seconds=60, errors="dropped").words() == "said"


def test_one_at_a_time_holds_the_lock(tmp_path: Path) -> None:
    first = locking.take_lock(tmp_path / "lock")
    held = threading.Event()

    def second() -> None:
        locking.let_go(locking.take_lock(tmp_path / "lock"))
        held.set()

    other = threading.Thread(target=second)
    other.start()
    assert not held.is_set()
    locking.let_go(first)
    other.join()
    assert held.is_set()


def test_on_windows_a_lock_is_waited_for_unless_the_file_cannot_be_locked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers: list[OSError | None] = [PermissionError(errno.EACCES, "held"), OSError(0, "Error"), None]
    told = list[tuple[int, int]]()

    def locking_there(descriptor: int, mode: int, length: int) -> None:
        told.append((mode, length))
        answer = answers.pop(0)
        if answer is not None:
            raise answer

    there = types.SimpleNamespace(locking=locking_there, LK_NBLCK=2, LK_UNLCK=0)
    monkeypatch.setitem(sys.modules, "msvcrt", there)  # type: ignore[arg-type]
    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.setattr(locking, "PAUSE_SECONDS", 0.0)
    descriptor = locking.take_lock(tmp_path / "lock")
    answers.append(None)
    locking.let_go(descriptor)
    assert told == [(2, 1)] * 3 + [(0, 1)]
    answers.append(OSError(errno.EINVAL, "no locks on this drive"))
    with pytest.raises(OSError, match="no locks"):
        locking.take_lock(tmp_path / "lock")


def test_where_somebody_has_a_file_open_it_is_replaced_when_they_are_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As Windows refuses it: for as long as another program reads."""
    file, replace, tries = tmp_path / "device.pem", Path.replace, list[Path]()

    def refused_twice(path: Path, target: Path) -> Path:
        tries.append(path)
        if len(tries) < 3:
            raise PermissionError(13, "it is in use")
        return replace(path, target)

    monkeypatch.setattr(Path, "replace", refused_twice)
    monkeypatch.setattr(files, "PAUSE_SECONDS", 0.0)
    with pytest.raises(PermissionError):
        files.replace_whole(file, b"on Linux nobody is waited for")
    monkeypatch.setattr(sys, "platform", "win32")
    files.replace_whole(file, b"new")
    assert (file.read_bytes(), len(tries)) == (b"new", 3)
    tries.clear()
    monkeypatch.setattr(files, "TRIES", 1)
    with pytest.raises(PermissionError):
        files.replace_whole(file, b"never")
    assert file.read_bytes() == b"new"


def test_what_a_killed_agent_left_is_removed_when_the_folder_is_held_and_nothing_else(tmp_path: Path) -> None:
    folder, other = Folder(tmp_path / "agent"), tmp_path / "other"
    other.mkdir()
    (other / "diary.txt").touch()
    with folder.held():
        left = folder.path / ".browser-abc"
        left.mkdir()
        (left / "device.p12").write_bytes(b"key")
        (folder.path / ".browser-link").symlink_to(other)
    folder.path.chmod(0o755)
    with folder.held():
        assert not left.exists()
        assert (other / "diary.txt").exists()
    assert folder.path.stat().st_mode & 0o777 == 0o700, "it is not in the way either where others could look"


def test_what_cannot_be_written_is_shown_as_it_can(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = io.TextIOWrapper(io.BytesIO(), encoding="cp1252")
    monkeypatch.setattr(sys, "stdout", shown)
    monkeypatch.setattr(sys, "stderr", None)
    output.prepare_output()
    sys.stdout.write("Łódź → ")
    sys.stderr.write("nobody sees that")
    sys.stderr.close()
    shown.flush()
    assert shown.buffer.getvalue().decode("cp1252") == "\\u0141ód\\u017a \\u2192 "  # type: ignore[attr-defined]


def test_a_service_without_a_journal_writes_a_file_that_stays_small(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("signal.signal", lambda *_: None)
    monkeypatch.setattr(sys, "stdout", sys.stdout)
    monkeypatch.setattr(sys, "stderr", sys.stderr)
    folder = Folder(tmp_path / "agent")
    with folder.held():
        log = folder.path / "agent.log"
    assert command.main(["--folder", str(folder.path), "run", "--log", str(log), "--end-when-refused"]) == 1
    first, second = log.read_text().splitlines()
    assert first.endswith("Z Error: This computer is not enrolled.")
    assert second.endswith("Enrol it: ostiary-agent enrol ADDRESS")
    monkeypatch.setattr(output, "MAX_LOG_BYTES", 10)
    sys.stdout.write("one more\n\n")
    assert [len(one.read_text().splitlines()) for one in (log, folder.path / "agent.log.1")] == [1, 2]
    output.Log(tmp_path / "nowhere" / "log").write("lost, and nobody is stopped by it\n")
    with folder.held():
        folder.forget()
    assert [one.name for one in folder.path.iterdir()] == [".lock"]
    assert os.access(folder.path, os.W_OK)
