"""Prints each step of the walk as it goes: ✓ or ✗, what was seen, how long it took."""

import sys
import time
from collections.abc import Callable
from typing import TextIO

import httpx

from ostiary.errors import OstiaryError

_GREEN, _RED, _DIM, _PLAIN = "\x1b[32m", "\x1b[31m", "\x1b[2m", "\x1b[0m"
Step = Callable[[], str]


class Report:
    """Takes steps one after the other and remembers which were wrong."""

    def __init__(self, stream: TextIO = sys.stdout) -> None:
        self._stream = stream
        self._colour = stream.isatty()
        self._began = time.monotonic()
        self.taken = 0
        self.wrong: list[str] = []

    def take(self, name: str, step: Step) -> None:
        """Take one step; what it raises makes it wrong and the walk goes on."""
        began = time.monotonic()
        self.taken += 1
        try:
            seen, right = step(), True
        except OstiaryError as error:
            seen, right = str(error), False
        except (httpx.HTTPError, OSError, TimeoutError, KeyError, ValueError) as error:
            seen, right = f"{type(error).__name__}: {error}", False
        if not right:
            self.wrong.append(name)
        took = f"{time.monotonic() - began:6.2f} s"
        mark = self._paint("✓", _GREEN) if right else self._paint("✗", _RED)
        self._stream.write(f"{mark} {self._paint(took, _DIM)}  {name}\n")
        if seen:
            self._stream.write(f"             {self._paint(seen, _DIM if right else _RED)}\n")
        self._stream.flush()

    def finish(self) -> int:
        """Say how it went; return the exit status."""
        took = time.monotonic() - self._began
        right = self.taken - len(self.wrong)
        self._stream.write(f"\n{right} of {self.taken} steps are as they must be, after {took:.0f} s.\n")
        for name in self.wrong:
            self._stream.write(f"Wrong: {name}\n")
        return 1 if self.wrong else 0

    def _paint(self, text: str, colour: str) -> str:
        return f"{colour}{text}{_PLAIN}" if self._colour else text
