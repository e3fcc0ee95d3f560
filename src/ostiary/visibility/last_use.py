"""The latest use of each session among the events indexed lately, until somebody takes it.

It is kept in memory: what a crash loses is one round's worth, and the next request of the session makes up for it.
"""

import threading
from collections.abc import Iterable, Mapping

from ostiary.policy.identifiers import SessionId


class LastUse:
    """Collects in the indexing job's thread, is emptied in another's."""

    def __init__(self) -> None:
        self._latest: dict[SessionId, float] = {}
        self._lock = threading.Lock()

    def note(self, uses: Iterable[tuple[SessionId, float]]) -> None:
        """Keep the latest moment (seconds since the epoch) of each session; noting the same again changes nothing."""
        with self._lock:
            for session, at in uses:
                self._latest[session] = max(at, self._latest.get(session, at))

    def take(self) -> Mapping[SessionId, float]:
        """Return what was noted since the last time, and begin anew."""
        with self._lock:
            taken, self._latest = self._latest, {}
        return taken
