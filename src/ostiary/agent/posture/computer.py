"""The computer as collectors see it: files that are read and programs that are asked, within bounds. What it means is told elsewhere.

Programs run without a shell, on a fixed search path, in the C locale, with nothing on standard input, for some seconds at most.
"""

import errno
import os
import stat
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final, Protocol

import msgspec

from ostiary.agent.posture.memory import Memory
from ostiary.agent.system.programs import SEARCH_PATH, plain_environment, run_program

PROGRAM_SECONDS: Final = 10.0
MAX_FILE_BYTES: Final = 4 * 1024 * 1024
MAX_OUTPUT_CHARACTERS: Final = 8 * 1024 * 1024
NOTHING: Final[Mapping[str, str]] = {}


def only_files(path: str, flags: int) -> int:
    """Open a file and nothing else: a pipe in its place would keep root waiting, and a device would do something."""
    if not stat.S_ISREG(Path(path).stat().st_mode):
        raise OSError(errno.EINVAL, "it is no file", path)
    descriptor = os.open(path, flags | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOCTTY", 0))
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(errno.EINVAL, "it is no file", path)
    return descriptor


class CannotTell(Exception):
    """Something cannot be told; `why` is a sentence for the person at the computer."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


class Ran(msgspec.Struct, frozen=True, kw_only=True):
    """What a program said; `status` is how it ended."""

    status: int
    said: str


class Process(msgspec.Struct, frozen=True, kw_only=True):
    """A program that runs: its name, at most 15 characters as the kernel keeps it, and whose it is."""

    pid: int
    user: int
    name: str


class Computer(Protocol):
    """What collectors may ask."""

    now: float
    """Seconds since the epoch."""
    root: bool
    """Whether everything may be read."""
    user: int
    """Who asks."""
    ahead_seconds: float | None
    """How far its clock is ahead of the instance's, where that is known."""
    memory: Memory
    """What was learnt at earlier looks."""

    def read(self, path: str) -> str:
        """Return what stands in a file; what is no text is replaced. Raises `CannotTell`."""

    def read_bytes(self, path: str) -> bytes:
        """Return the same as it is. Raises `CannotTell`."""

    def names_in(self, folder: str) -> tuple[str, ...]:
        """Return the names of what lies in a folder, in order; none where there is no such folder."""

    def changed_at(self, path: str) -> float | None:
        """Return when a file or folder was last changed (seconds since the epoch); `None` where it is not there."""

    def target_of(self, path: str) -> str:
        """Return where a link points; empty where it is none, or may not be looked at."""

    def has(self, program: str) -> bool:
        """Tell whether a program is installed."""

    def run(
        self,
        *words: str,
        user: int | None = None,
        seconds: float = PROGRAM_SECONDS,
        more: Mapping[str, str] = NOTHING,
        errors: bool = False,
    ) -> Ran:
        """Run a program and return what it said on standard output.

        Args:
            words: its name and arguments.
            user: as whom, where not as oneself; only root may.
            seconds: how long at most.
            more: what it finds in its environment besides.
            errors: whether to return what it says on standard error, too.

        Raises:
            CannotTell: when it is not installed, or did not end in time.
        """

    def processes(self) -> Sequence[Process]:
        """Return what runs, as far as it may be seen."""

    def groups_of(self, user: int) -> tuple[str, tuple[str, ...]]:
        """Return somebody's name and the names of their groups. Raises `CannotTell`."""

    def home_of(self, user: int) -> str:
        """Return somebody's home folder. Raises `CannotTell`."""


class ThisComputer:
    """The computer that this runs on."""

    def __init__(self, *, now: float, ahead_seconds: float | None = None, memory: Memory | None = None) -> None:
        """Look at nothing yet; `now` is the moment everything is told for."""
        self.memory = memory or Memory()
        self.now = now
        self.user = os.geteuid() if hasattr(os, "geteuid") else -1
        self.root = self.user == 0
        self.ahead_seconds = ahead_seconds
        self._processes: tuple[Process, ...] | None = None

    def read(self, path: str) -> str:
        """See `Computer`."""
        return self.read_bytes(path).decode(errors="replace")

    def read_bytes(self, path: str) -> bytes:
        """See `Computer`."""
        try:
            with open(path, "rb", opener=only_files) as file:
                return file.read(MAX_FILE_BYTES)
        except FileNotFoundError:
            raise CannotTell(f"There is no {path}.") from None
        except PermissionError:
            raise CannotTell(f"Only root can read {path}.") from None
        except (OSError, ValueError) as error:
            raise CannotTell(f"{path} cannot be read ({getattr(error, 'strerror', None) or error}).") from None

    def names_in(self, folder: str) -> tuple[str, ...]:
        """See `Computer`."""
        try:
            return tuple(sorted(one.name for one in Path(folder).iterdir()))
        except OSError:
            return ()

    def changed_at(self, path: str) -> float | None:
        """See `Computer`."""
        try:
            return Path(path).stat().st_mtime
        except (OSError, ValueError):
            return None

    def target_of(self, path: str) -> str:
        """See `Computer`."""
        try:
            return str(Path(path).readlink())
        except OSError:
            return ""

    def has(self, program: str) -> bool:
        """See `Computer`."""
        return any(os.access(f"{folder}/{program}", os.X_OK) for folder in SEARCH_PATH.split(":"))

    def run(
        self,
        *words: str,
        user: int | None = None,
        seconds: float = PROGRAM_SECONDS,
        more: Mapping[str, str] = NOTHING,
        errors: bool = False,
    ) -> Ran:
        """See `Computer`."""
        other = None if user is None or user == self.user else {"user": user, **_groups_for(user)}
        try:
            done = run_program(
                words,
                seconds=seconds,
                environment={**plain_environment(), **more},
                errors="along" if errors else "dropped",
                user=other,
            )
        except FileNotFoundError:
            raise CannotTell(f"{words[0]} is not installed.") from None
        except subprocess.TimeoutExpired:
            raise CannotTell(f"{words[0]} did not answer within {seconds:.0f} seconds.") from None
        except (OSError, ValueError, subprocess.SubprocessError) as error:
            raise CannotTell(f"{words[0]} could not be run ({error}).") from None
        return Ran(status=done.status, said=done.said.decode(errors="replace")[:MAX_OUTPUT_CHARACTERS])

    def processes(self) -> Sequence[Process]:
        """See `Computer`."""
        if self._processes is None:
            found = (_process(one) for one in Path("/proc").iterdir() if one.name.isdecimal())
            self._processes = tuple(one for one in found if one is not None)
        return self._processes

    def groups_of(self, user: int) -> tuple[str, tuple[str, ...]]:
        """See `Computer`."""
        import grp  # noqa: PLC0415 - not on every platform
        import pwd  # noqa: PLC0415

        try:
            one = pwd.getpwuid(user)
            names = []
            for group in os.getgrouplist(one.pw_name, one.pw_gid):
                try:
                    names.append(grp.getgrgid(group).gr_name)
                except KeyError:
                    names.append(str(group))
        except (KeyError, OSError) as error:
            raise CannotTell(f"Nobody knows the user {user} ({error}).") from None
        return one.pw_name, tuple(names)

    def home_of(self, user: int) -> str:
        """See `Computer`."""
        import pwd  # noqa: PLC0415

        try:
            return pwd.getpwuid(user).pw_dir
        except (KeyError, OSError):
            raise CannotTell(f"Nobody knows the user {user}.") from None


def text_of(computer: Computer, path: str) -> str:
    """Return what stands in a file, nothing where it is not there or may not be read."""
    try:
        return computer.read(path)
    except CannotTell:
        return ""


def _process(folder: Path) -> Process | None:
    try:
        name = (folder / "comm").read_bytes()[:64].decode(errors="replace").rstrip("\n")
        return Process(pid=int(folder.name), user=folder.stat().st_uid, name=name)
    except (OSError, ValueError):
        return None


def _groups_for(user: int) -> dict[str, object]:
    import pwd  # noqa: PLC0415

    try:
        one = pwd.getpwuid(user)
    except KeyError:
        raise CannotTell(f"Nobody knows the user {user}.") from None
    return {"group": one.pw_gid, "extra_groups": os.getgrouplist(one.pw_name, one.pw_gid)}
