"""What takes long, and its end: what a fresh decision would refuse does not go on.

A WebSocket, an event stream or a call is decided when it begins and then flows past the decision service. So each one that
was let in is remembered with its request and its connection. When facts change, or time may have changed the answer, the
request is decided again, and the connections of those that are refused are destroyed in the kernel. An HTTP/2 connection
carries several streams of one browser; they end together, and the browser asks again for what it still may have.

What this process did not let in itself, for it came on a grant or before the process began, the data plane reports as soon
as it takes long: `gateway.under_way`. It is decided then, and remembered like the rest as long as it is reported.
"""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from typing import Final, Protocol
from urllib.parse import unquote

import msgspec
import structlog

from ostiary.gateway.decider.check import Verdict
from ostiary.gateway.decider.cookies import Cookies
from ostiary.gateway.decider.incoming import Incoming, LetIn, read_host
from ostiary.gateway.decider.sockets import Connection
from ostiary.gateway.under_way import REPORT_SECONDS, UnderWay
from ostiary.policy.decision import Allow
from ostiary.policy.identifiers import SessionId

LOOK_SECONDS: Final = 1.0
AT_ONCE: Final = 32
"""Streams decided before requests have their turn."""

LOOKED_UP_A_LOOK: Final = 200
"""Streams of which, at each look, the kernel is asked whether they are still there."""

MAX_STREAMS: Final = 100_000
GRACE_SECONDS: Final = 60.0
UNREPORTED_SECONDS: Final = 4.0 * REPORT_SECONDS
"""What was reported once and then for so long not again is over."""

log = structlog.get_logger(__name__)


class Cutter(Protocol):
    """What finds and ends connections; `Sockets` is one."""

    def find(self, local: str, peer: str) -> Connection | None:
        """Return the connection between two ends."""

    def destroy(self, connection: Connection) -> bool:
        """End it."""

    def close(self) -> None:
        """Stop asking."""


class Reporter(Protocol):
    """What tells of requests that are under way; `Reports` is one."""

    def new(self) -> Sequence[UnderWay]:
        """Return what was reported since the last call."""


class Stream(msgspec.Struct, frozen=True):
    """One stream that was let in, or another request that takes long.

    Args:
        incoming: the request that opened it.
        connection: what carries it.
        forgotten_at: when it is over at the latest, seconds since the epoch.
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
        reports: what the data plane says is under way.
    """

    def __init__(
        self,
        *,
        cutter: Cutter,
        decide: Callable[[Incoming, float], Verdict],
        ended: Callable[[Incoming, Verdict, float], None],
        clock: Callable[[], float],
        life_seconds: float,
        reports: Reporter | None = None,
    ) -> None:
        self._cutter = cutter
        self._decide = decide
        self._ended = ended
        self._clock = clock
        self._life_seconds = life_seconds
        self._reports = reports
        self._streams: dict[int, Stream] = {}
        self._numbers: dict[str, int] = {}
        self._number = 0
        self._looked_up = 0
        self._loop: asyncio.AbstractEventLoop | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._review: asyncio.Task[None] | None = None
        self._reading: asyncio.Task[None] | None = None
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
        for handle in (self._timer, self._review, self._reading):
            if handle is not None:
                handle.cancel()
        self._timer = self._review = self._reading = self._loop = None
        self._cutter.close()

    def opened(self, incoming: Incoming, verdict: Verdict, now: float) -> None:
        """Remember a stream that is about to be let in; what is not known to the kernel cannot be ended."""
        connection = self._connection_of(incoming)
        if connection is not None and isinstance(verdict.decision, Allow):
            until = now + self._life_seconds + GRACE_SECONDS
            device = verdict.request.device if verdict.request is not None else None
            if device is not None and device.managed:
                incoming = msgspec.structs.replace(incoming, from_device=True)
            self._remember(Stream(incoming, connection, until, verdict.decision.valid_until))

    def reported(self, report: UnderWay, now: float) -> None:
        """Remember a request that the data plane says is under way; end it when it would be refused now."""
        until = now + UNREPORTED_SECONDS
        number = self._numbers.get(report.request)
        if number is not None:
            self._streams[number] = msgspec.structs.replace(self._streams[number], forgotten_at=until)
            return
        incoming = incoming_of(report)
        connection = self._connection_of(incoming)
        if connection is None:
            return
        verdict = self._decide(incoming, now)
        if isinstance(verdict.decision, Allow):
            if verdict.person is not None:
                known = LetIn(session=SessionId(report.session), person=verdict.person.id)
                incoming = msgspec.structs.replace(incoming, let_in=known)
            self._remember(Stream(incoming, connection, until, verdict.decision.valid_until))
        else:
            self._end(Stream(incoming, connection, until, None), verdict, now)

    def _connection_of(self, incoming: Incoming) -> Connection | None:
        local = incoming.headers.get("x-ostiary-local", "")
        if not local or not incoming.peer:
            return None
        try:
            return self._cutter.find(local, incoming.peer)
        except OSError as error:
            log.warning("stream_not_found", error=str(error))
            return None

    def _remember(self, stream: Stream) -> None:
        if len(self._streams) >= MAX_STREAMS:
            self._forget(next(iter(self._streams)))
        self._number += 1
        self._streams[self._number] = stream
        if request := stream.incoming.headers.get("x-request-id"):
            self._numbers[request] = self._number

    def _forget(self, number: int) -> None:
        stream = self._streams.pop(number)
        request = stream.incoming.headers.get("x-request-id", "")
        if self._numbers.get(request) == number:
            del self._numbers[request]

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
            self._forget(number)
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
        self._read_reports()
        over = [number for number, stream in self._streams.items() if stream.forgotten_at <= now]
        for number in over:
            self._forget(number)
        due = [n for n, one in self._streams.items() if one.valid_until is not None and one.valid_until <= now]
        self._review_some(due)
        self._forget_closed()

    def _read_reports(self) -> None:
        if self._reports is None or self._loop is None or (self._reading is not None and not self._reading.done()):
            return
        try:
            reports = self._reports.new()
        except OSError as error:
            log.error("under_way_not_read", error=str(error))
            return
        if reports:
            self._reading = self._loop.create_task(self._take(reports))

    async def _take(self, reports: Sequence[UnderWay]) -> None:
        for start in range(0, len(reports), AT_ONCE):
            now = self._clock()
            for report in reports[start : start + AT_ONCE]:
                self.reported(report, now)
            await asyncio.sleep(0)

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
                self._forget(number)


def incoming_of(report: UnderWay) -> Incoming:
    """Return a request that is under way as it was when it came, as far as a decision reads it."""
    return Incoming(
        method=report.method,
        host=read_host(report.host),
        path=unquote(report.path),
        query="",
        headers={
            "host": report.host,
            "x-ostiary-local": report.local,
            "x-ostiary-protocol": report.protocol,
            "x-request-id": report.request,
        },
        cookies=Cookies(),
        address=report.client or None,
        peer=report.peer,
        let_in=LetIn(session=SessionId(report.session)),
        certificate=report.certificate,
        from_device=report.from_device,
    )
