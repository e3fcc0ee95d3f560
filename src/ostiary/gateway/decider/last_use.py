"""When each session last used each app that has an idle limit. Kept in a file, so that a restart signs nobody out.

What is lost, by a crash or with the file, counts as never: the last proof is what counts then, so nothing opens by it.
Each request to such an app comes by here, for these apps get no grants. What a limit follows is in `session_limits`.
"""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Final

import msgspec
import structlog

from ostiary.gateway.replaced_file import replace_file
from ostiary.policy.identifiers import AppId, SessionId

FILE_NAME: Final = "last-use.msgpack"
SAVE_SECONDS: Final = 5.0
MAX_REMEMBERED: Final = 50_000

log = structlog.get_logger(__name__)


class _Use(msgspec.Struct, frozen=True, array_like=True):
    session: SessionId
    app: AppId
    at: float


class LastUse:
    """The moments, by session and app.

    Args:
        path: the file.
        lives: whether a session can still be used; what is known of others is dropped.
    """

    def __init__(self, path: Path, lives: Callable[[SessionId], bool]) -> None:
        self._path = path
        self._lives = lives
        self._used = self._read()
        self._changed = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._timer: asyncio.TimerHandle | None = None

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        """Save now and again from now on, until `stop`."""
        self._loop = loop
        self._timer = loop.call_later(SAVE_SECONDS, self._save_and_go_on)

    def stop(self) -> None:
        """Save, and stop."""
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._loop = None
        self.save()

    def note(self, session: SessionId, app: AppId, at: float) -> None:
        """Remember that a session used an app at `at`, seconds since the epoch."""
        key = (session, app)
        if key not in self._used and len(self._used) >= MAX_REMEMBERED:
            del self._used[next(iter(self._used))]
        self._used[key] = at
        self._changed = True

    def get(self, session: SessionId, app: AppId) -> float | None:
        """Return when a session last used an app; `None` when that is not known."""
        return self._used.get((session, app))

    def save(self) -> None:
        """Write what has changed; what cannot be written is written the next time."""
        if not self._changed:
            return
        self._used = {key: at for key, at in self._used.items() if self._lives(key[0])}
        uses = [_Use(session, app, at) for (session, app), at in self._used.items()]
        try:
            replace_file(self._path, msgspec.msgpack.encode(uses), durable=False)
        except OSError as error:
            log.error("last_use_not_saved", error=str(error))
        else:
            self._changed = False

    def _save_and_go_on(self) -> None:
        self.save()
        if self._loop is not None:
            self._timer = self._loop.call_later(SAVE_SECONDS, self._save_and_go_on)

    def _read(self) -> dict[tuple[SessionId, AppId], float]:
        try:
            uses = msgspec.msgpack.decode(self._path.read_bytes(), type=list[_Use])
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, msgspec.MsgspecError, RecursionError) as error:
            log.error("last_use_unreadable", error=str(error))
            return {}
        return {(use.session, use.app): use.at for use in uses[-MAX_REMEMBERED:]}
