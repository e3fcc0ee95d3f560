"""One request decided, recorded, answered, in this order. What is needed for it is put together in `assembly`.

Nothing is answered that is not on record. The exception are requests that prove no session, beyond a budget: they are
refused, counted, and not written down, so that nobody can fill the disk from outside.
"""

import time
from collections.abc import Callable

import msgspec
import structlog

from ostiary.gateway.decider.alarms import Alarms
from ostiary.gateway.decider.answering import Answering
from ostiary.gateway.decider.answers import Answer
from ostiary.gateway.decider.basis import Basis
from ostiary.gateway.decider.budget import Budget
from ostiary.gateway.decider.check import CountryOf, ReadSession, Verdict, check
from ostiary.gateway.decider.follower import Follower
from ostiary.gateway.decider.incoming import Incoming
from ostiary.gateway.decider.metrics import Metrics
from ostiary.gateway.decider.recorder import Recorder
from ostiary.gateway.decider.reference import References
from ostiary.policy.decision import ReasonCode
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
    ) -> None:
        self.follower = follower
        self.metrics = metrics
        self.alarms = alarms
        self._answering = answering
        self._recorder = recorder
        self._read_session = read_session
        self._country_of = country_of
        self._clock = clock
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
        recorded = verdict.person is not None or self._budget.take(began)
        reference = self._references.new() if recorded else ""
        verdict, answer = self._answer(incoming, verdict, reference=reference, now=now, grants=grants)
        if recorded:
            try:
                await self._recorder.write(event_of(incoming, verdict, answer, reference=reference, now=now))
            except RecordUnavailable:
                verdict, answer = self._unrecorded(incoming, verdict, now)
        else:
            self.metrics.unrecorded += 1
        self.metrics.count(verdict, time.perf_counter() - began)
        return answer

    def _check(self, incoming: Incoming, now: float) -> Verdict:
        basis = self.follower.current(now)
        try:
            return check(incoming, basis, now=now, read_session=self._read_session, country_of=self._country_of)
        except Exception as error:
            log.exception("decision_failed", host=incoming.host)
            deny = basis.refuse(ReasonCode.ENGINE_ERROR, detail=f"{type(error).__name__}: {error}"[:500])
            return Verdict(deny, basis, basis.apps.get(incoming.host))

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


def event_of(incoming: Incoming, verdict: Verdict, answer: Answer, *, reference: str, now: float) -> bytes:
    """Return what goes on record for one request; arguments as for `Decider.decide` and `decision_event`."""
    headers = incoming.headers
    http = HttpFacts(
        method=incoming.method,
        host=incoming.host,
        path=incoming.path,
        version=headers.get("x-ostiary-protocol", ""),
        user_agent=headers.get("user-agent", ""),
        request_id=headers.get("x-request-id", ""),
        peer=incoming.peer,
        code=0 if answer.status == 200 else answer.status,
    )
    return decision_event(
        reference=reference,
        at=now,
        request=verdict.request,
        decision=verdict.decision,
        http=http,
        person=verdict.person,
    )
