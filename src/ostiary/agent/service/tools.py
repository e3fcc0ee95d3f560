"""The system's own program that services are told to, and what is said when it refuses. It does not know any system."""

import subprocess
from collections.abc import Callable, Sequence
from typing import Final

from ostiary.agent.system.programs import Done, run_program
from ostiary.errors import OstiaryError

SECONDS: Final = 60.0
MAX_CHARACTERS: Final = 300
Run = Callable[[Sequence[str]], Done]


class NotInstalled(OstiaryError):
    """The service could not be installed, or not be removed."""


def run_tool(words: Sequence[str]) -> Done:
    """Run a program of the system's. Raises `NotInstalled` when it is not there or does not end."""
    try:
        return run_program(words, seconds=SECONDS)
    except FileNotFoundError:
        raise NotInstalled(f"{words[0]} is not there.") from None
    except (OSError, ValueError, subprocess.SubprocessError) as error:
        raise NotInstalled(f"{words[0]} did not work ({error}).") from None


def require(done: Done, what: str, *, hint: str = "") -> None:
    """Return when a program did what it was told. Raises `NotInstalled` with `what` and what it says itself."""
    if done.status != 0:
        said = done.words()[:MAX_CHARACTERS] or f"nothing, and ended with {done.status}"
        raise NotInstalled(f"{what} says: {said}", hint=hint)


def cannot(place: object, error: OSError) -> NotInstalled:
    """Return what to raise when a file cannot be used."""
    return NotInstalled(f"{error.filename or place} cannot be used ({error.strerror or error}).")
