"""Starts other programs: without a shell or a window, for a limited time, and ends all that they started when that is over."""

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path, PureWindowsPath
from typing import Any, Final, Literal

import msgspec

from ostiary.agent.system import windows_api

SEARCH_PATH: Final = "/usr/sbin:/usr/bin:/sbin:/bin:/usr/local/sbin:/usr/local/bin"
NO_WINDOW: Final = 0x0800_0000
"""CREATE_NO_WINDOW: a console that nobody sees. Source: Microsoft, Process Creation Flags."""
END_SECONDS: Final = 10.0
_WINDOWS_NEEDS: Final = (
    "SYSTEMROOT", "SYSTEMDRIVE", "WINDIR", "TEMP", "TMP", "USERPROFILE", "USERNAME", "USERDOMAIN", "LOCALAPPDATA",
    "APPDATA", "PROGRAMDATA", "ALLUSERSPROFILE", "PROGRAMFILES", "COMPUTERNAME", "PROCESSOR_ARCHITECTURE",
)  # fmt: skip
_POWERSHELL: Final = "powershell.exe"


class Done(msgspec.Struct, frozen=True, kw_only=True):
    """How a program ended, and what it said on standard output and standard error."""

    status: int
    said: bytes
    errors: bytes = b""

    def words(self) -> str:
        """Return what it said of itself, its errors first, as text."""
        return text_of_tool(self.errors).strip() or text_of_tool(self.said).strip()


def run_program(
    words: Sequence[str],
    *,
    seconds: float,
    environment: Mapping[str, str] | None = None,
    errors: Literal["apart", "along", "dropped"] = "apart",
    user: Mapping[str, Any] | None = None,
) -> Done:
    """Run a program, with nothing to read.

    Args:
        words: its name and arguments.
        seconds: how long at most; then it is ended with all that it started.
        environment: all that it finds there; the agent's own where it is not said.
        errors: whether what it says on standard error comes apart, along with the rest, or not at all.
        user: as whom, in the words of `subprocess.Popen`.

    Raises:
        OSError, ValueError: when it is not there or cannot be started.
        subprocess.SubprocessError: when it cannot be started as that user; `TimeoutExpired` when it did not end in time.
    """
    given = None if environment is None else dict(environment)
    if sys.platform == "win32":
        return _run_into_files([found(words[0]), *words[1:]], seconds, given, errors)
    streams = {"apart": subprocess.PIPE, "along": subprocess.STDOUT, "dropped": subprocess.DEVNULL}
    with subprocess.Popen(
        words,
        env=given,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=streams[errors],
        start_new_session=True,
        **(user or {}),
    ) as process:
        try:
            said, wrong = process.communicate(timeout=seconds)
        except BaseException:
            _end(process)
            raise
    return Done(status=process.returncode, said=said or b"", errors=wrong or b"")


def found(program: str) -> str:
    """Return how a program is started: on Windows, where it lies among the system's own.

    A bare name would be looked for beside the agent and in the working folder first there, which may be anybody's.
    """
    if sys.platform == "win32" and not PureWindowsPath(program).is_absolute():
        name = program if program.endswith(".exe") else f"{program}.exe"
        below = ("WindowsPowerShell", "v1.0") if name == _POWERSHELL else ()
        return str(PureWindowsPath(windows_api.system_folder(), *below, name))
    return program


def plain_environment() -> dict[str, str]:
    """Return what a program that is asked something finds in its environment: nothing of who started the agent."""
    if sys.platform == "win32":
        system = PureWindowsPath(windows_api.system_folder())
        kept = {name: os.environ[name] for name in _WINDOWS_NEEDS if name in os.environ}
        return {**kept, "PATH": f"{system};{system.parent};{system / 'Wbem'}"}
    home = str(Path.home()) if sys.platform == "darwin" else "/"
    return {"PATH": SEARCH_PATH, "LANG": "C", "LC_ALL": "C", "HOME": home}


def text_of_tool(said: bytes) -> str:
    """Return what a program of the system printed, as text: on Windows they print in an encoding of their own."""
    encoding = windows_api.oem_encoding() if sys.platform == "win32" else "utf-8"
    try:
        return said.decode(encoding, errors="replace")
    except LookupError:
        return said.decode(errors="replace")


def _run_into_files(
    words: Sequence[str],
    seconds: float,
    environment: dict[str, str] | None,
    errors: Literal["apart", "along", "dropped"],
) -> Done:
    """Run a program of Windows. A pipe would be read there for as long as anything lives that the program started, beyond any limit."""
    with tempfile.TemporaryFile() as said, tempfile.TemporaryFile() as wrong:
        streams: dict[str, Any] = {"apart": wrong, "along": subprocess.STDOUT, "dropped": subprocess.DEVNULL}
        process = subprocess.Popen(
            words,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=streams[errors],
            creationflags=NO_WINDOW,
        )
        try:
            process.wait(seconds)
        except BaseException:
            _end(process)
            raise
        said.seek(0)
        wrong.seek(0)
        return Done(status=process.returncode, said=said.read(), errors=wrong.read())


def _end(process: "subprocess.Popen[bytes]") -> None:
    """End a program and all that it started."""
    if sys.platform == "win32":
        with suppress(OSError, subprocess.SubprocessError):
            subprocess.run(
                [found("taskkill"), "/T", "/F", "/PID", str(process.pid)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                creationflags=NO_WINDOW,
                timeout=END_SECONDS,
                check=False,
            )
    else:
        with suppress(OSError):
            os.killpg(process.pid, signal.SIGKILL)
    with suppress(OSError):
        process.kill()
    with suppress(subprocess.TimeoutExpired):
        process.wait(END_SECONDS)
