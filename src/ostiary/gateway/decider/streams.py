"""Streams that are open, and their end: what a fresh decision would refuse does not go on.

A WebSocket, an event stream or a call is decided when it begins and then flows past the decision service. So each one that
was let in is remembered with its request and its connection. When facts change, or time may have changed the answer, the
request is decided again, and the connections of those that are refused are destroyed in the kernel. An HTTP/2 connection
carries several streams of one browser; they end together, and the browser asks again for what it still may have.
"""

import asyncio
from collections.abc import Callable, Iterable
from typing import Final, Protocol

import msgspec
import structlog

from ostiary.gateway.decider.check import Verdict
from ostiary.gateway.decider.incoming import Incoming
from ostiary.gateway.decider.sockets import Connection
from ostiary.policy.decision import Allow

LOOK_SECONDS: Final = 1.0
AT_ONCE: Final = 32
"""Streams decided before requests have their turn."""

LOOKED_UP_A_LOOK: Final = 200
"""Streams of which, at each look, the kernel is asked whether they are still there."""

MAX_STREAMS: Final = 100_000
GRACE_SECONDS: Final = 60.0

log = structlog.get_logger(__name__)


class Cutter(Protocol):
    """What finds and ends connections; `Sockets` is one."""

    def find(self, local: str, peer: str) -> Connection | None:
        """Return the connection between two ends."""

    def destroy(self, connection: Connection) -> bool:
        """End it."""

    def close(self) -> None:
        """Stop asking."""


class Stream(msgspec.Struct, frozen=True):
    """One stream that was let in.

    Args:
        incoming: the request that opened it.
        connection: what carries it.
        forgotten_at: when the data plane has ended it at the latest, seconds since the epoch.
        valid_until: the first moment at which time alone could change the answer.
    """

    incoming: Incoming
    connection: Connection
    forgotten_at: float
    valid_until: float | None


class Streams:
    """The streams of one decision service.

    Args:
        cutter: finds and ends connections.
        decide: decides a request as if it were made now; nothing is recorded or counted by it.
        ended: told of each stream that was ended, with what refuses it.
        clock: seconds since the epoch.
        life_seconds: the longest life that the data plane gives to a stream.
    """

    def __init__(
        self,
        *,
        cutter: Cutter,
        decide: Callable[[Incoming, float], Verdict],
        ended: Callable[[Incoming, Verdict, float], None],
        clock: Callable[[], float],
        life_seconds: float,
    ) -> None:
        self._cutter = cutter
        self._decide = decide
        self._ended = ended
        self._clock = clock
        self._life_seconds = life_seconds
        self._streams: dict[int, Stream] = {}
        self._number = 0
        self._looked_up = 0
        self._loop: asyncio.AbstractEventLoop | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._review: asyncio.Task[None] | None = None
        self._again = False

    def __len__(self) -> int:
        """Return how many are remembered."""
        return len(self._streams)

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        """Look at them from now on, on `loop`, until `stop`."""
        self._loop = loop
        self._timer = loop.call_later(LOOK_SECONDS, self._look)

    def stop(self) -> None:
        """Stop looking. What is open stays open until the data plane ends it."""
        for handle in (self._timer, self._review):
            if handle is not None:
                handle.cancel()
        self._timer = self._review = self._loop = None
        self._cutter.close()

    def opened(self, incoming: Incoming, verdict: Verdict, now: float) -> None:
        """Remember a stream that is about to be let in; what is not known to the kernel cannot be ended."""
        local = incoming.headers.get("x-ostiary-local", "")
        if not isinstance(verdict.decision, Allow) or not local or not incoming.peer:
            return
        try:
            connection = self._cutter.find(local, incoming.peer)
        except OSError as error:
            log.warning("stream_not_found", error=str(error))
            return
        if connection is None:
            return
        if len(self._streams) >= MAX_STREAMS:
            self._streams.pop(next(iter(self._streams)))
        self._number += 1
        self._streams[self._number] = Stream(
            incoming, connection, now + self._life_seconds + GRACE_SECONDS, verdict.decision.valid_until
        )

    def facts_changed(self) -> None:
        """Decide every stream again, soon; one review at a time, and once more when facts changed meanwhile."""
        if self._loop is None or not self._streams:
            return
        if self._review is not None and not self._review.done():
            self._again = True
            return
        self._review = self._loop.create_task(self._review_all())

    async def _review_all(self) -> None:
        self._again = True
        while self._again:
            self._again = False
            numbers = list(self._streams)
            for start in range(0, len(numbers), AT_ONCE):
                self._review_some(numbers[start : start + AT_ONCE])
                await asyncio.sleep(0)

    def _review_some(self, numbers: Iterable[int]) -> None:
        now = self._clock()
        for number in numbers:
            stream = self._streams.get(number)
            if stream is None:
                continue
            verdict = self._decide(stream.incoming, now)
            if isinstance(verdict.decision, Allow):
                if verdict.decision.valid_until != stream.valid_until:
                    self._streams[number] = msgspec.structs.replace(stream, valid_until=verdict.decision.valid_until)
                continue
            del self._streams[number]
            self._end(stream, verdict, now)

    def _end(self, stream: Stream, verdict: Verdict, now: float) -> None:
        try:
            was_there = self._cutter.destroy(stream.connection)
        except OSError as error:
            log.error("stream_not_cut", error=str(error), peer=stream.incoming.peer)
            return
        if was_there:
            self._ended(stream.incoming, verdict, now)

    def _look(self) -> None:
        """Decide again what time may have changed; forget what has ended."""
        if self._loop is None:
            return
        self._timer = self._loop.call_later(LOOK_SECONDS, self._look)
        now = self._clock()
        over = [number for number, stream in self._streams.items() if stream.forgotten_at <= now]
        for number in over:
            del self._streams[number]
        due = [n for n, one in self._streams.items() if one.valid_until is not None and one.valid_until <= now]
        self._review_some(due)
        self._forget_closed()

    def _forget_closed(self) -> None:
        """Ask the kernel of some, the longest not asked first, whether they are still there."""
        numbers = [number for number in self._streams if number > self._looked_up][:LOOKED_UP_A_LOOK]
        self._looked_up = numbers[-1] if numbers else 0
        for number in numbers:
            stream = self._streams[number]
            try:
                found = self._cutter.find(stream.incoming.headers["x-ostiary-local"], stream.incoming.peer)
            except OSError:
                return
            if found is None or found.cookie != stream.connection.cookie:
                del self._streams[number]
