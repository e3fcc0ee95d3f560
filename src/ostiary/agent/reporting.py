"""Tells the instance what is true of this computer: now, or whenever it is due, at once when something changed."""

import random
import time
from collections.abc import Callable, Hashable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Final

import msgspec

from ostiary.agent.folder import Folder
from ostiary.agent.https import Unreachable
from ostiary.agent.instance import InstanceClient, Refused
from ostiary.agent.inventory.keeping import InventoryKeeper
from ostiary.agent.life import client_of
from ostiary.agent.outbox import Answered, Looked, keep_waiting, was_sent
from ostiary.agent.pace import LONGEST_PAUSE_SECONDS, pause_seconds, report_moment
from ostiary.agent.posture.computer import ThisComputer
from ostiary.agent.posture.finding import Collector
from ostiary.agent.posture.looking import changed, collectors_here, look_at_all, look_quickly, marks_of
from ostiary.agent.posture.memory import Memory
from ostiary.agent.tpm import UnusableTpm
from ostiary.devices.domain.answers import Code, Taken
from ostiary.devices.domain.messages import SigningKey
from ostiary.devices.domain.posture import Reported

NONCE_GOOD_SECONDS: Final = 600.0
"""How long the number that an answer brings is used; then another is asked for."""
LONGEST_SILENCE_SECONDS: Final = 300.0
"""How long after a failure to try again at the latest: somebody may wait for it."""
INVENTORY: Final = "inventory"
"""How an answer says that it wants to know what is installed."""
FINAL: Final = frozenset({Code.ENDED, Code.UNKNOWN, Code.OTHER_INSTANCE})
"""Refusals that no waiting mends."""

Say = Callable[[str], None]


class Reporter:
    """Looks and reports for one enrolled computer."""

    def __init__(
        self,
        folder: Folder,
        *,
        collectors: Sequence[Collector] | None = None,
        inventory: InventoryKeeper | None = None,
    ) -> None:
        """Look at nothing yet.

        Args:
            folder: of an enrolled computer.
            collectors: what is looked at; everything that this platform has.
            inventory: what is installed; `None` to say nothing of that.
        """
        self._folder = folder
        self._collectors = collectors_here() if collectors is None else collectors
        self._memory = Memory(folder.reports().first_seen)
        self._ahead: float | None = None
        self._told: tuple[Reported, ...] | None = None
        self._marks: tuple[Hashable, ...] = ()
        self._nonce = ("", 0.0)
        self._inventory = inventory

    def look(self) -> Looked:
        """Return everything that can be seen now."""
        now = time.time()
        computer = self._computer(now)
        self._marks = marks_of(computer, self._collectors)
        return Looked(taken_at=int(now), facts=look_at_all(computer, self._collectors))

    def has_changed(self) -> bool:
        """Tell whether anything that is quick to look at is not as the instance was told, or a mark not as at the last look."""
        now = time.time()
        if self._inventory is not None and self._inventory.has_news(now=now):
            return True
        if self._told is None:
            return False
        computer = self._computer(now)
        if marks_of(computer, self._collectors) != self._marks:
            return True
        return changed(self._told, look_quickly(computer, self._collectors))

    def keep_for_later(self) -> None:
        """Look at everything and keep it until the instance can be reached. Raises `UnusableFolder` when it cannot be kept."""
        if self._inventory is not None:
            self._inventory.note()
        looked = self.look()
        with self._folder.held():
            before = self._folder.reports()
            after = keep_waiting(before, looked, known=self._told)
            if after != before:
                self._folder.write_reports(msgspec.structs.replace(after, first_seen=self._memory.first_seen))
        self._told = looked.facts

    def report(self) -> Taken:
        """Look at everything and tell the instance; first what had to wait, the oldest first.

        Raises:
            NotEnrolled, UnusableFolder: when there is nothing to report for.
            Unreachable, UnusableTpm: when it was not told; what changed is kept for the next time.
            Refused: when the instance will not have it.
        """
        looked = self.look()
        digest = self._inventory.digest(now=time.time()) if self._inventory is not None else ""
        with self._folder.held():
            enrolled, key, reports = self._folder.enrolled(), self._folder.key(), self._folder.reports()
            reports = msgspec.structs.replace(reports, first_seen=self._memory.first_seen)
            client = client_of(self._folder, enrolled)

            def send(one: Looked, inventory: str = "") -> Taken:
                return self._send(client, key, enrolled.device, one, inventory)

            try:
                for one in reports.waiting:
                    with _unless_unreadable():
                        send(one)
                    reports = was_sent(reports, one)
                taken = send(looked, digest)
            except (Unreachable, UnusableTpm, Refused) as error:
                if not isinstance(error, Refused) or error.code == Code.UNAVAILABLE:
                    reports = keep_waiting(reports, looked, known=self._told)
                self._told, self._nonce = looked.facts, ("", 0.0)
                self._folder.write_reports(reports)
                raise
            answered = Answered(at=time.time(), compliant=taken.compliant, failing=taken.failing, mend=taken.mend)
            self._folder.write_reports(msgspec.structs.replace(reports, answered=answered))
        self._told = looked.facts
        if self._inventory is not None and INVENTORY in taken.wants:
            # What was not sent is wanted again in the answer to the next report.
            with suppress(Unreachable, UnusableTpm, Refused):
                client.send_inventory(key, device=enrolled.device, digest=digest, packed=self._inventory.packed())
        return taken

    def _send(self, client: InstanceClient, key: SigningKey, device: str, one: Looked, inventory: str) -> Taken:
        nonce, given_at = self._nonce
        again = time.time() - given_at > NONCE_GOOD_SECONDS
        self._nonce = ("", 0.0)
        try:
            taken = client.report(
                key,
                device=device,
                taken_at=one.taken_at,
                facts=one.facts,
                inventory=inventory,
                nonce="" if again else nonce,
            )
        except Refused as error:
            if again or not nonce or error.code != Code.STALE:
                raise
            taken = client.report(key, device=device, taken_at=one.taken_at, facts=one.facts, inventory=inventory)
        self._nonce = (taken.next_nonce, time.time())
        self._ahead = client.ahead_seconds
        return taken

    def _computer(self, now: float) -> ThisComputer:
        return ThisComputer(now=now, ahead_seconds=self._ahead, memory=self._memory)


