"""Looks under way at what of the rules nobody used: in a thread beside the requests, kept for a while in this process.

A thread asks the database nothing. What is found is the same for everybody who may see the rules.
"""

import threading
import time
from collections.abc import Callable
from typing import Final

from ostiary.errors import OstiaryError
from ostiary.rulebook.facade import Standing, UnusedPermissions, find_unused, standing_since

DAY_SECONDS: Final = 86_400.0
KEPT_SECONDS: Final = 600.0
SHORT_SECONDS: Final = 2.0
"""A look that is done by then is shown at once; a longer one says how far it is."""

Find = Callable[[Standing, float, Callable[[float], None]], UnusedPermissions]


class Looking:
    """One look: how far it is, and in the end what it found or why it could not.

    Args:
        number: of the rules that were in force when it began.
        days: how far back it looks.
        began_at: seconds since the epoch.
    """

    def __init__(self, *, number: int, days: int, began_at: float) -> None:
        self.number = number
        self.days = days
        self.began_at = began_at
        self.done = 0.0
        self.found: UnusedPermissions | None = None
        self.problem: OstiaryError | None = None
        self.ended = threading.Event()

    @property
    def percent(self) -> int:
        """How much is done, in whole percent."""
        return int(self.done * 100)

    def reached(self, done: float) -> None:
        """Note how much is done, 0 to 1."""
        self.done = done


class Looks:
    """The looks of this process, one for each number of days; they are done one after the other.

    Args:
        find: does the work.
    """

    def __init__(self, find: Find) -> None:
        self._find = find
        self._kept: dict[int, Looking] = {}
        self._guard = threading.Lock()
        self._turn = threading.Lock()

    def of(self, days: int, number: int) -> Looking:
        """Return a look that is under way or fresh enough, else begin one; wait a moment for its end.

        Args:
            days: how far back; a page offers few numbers, so that few are kept.
            number: of the rules in force.
        """
        now = time.time()
        with self._guard:
            looking = self._kept.get(days)
            if looking is None or not self._is_fresh(looking, number, now):
                looking = self._kept[days] = self._begin(Looking(number=number, days=days, began_at=now))
        looking.ended.wait(SHORT_SECONDS)
        return looking

    def forget(self) -> None:
        """Look afresh next time."""
        with self._guard:
            self._kept.clear()

    def _begin(self, looking: Looking) -> Looking:
        try:
            standing = standing_since(looking.began_at - looking.days * DAY_SECONDS)
        except OstiaryError as error:
            looking.problem = error
            looking.ended.set()
            return looking
        looking.number = standing.current.number
        threading.Thread(target=self._run, args=(looking, standing), name="unused", daemon=True).start()
        return looking

    @staticmethod
    def _is_fresh(looking: Looking, number: int, now: float) -> bool:
        return looking.number == number and looking.problem is None and now - looking.began_at < KEPT_SECONDS

    def _run(self, looking: Looking, standing: Standing) -> None:
        try:
            with self._turn:
                looking.found = self._find(standing, looking.began_at, looking.reached)
        except OstiaryError as error:
            looking.problem = error
        except OSError as error:
            looking.problem = OstiaryError(f"{error.filename or 'What is kept'} cannot be read ({error.strerror}).")
        except Exception as error:
            looking.problem = OstiaryError("What was used cannot be said.", detail=f"{type(error).__name__}: {error}")
            raise
        finally:
            looking.ended.set()


def _find(standing: Standing, until: float, progress: Callable[[float], None]) -> UnusedPermissions:
    return find_unused(since=standing.since, until=until, standing=standing, progress=progress)


LOOKS: Final = Looks(_find)
