"""A process's own log: appended to a file that is renamed when it grows, with its last lines at hand."""

import os
from collections import deque
from pathlib import Path

LIMIT_BYTES = 8 * 1024 * 1024
KEPT_FILES = 5
LAST_LINES = 40


class RotatingLog:
    """Takes what a process prints. A full disk loses lines, never the process."""

    def __init__(self, path: Path, *, limit_bytes: int = LIMIT_BYTES, kept_files: int = KEPT_FILES) -> None:
        self.path = path
        self._limit = limit_bytes
        self._kept = kept_files
        self._last: deque[str] = deque(maxlen=LAST_LINES)
        self._descriptor = -1
        self._size = 0

    @property
    def last_lines(self) -> tuple[str, ...]:
        """The newest lines, oldest first."""
        return tuple(self._last)

    def write(self, content: bytes) -> None:
        """Append bytes as they come."""
        self._last.extend(line for line in content.decode("utf-8", "replace").splitlines() if line.strip())
        try:
            if self._descriptor < 0:
                self._open()
            if self._size + len(content) > self._limit and self._size:
                self._rotate()
            self._size += os.write(self._descriptor, content)
        except OSError:
            self.close()

    def close(self) -> None:
        """Close the file; the next write opens it again."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def _open(self) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._descriptor = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o640)
        self._size = os.fstat(self._descriptor).st_size

    def _rotate(self) -> None:
        self.close()
        for number in range(self._kept - 1, 0, -1):
            older = self._numbered(number)
            if older.exists():
                older.replace(self._numbered(number + 1))
        self.path.replace(self._numbered(1))
        self._numbered(self._kept).unlink(missing_ok=True)
        self._open()

    def _numbered(self, number: int) -> Path:
        return self.path.with_name(f"{self.path.name}.{number}")
