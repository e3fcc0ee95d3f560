"""One request decided, recorded, answered, in this order. What is needed for it is put together in `assembly`.

Nothing is answered that is not on record. The exception are requests that prove no session, beyond a budget: they are
refused, counted, and not written down, so that nobody can fill the disk from outside.
"""

import asyncio
import time
from collections.abc import Callable

import msgspec
import structlog

from ostiary.gateway.decider.alarms import Alarms
from ostiary.gateway.decider.answering import Answering
from ostiary.gateway.decider.answers import Answer
from ostiary.gateway.decider.basis import Basis
from ostiary.gateway.decider.bearers import ReadWorkload
from ostiary.gateway.decider.budget import Budget
from ostiary.gateway.decider.check import CountryOf, Verdict, check, never_used, refuse_workloads
from ostiary.gateway.decider.follower import Follower
from ostiary.gateway.decider.incoming import Incoming, is_long_lived
from ostiary.gateway.decider.last_use import LastUse
from ostiary.gateway.decider.metrics import Metrics
from ostiary.gateway.decider.recorder import Recorder
from ostiary.gateway.decider.reference import References
from ostiary.gateway.decider.signed_in import ReadSession
from ostiary.gateway.decider.streams import Streams
from ostiary.policy.background import is_background
from ostiary.policy.decision import Allow, ReasonCode
from ostiary.visibility.adapters.audit_log import RecordUnavailable
from ostiary.visibility.domain.decision_event import HttpFacts, decision_event

log = structlog.get_logger(__name__)


class Decider:
    """Decides requests."""

    def __init__(
        self,
        *,
        follower: Follower,
        answering: Answering,
        recorder: Recorder,
        metrics: Metrics,
        alarms: Alarms,
        read_session: ReadSession,
        country_of: CountryOf,
        clock: Callable[[], float],
        read_workload: ReadWorkload = refuse_workloads,
    ) -> None:
        self.follower = follower
        self.metrics = metrics
        self.alarms = alarms
        self._answering = answering
        self._recorder = recorder
        self._read_session = read_session
        self._read_workload = read_workload
        self._country_of = country_of
        self._clock = clock
        self.streams: Streams | None = None
        self.last_use: LastUse | None = None
        self._references = References()
        self._budget = Budget()

    def basis(self) -> Basis:
        """Return the facts in force now."""
        return self.follower.current(self._clock())

    async def decide(self, incoming: Incoming, *, grants: bool = True) -> Answer:
        """Decide, record and answer one request.

        Args:
            incoming: the request.
            grants: whether the proxy that asks understands grants.
        """
        began = time.perf_counter()
        await self.follower.caught_up()
        now = self._clock()
        verdict = self._check(incoming, now)
        recorded = verdict.person is not None or verdict.service is not None or self._budget.take(began)
        reference = self._references.new() if recorded else ""
        verdict, answer = self._answer(incoming, verdict, reference=reference, now=now, grants=grants)
        self._note_use(incoming, verdict, now)
        if self.streams is not None and is_long_lived(incoming):
            # Before anything is waited for: facts that change meanwhile find it.
            self.streams.opened(incoming, verdict, now)
        if recorded:
            try:
                await self._recorder.write(event_of(incoming, verdict, answer, reference=reference, now=now))
            except RecordUnavailable:
                verdict, answer = self._unrecorded(incoming, verdict, now)
        else:
            self.metrics.unrecorded += 1
        self.metrics.count(verdict, time.perf_counter() - began)
        return answer

    def decide_again(self, incoming: Incoming, now: float) -> Verdict:
        """Return what a request that was let in would be answered now. Nothing is recorded or counted by it."""
        return self._check(incoming, now)

    def stream_ended(self, incoming: Incoming, verdict: Verdict, now: float) -> None:
        """Put on record that an open stream was ended, and why. It has ended, whether or not that can be written."""
        reference = self._references.new()
        event = event_of(incoming, verdict, None, reference=reference, now=now)
        self._recorder.write(event).add_done_callback(_note_unrecorded)
        self.metrics.streams_cut += 1

    def _check(self, incoming: Incoming, now: float) -> Verdict:
        basis = self.follower.current(now)
        try:
            return check(
                incoming,
                basis,
                now=now,
                read_session=self._read_session,
                country_of=self._country_of,
                read_workload=self._read_workload,
                last_used=self.last_use.get if self.last_use is not None else never_used,
            )
        except Exception as error:
            log.exception("decision_failed", host=incoming.host)
            deny = basis.refuse(ReasonCode.ENGINE_ERROR, detail=f"{type(error).__name__}: {error}"[:500])
            return Verdict(deny, basis, basis.apps.get(incoming.host))

    def _note_use(self, incoming: Incoming, verdict: Verdict, now: float) -> None:
        app, session = verdict.app, verdict.session
        if (
            app is not None
            and app.idle_seconds is not None
            and session is not None
            and self.last_use is not None
            and isinstance(verdict.decision, Allow)
            and not is_background(app.id, incoming.path)
        ):
            self.last_use.note(session.id, app.id, now)

    def _answer(
        self, incoming: Incoming, verdict: Verdict, *, reference: str, now: float, grants: bool
    ) -> tuple[Verdict, Answer]:
        try:
            return self._answering.answer(incoming, verdict, reference=reference, now=now, grants=grants)
        except Exception as error:
            log.exception("answer_failed", host=incoming.host)
            deny = verdict.basis.refuse(ReasonCode.ENGINE_ERROR, detail=f"{type(error).__name__}: {error}"[:500])
            failed = msgspec.structs.replace(verdict, decision=deny)
            return failed, self._answering.refuse(incoming, failed, reference=reference, now=now)

    def _unrecorded(self, incoming: Incoming, verdict: Verdict, now: float) -> tuple[Verdict, Answer]:
        """Whatever was decided: what cannot be put on record does not happen."""
        deny = verdict.basis.refuse(ReasonCode.RECORD_UNAVAILABLE)
        refused = msgspec.structs.replace(verdict, decision=deny)
        return refused, self._answering.refuse(incoming, refused, reference="", now=now)


def _note_unrecorded(written: "asyncio.Future[None]") -> None:
    if not written.cancelled() and (failure := written.exception()) is not None:
        log.error("stream_end_unrecorded", error=str(failure))


def event_of(incoming: Incoming, verdict: Verdict, answer: Answer | None, *, reference: str, now: float) -> bytes:
    """Return what goes on record for one request; without an answer, for a stream that it had opened and that ended.

    Arguments as for `Decider.decide` and `decision_event`.
    """
    headers = incoming.headers
    http = HttpFacts(
        method=incoming.method,
        host=incoming.host,
        path=incoming.path,
        version=headers.get("x-ostiary-protocol", ""),
        user_agent=headers.get("user-agent", ""),
        request_id=headers.get("x-request-id", ""),
        peer=incoming.peer,
        code=0 if answer is None or answer.status == 200 else answer.status,
    )
    return decision_event(
        reference=reference,
        at=now,
        request=verdict.request,
        decision=verdict.decision,
        http=http,
        person=verdict.person,
        service=verdict.service.id if verdict.service is not None else None,
        stream_ended=answer is None,
    )
