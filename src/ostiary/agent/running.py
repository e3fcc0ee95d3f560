"""What the agent goes on doing until it is told to stop: it keeps the certificate fresh, here and in browsers, and reports."""

import random
import sys
import threading
import time
from collections.abc import Callable
from typing import Final

from ostiary.agent.browsers.keeping import Keeper
from ostiary.agent.folder import Folder
from ostiary.agent.https import Unreachable
from ostiary.agent.instance import Refused
from ostiary.agent.inventory.keeping import InventoryKeeper
from ostiary.agent.life import client_of, renew
from ostiary.agent.pace import LONGEST_PAUSE_SECONDS, pause_seconds, renewal_moment
from ostiary.agent.quoting import Quoting
from ostiary.agent.reporting import FINAL, Reporter, Reporting
from ostiary.agent.tpm import UnusableTpm
from ostiary.devices.domain.answers import Code

LOOK_SECONDS: Final = 10.0
"""How often it is looked at what is due, and at what is quick to look at: a computer that slept has missed moments."""

Say = Callable[[str], None]


class Keeping:
    """Keeps the certificate fresh."""

    def __init__(self, folder: Folder, say: Say) -> None:
        """Be due when half of the certificate's time is over; at once where there is none."""
        self._folder, self._say = folder, say
        self._failures, self._due_at = 0, _due_at(folder)

    def act(self, now: float) -> None:
        """Renew if it is due; `now` in seconds since the epoch. Raises `Refused` where that is for good."""
        set_back = self._failures > 0 and self._due_at > now + 2 * LONGEST_PAUSE_SECONDS
        if now < self._due_at and not set_back:
            return
        try:
            leaf = renew(self._folder)
        except (Unreachable, UnusableTpm, Refused) as error:
            if isinstance(error, Refused) and error.code in FINAL:
                raise
            waiting = isinstance(error, Refused) and error.code == Code.WAITING
            if self._failures == 0 or not waiting:
                self._say(str(error))
            self._failures += 1
            self._due_at = time.time() + pause_seconds(failures=self._failures, chance=random.random(), waiting=waiting)  # noqa: S311 - spreads load
        else:
            self._failures, self._due_at = 0, _due_at(self._folder)
            self._say(f"The certificate is good until {leaf.not_valid_after_utc:%Y-%m-%d %H:%M} UTC.")


def run(folder: Folder, *, stop: threading.Event, say: Say) -> None:
    """Keep the certificate fresh and report, until told to stop.

    Args:
        folder: of an enrolled computer.
        stop: ends it.
        say: is told what happens.

    Raises:
        NotEnrolled, UnusableFolder, Refused: when there is nothing to go on with, or never will be again.
    """
    enrolled = folder.enrolled()
    quoting = Quoting(folder, lambda: client_of(folder, enrolled), say)
    reporting = Reporting(Reporter(folder, inventory=InventoryKeeper()), say)
    chores = (Keeping(folder, say), Keeper(folder, say), reporting, quoting)
    while not stop.is_set():
        for chore in chores:
            if not stop.is_set():
                chore.act(time.time())
        _wait(stop)


def _wait(stop: threading.Event) -> None:
    """Wait until the next look. On Windows nothing that is typed wakes a thread that waits: it looks up twice a second."""
    parts = 20 if sys.platform == "win32" else 1
    for _ in range(parts):
        if stop.wait(LOOK_SECONDS / parts):
            return


def _due_at(folder: Folder) -> float:
    leaf = folder.certificate()
    if leaf is None:
        return 0.0
    begins, ends = leaf.not_valid_before_utc.timestamp(), leaf.not_valid_after_utc.timestamp()
    return renewal_moment(begins_at=begins, ends_at=ends, chance=random.random())  # noqa: S311 - spreads load
