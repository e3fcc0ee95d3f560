"""Keeps the basis of decisions up to date: wakes on a new snapshot, builds beside the requests, swaps at once.

A new basis is built in a thread and put in place between two requests. A request that comes after new facts were
published waits for them: `caught_up`. Whether the facts are still believed depends on the heartbeat, which is looked at
every second and whenever something in the folder changes.
"""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Final

import structlog

from ostiary.errors import OstiaryError
from ostiary.gateway.decider.alarms import Alarms
from ostiary.gateway.decider.basis import Basis, Trouble, build_basis, without_facts
from ostiary.gateway.folder_watch import FolderWatch
from ostiary.gateway.heartbeat import FUTURE_TOLERANCE_SECONDS, read_heartbeat
from ostiary.gateway.snapshot_reader import FileIdentity, SnapshotReader
from ostiary.gateway.snapshots import FactsUnusable
from ostiary.policy.decision import ReasonCode

LOOK_SECONDS: Final = 1.0
_ALARMS: Final = ("facts_unusable", "rules_broken")
_UNCONFIRMED: Final = "facts_unconfirmed"
_UNCONFIRMED_WORDS: Final = (
    "Nobody has confirmed the facts lately, so everything is refused. Is the worker running? See: ostiary status"
)

log = structlog.get_logger(__name__)


class Follower:
    """Gives the basis to decide on now.

    Args:
        folder: the facts folder.
        max_age_seconds: the oldest heartbeat on which facts are believed.
        issuer: the sign-in host's URL.
        alarms: told when there is nothing to decide on.
        clock: seconds since the epoch.
    """

    def __init__(
        self, folder: Path, *, max_age_seconds: float, issuer: str, alarms: Alarms, clock: Callable[[], float]
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._folder = folder
        self._max_age_seconds = max_age_seconds
        self._issuer = issuer
        self._alarms = alarms
        self._clock = clock
        self._reader = SnapshotReader(folder, max_age_seconds=max_age_seconds)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._watch: FolderWatch | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._building = False
        self._again = False
        self._waiting: list[asyncio.Future[None]] = []
        self._in_force: FileIdentity = None
        self.changed: Callable[[], None] = _nobody
        self.basis = without_facts(FactsUnusable("No facts have been read yet."))
        self.beaten_at: float | None = None
        self.believed_from = 0.0
        self.believed_until = 0.0

    def load(self) -> None:
        """Read what is there, now."""
        self._look_at_heartbeat()
        self._put(self._read(force=True) or self.basis)
        self._in_force = self._reader.identity

    def follow(self, loop: asyncio.AbstractEventLoop) -> None:
        """Go on reading, on `loop`, until `stop`."""
        self._loop = loop
        try:
            self._watch = FolderWatch(self._folder)
            loop.add_reader(self._watch.fileno(), self._woken)
        except OSError as error:
            log.warning("facts_polled", reason=str(error))
        self._tick()

    def stop(self) -> None:
        """Stop reading."""
        if self._timer is not None:
            self._timer.cancel()
        if self._watch is not None and self._loop is not None:
            self._loop.remove_reader(self._watch.fileno())
            self._watch.close()
        self._timer = self._watch = self._loop = None

    async def caught_up(self) -> None:
        """Return when the basis is at least as new as the facts that are published at this moment.

        The data plane may learn of a revocation before this process does; what it then asks must not be answered on
        the facts from before. Costs one `stat` when nothing is new.
        """
        for _ in range(2):  # the first build may have begun before this request came
            if self._loop is None or self._reader.identity_now() == self._in_force:
                return
            self._rebuild(force=True)
            waiter = self._loop.create_future()
            self._waiting.append(waiter)
            await waiter

    def current(self, now: float) -> Basis:
        """Return the basis for a decision at `now` (seconds since the epoch); one in trouble when not believed."""
        if self.believed_from <= now <= self.believed_until:
            return self.basis
        return Basis(
            generation=self.basis.generation,
            policy_version=self.basis.policy_version,
            apps=self.basis.apps,
            trouble=Trouble(ReasonCode.STALE_FACTS, _UNCONFIRMED, _UNCONFIRMED_WORDS),
        )

    def _woken(self) -> None:
        if self._watch is not None and self._watch.drain():
            self._look_at_heartbeat()
            self._rebuild(force=True)

    def _tick(self) -> None:
        if self._loop is None:
            return
        self._look_at_heartbeat()
        self._rebuild(force=False)
        self._timer = self._loop.call_later(LOOK_SECONDS, self._tick)

    def _look_at_heartbeat(self) -> None:
        self.beaten_at = beaten_at = read_heartbeat(self._folder)
        if beaten_at is None:
            self.believed_from = self.believed_until = 0.0
        else:
            self.believed_from = beaten_at - FUTURE_TOLERANCE_SECONDS
            self.believed_until = beaten_at + self._max_age_seconds
        if self.believed_from <= self._clock() <= self.believed_until:
            self._alarms.silence(_UNCONFIRMED)
        else:
            self._alarms.sound(_UNCONFIRMED, _UNCONFIRMED_WORDS)

    def _rebuild(self, *, force: bool) -> None:
        """Build in a thread; one at a time, and once more when something changed meanwhile."""
        if self._loop is None:
            return
        if self._building:
            self._again = self._again or force
            return
        self._building = True
        self._loop.run_in_executor(None, self._read, force).add_done_callback(self._built)

    def _built(self, future: "asyncio.Future[Basis | None]") -> None:
        self._building = False
        if future.cancelled():
            return
        error = future.exception()
        if error is not None:
            self._put(_cannot_build(error))
        elif (basis := future.result()) is not None:
            self._put(basis)
        self._in_force = self._reader.identity
        waiting, self._waiting = self._waiting, []
        for waiter in waiting:
            if not waiter.done():
                waiter.set_result(None)
        if self._again:
            self._again = False
            self._rebuild(force=True)

    def _read(self, force: bool) -> Basis | None:
        """Return the basis for what is in the folder, or `None` when it is still the same."""
        if not self._reader.refresh(force=force):
            return None
        try:
            snapshot = self._reader.unconfirmed()
        except FactsUnusable as error:
            return without_facts(error)
        try:
            return build_basis(snapshot, self.basis, issuer=self._issuer)
        except OstiaryError as error:
            return _cannot_build(error)

    def _put(self, basis: Basis) -> None:
        self.basis = basis
        trouble = basis.trouble
        for code in _ALARMS:
            if trouble is None or trouble.alarm != code:
                self._alarms.silence(code)
        if trouble is not None:
            self._alarms.sound(trouble.alarm, trouble.words)
        log.info("facts_in_force", generation=basis.generation, usable=trouble is None)
        self.changed()


def _nobody() -> None:
    """Nobody wants to know that facts changed."""


def _cannot_build(error: BaseException) -> Basis:
    log.error("facts_not_built", error=repr(error))
    words = "The published facts cannot be used, so everything is refused. See: ostiary status"
    return Basis(trouble=Trouble(ReasonCode.ENGINE_ERROR, "rules_broken", words))