@contextmanager
def _unless_unreadable() -> Iterator[None]:
    """Let one go that the instance cannot read, however often it is sent: of an earlier agent, or damaged."""
    try:
        yield
    except Refused as error:
        if error.code != Code.INVALID:
            raise


class Reporting:
    """Reports whenever it is due, and at once when something changed."""

    def __init__(self, reporter: Reporter, say: Say) -> None:
        """Be due at once; `say` is told what happens."""
        self._reporter, self._say = reporter, say
        self._due_at, self._failures = 0.0, 0
        self._said: tuple[object, ...] = ()

    def act(self, now: float) -> None:
        """Report if it is due or something changed; `now` in seconds since the epoch. Raises `Refused` where that is for good."""
        due = not now < self._due_at <= now + LONGEST_PAUSE_SECONDS
        if not due:
            if not self._reporter.has_changed():
                return
            if self._failures:
                self._reporter.keep_for_later()
                return
        try:
            taken = self._reporter.report()
        except (Unreachable, UnusableTpm, Refused) as error:
            if isinstance(error, Refused) and error.code in FINAL:
                raise
            if self._failures == 0:
                self._say(str(error))
            self._failures += 1
            waiting = isinstance(error, Refused) and error.code == Code.WAITING
            pause = pause_seconds(failures=self._failures, chance=random.random(), waiting=waiting)  # noqa: S311 - spreads load
            self._due_at = now + min(pause, LONGEST_SILENCE_SECONDS)
        else:
            self._failures = 0
            self._due_at = report_moment(now=now, again_in=taken.again_in, chance=random.random())  # noqa: S311 - spreads load
            self._tell(taken)

    def _tell(self, taken: Taken) -> None:
        said = (taken.compliant, *(one.name for one in taken.failing))
        if said != self._said:
            self._said = said
            self._say(words_of(taken))


def words_of(answer: Taken | Answered) -> str:
    """Return in one line how the computer stands."""
    if answer.compliant is None:
        return "Reported. Nothing is required of this computer."
    if answer.compliant and not answer.failing:
        return "Reported. This computer is as required."
    names = ", ".join(one.name for one in answer.failing)
    return f"Reported. Not as required: {names or 'see the portal'}."
