"""Wakes an event loop when a file in a folder is replaced, through inotify; polling stays the caller's fallback."""

from pathlib import Path
from types import TracebackType
from typing import Self

from inotify_simple import INotify, flags


class FolderWatch:
    """Watches one folder. Its descriptor becomes readable when a file in it is renamed in, rewritten or removed.

    Usable with `asyncio`'s `add_reader(watch.fileno(), …)`; the callback calls `drain` and then looks at the files.
    """

    def __init__(self, folder: Path) -> None:
        """Start watching.

        Raises:
            OSError: when the folder does not exist or the kernel has no watches left; poll instead.
        """
        self._inotify = INotify(nonblocking=True)
        try:
            self._inotify.add_watch(folder, flags.MOVED_TO | flags.CLOSE_WRITE | flags.DELETE | flags.MOVED_FROM)
        except OSError:
            self._inotify.close()
            raise

    def fileno(self) -> int:
        """Return the descriptor to wait on."""
        return int(self._inotify.fileno())

    def drain(self) -> bool:
        """Forget what woke us; return whether anything did."""
        try:
            return bool(list(self._inotify.read(timeout=0)))
        except BlockingIOError:
            return False

    def close(self) -> None:
        """Stop watching."""
        self._inotify.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self.close()
