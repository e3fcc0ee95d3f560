"""Replays under way: each in a thread beside the requests, one after the other, so that the console stays usable.

A thread asks the database nothing. What it found is kept for whoever asked, for a while and in this process alone: nothing
of it is on the disk. A replay that nobody can look at any more stops.
"""

import re
import threading
import uuid
from collections import OrderedDict
from collections.abc import Callable
from typing import Final

from ostiary.errors import OstiaryError
from ostiary.policy.identifiers import PersonId
from ostiary.rulebook.facade import AppliedRules, ReplayReport

MAX_KEPT: Final = 20
_ID: Final = re.compile(r"[0-9a-f]{32}", re.ASCII)

Work = Callable[[Callable[[float], None]], ReplayReport]


class Forgotten(OstiaryError):
    """Nobody can look at a replay any more."""


class Replaying:
    """One replay: how far it is, and in the end what it found or why it could not.

    Args:
        asked_by: who may look at it.
        in_force: the rules that it compares with.
        days: how far back it looks.
    """

    def __init__(self, *, asked_by: PersonId, in_force: AppliedRules, days: int) -> None:
        self.id = uuid.uuid4().hex
        self.asked_by = asked_by
        self.in_force = in_force
        self.days = days
        self.done = 0.0
        self.report: ReplayReport | None = None
        self.problem: OstiaryError | None = None
        self.forgotten = False
        self.ended = threading.Event()

    @property
    def percent(self) -> int:
        """How much is done, in whole percent."""
        return int(self.done * 100)

    def reached(self, done: float) -> None:
        """Note how much is done, 0 to 1.

        Raises:
            Forgotten: when there is nobody to tell it to.
        """
        if self.forgotten:
            raise Forgotten("Newer replays took the place of this one.")
        self.done = done


def is_replay_id(text: str) -> bool:
    """Whether a text could be the id of a replay, of this process or an earlier one."""
    return _ID.fullmatch(text) is not None


class Replays:
    """The replays of this process; the oldest are forgotten."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, Replaying] = OrderedDict()
        self._guard = threading.Lock()
        self._turn = threading.Lock()

    def start(self, replaying: Replaying, work: Work) -> None:
        """Begin, and return at once.

        Args:
            replaying: what is to be told.
            work: does it; is given what to tell how much is done.
        """
        with self._guard:
            self._kept[replaying.id] = replaying
            while len(self._kept) > MAX_KEPT:
                _, oldest = self._kept.popitem(last=False)
                oldest.forgotten = True
        threading.Thread(target=self._run, args=(replaying, work), name="replay", daemon=True).start()

    def find(self, replay_id: str, asked_by: PersonId) -> Replaying | None:
        """Return a replay that this person asked for; `None` when there is none, or it was forgotten."""
        found = self._kept.get(replay_id)
        return found if found is not None and found.asked_by == asked_by else None

    def _run(self, replaying: Replaying, work: Work) -> None:
        try:
            with self._turn:
                replaying.reached(0.0)
                replaying.report = work(replaying.reached)
        except OstiaryError as error:
            replaying.problem = error
        except OSError as error:
            replaying.problem = OstiaryError(f"{error.filename or 'What is kept'} cannot be read ({error.strerror}).")
        except Exception as error:
            replaying.problem = OstiaryError("The replay failed.", detail=f"{type(error).__name__}: {error}")
            raise
        finally:
            replaying.ended.set()


REPLAYS: Final = Replays()
