"""What is printed: never in an encoding that cannot write it, and into a file where there is nobody to print for."""

import io
import os
import sys
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

MAX_LOG_BYTES: Final = 256 * 1024
OLDER: Final = ".1"


def prepare_output() -> None:
    """Have everything that is printed arrive: in UTF-8 where no terminal says otherwise, and nowhere where there is no output at all."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:  # Windows, without a console
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: PTH123, SIM115 - for as long as it runs
        elif isinstance(stream, io.TextIOWrapper):
            encoding = "utf-8" if sys.platform == "win32" and not stream.isatty() else None
            stream.reconfigure(encoding=encoding, errors="backslashreplace")


def print_into(path: Path) -> None:
    """Have everything that is printed from now on stand in a file, line by line with the time."""
    sys.stdout = sys.stderr = Log(path)


class Log(io.TextIOBase):
    """A file that is written at its end; a full one becomes the older one, of which there is one. Where it cannot be written, nothing is."""

    def __init__(self, path: Path) -> None:
        self._path, self._begun = path, ""

    def write(self, text: str) -> int:
        """Add what are whole lines by now."""
        *whole, self._begun = f"{self._begun}{text}".split("\n")
        now = f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S}Z"
        lines = "".join(f"{now} {line}\n" for line in whole if line.strip())
        with suppress(OSError):
            if self._path.exists() and self._path.stat().st_size > MAX_LOG_BYTES:
                self._path.replace(self._path.with_name(self._path.name + OLDER))
            with self._path.open("a", encoding="utf-8", errors="backslashreplace") as file:
                file.write(lines)
        return len(text)
