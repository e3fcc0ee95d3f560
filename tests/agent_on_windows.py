"""Runs the agent in a process of its own that is as Windows is to Python, as far as a process on Linux can be.

`sys.platform` says `win32`; the modules and functions that Windows has not are not there; `msvcrt` is. Programs start only where
Windows keeps its own, only without a window, and answer as they are told; `icacls` does what it is for to the file's mode. What is
not so: files, paths and `os.name` are Linux's.

Arguments: a file with what PowerShell answers, as JSON by part of the question; then the agent's own, or `-c` and Python to run.
"""

import json
import os
import signal
import subprocess
import sys
import types
from pathlib import Path
from typing import Any

SYSTEM = "C:\\Windows\\System32"
ME = "S-1-5-21-1-2-3-1001"
ABSENT_MODULES = ("fcntl", "pwd", "grp", "resource", "termios", "tty", "pty", "syslog", "readline")
ABSENT_NAMES = (
    "geteuid", "getuid", "getegid", "getgid", "getgroups", "getgrouplist", "setuid", "setgid", "killpg", "fork", "mkfifo",
    "chown", "getpgid", "setsid", "O_CLOEXEC", "O_NONBLOCK", "O_NOCTTY", "O_NOFOLLOW", "O_DIRECTORY",
)  # fmt: skip


class Popen:
    """What starts programs there."""

    answers: dict[str, Any] = {}
    asked: list[list[str]] = []
    hangs = ""

    def __init__(self, words: list[str], *, creationflags: int = 0, **more: Any) -> None:
        assert creationflags == 0x08000000, "no window flashes"
        assert not {"start_new_session", "preexec_fn", "user", "group", "extra_groups"} & more.keys()
        assert words[0].startswith(f"{SYSTEM}\\"), f"{words[0]} is none of Windows' own"
        assert more["stdin"] == subprocess.DEVNULL
        if more.get("env") is not None:
            assert more["env"]["PATH"].startswith(SYSTEM)
        self.asked.append(words)
        assert subprocess.PIPE not in {more["stdout"], more["stderr"]}, "whoever the program starts would hold it open"
        self.streams = more["stdout"], more["stderr"]
        self.pid, self.returncode, self.args, self.words, self.ended = 4242, 0, words, words, False

    def __enter__(self) -> "Popen":
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def kill(self) -> None:
        self.ended = True

    def poll(self) -> int:
        return self.returncode

    def communicate(self, _read: bytes | None = None, timeout: float | None = None) -> tuple[None, None]:
        self.wait(timeout)
        return None, None

    def wait(self, timeout: float | None = None) -> int:
        program = self.words[0].removeprefix(f"{SYSTEM}\\")
        if program == self.hangs:
            if self.ended:
                return 1
            raise subprocess.TimeoutExpired(self.words, timeout or 0)
        for stream, said in zip(
            self.streams, getattr(self, f"_{program.rpartition(chr(92))[2].removesuffix('.exe')}")(), strict=True
        ):
            if not isinstance(stream, int):
                stream.write(said)
        return self.returncode

    def _powershell(self) -> tuple[bytes, bytes]:
        answer = next((one for name, one in self.answers.items() if name in self.words[-1]), None)
        self.returncode = 1 if answer is None else 0
        return b"" if answer is None else b"\xef\xbb\xbf" + json.dumps(
            answer, ensure_ascii=False
        ).encode() + b"\r\n", b""

    def _whoami(self) -> tuple[bytes, bytes]:
        return '"BUILTIN\\Administratören","Alias","S-1-5-32-544","Gruppe"\r\n'.encode("cp850"), b""

    def _icacls(self) -> tuple[bytes, bytes]:
        if self.answers.get("icacls") == "refuses":
            self.returncode = 5
            return b"", "Zugriff verweigert für ä\r\n".encode("cp850")
        Path(self.words[1]).chmod(0o700 if f"*{ME}:(OI)(CI)F" in self.words else 0o755)
        return b"", b""

    def _taskkill(self) -> tuple[bytes, bytes]:
        return b"", b""


def _sddl(path: Path) -> str:
    mode = path.lstat().st_mode
    others = "(A;OICIID;FA;;;BU)" if mode & 0o077 else ""
    return f"O:{ME}G:S-1-5-21-1-2-3-513D:PAI(A;OICI;FA;;;{ME})(A;;FA;;;SY){others}"


def _msvcrt() -> types.ModuleType:
    import fcntl

    module: Any = types.ModuleType("msvcrt")
    module.LK_UNLCK, module.LK_LOCK, module.LK_NBLCK = 0, 1, 2
    how = {0: fcntl.LOCK_UN, 2: fcntl.LOCK_EX | fcntl.LOCK_NB}

    def locking(descriptor: int, mode: int, length: int) -> None:
        assert (os.lseek(descriptor, 0, os.SEEK_CUR), length) == (0, 1)
        try:
            fcntl.flock(descriptor, how[mode])
        except BlockingIOError:
            raise PermissionError(13, "Permission denied") from None

    module.locking = locking
    return module


def become_windows(answers: dict[str, Any]) -> None:
    import ostiary.agent.command  # noqa: F401 - what it loads besides itself stays as it is: Windows has its own of that

    sys.modules["msvcrt"] = _msvcrt()
    for name in [name for name in sys.modules if name.partition(".")[0] == "ostiary"]:
        del sys.modules[name]
    for name in ABSENT_MODULES:
        sys.modules[name] = None  # type: ignore[assignment]
    for name in ABSENT_NAMES:
        delattr(os, name)
    for name in ("SIGHUP", "SIGALRM", "SIGUSR1"):
        delattr(signal, name)
    sys.platform = "win32"
    Popen.answers = answers
    subprocess.Popen = Popen  # type: ignore[assignment,misc]
    from ostiary.agent.system import windows_api

    windows_api.system_folder = lambda: SYSTEM  # type: ignore[assignment]
    windows_api.own_sid = lambda: ME  # type: ignore[assignment]
    windows_api.oem_encoding = lambda: "cp850"  # type: ignore[assignment]
    windows_api.sddl_of = _sddl


if __name__ == "__main__":
    become_windows(json.loads(Path(sys.argv[1]).read_text()))
    if sys.argv[2] == "-c":
        exec(sys.argv[3], {"Popen": Popen})  # noqa: S102 - a test's own words
    else:
        from ostiary.agent.command import main

        sys.exit(main(sys.argv[2:]))
