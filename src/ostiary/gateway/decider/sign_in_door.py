"""Answers the control plane: may this person, in this session, sign in to this app now? Decided, recorded, answered.

Apps that are not behind the gateway are decided here, when they ask the sign-in host who somebody is; the words and the
page of a refusal are those that the gateway itself would show. Source: NIST SP 800-207, section 3.
"""

import time
from collections.abc import AsyncIterable, Callable
from typing import Final

import msgspec
import structlog

from ostiary.gateway.decider.answers import Answer, json_answer, plain, redirect
from ostiary.gateway.decider.basis import Basis
from ostiary.gateway.decider.break_glass import decide_emergency
from ostiary.gateway.decider.check import CountryOf, LastUsed, Verdict, decide_readings, never_used
from ostiary.gateway.decider.follower import Follower
from ostiary.gateway.decider.links import Links
from ostiary.gateway.decider.metrics import Metrics
from ostiary.gateway.decider.proven_device import as_rules_see_it, proven_device, seen_until
from ostiary.gateway.decider.recorder import Recorder
from ostiary.gateway.decider.reference import References
from ostiary.gateway.decider.refusal import Refusals, may_ask_why
from ostiary.gateway.decider.session_limits import limits_end, refuse_beyond
from ostiary.gateway.decider.signed_in import living, subject_of
from ostiary.gateway.decider.stepping_up import Circles, step_up_path
from ostiary.gateway.sign_in_question import SignInQuestion, SignInReply
from ostiary.policy.decision import Allow, Deny, ReasonCode
from ostiary.policy.request import AccessRequest, ActionClass, Context, Resource
from ostiary.policy.terms import holds_until, next_end
from ostiary.visibility.adapters.audit_log import RecordUnavailable
from ostiary.visibility.domain.decision_event import AskedBy, HttpFacts, decision_event

MAX_QUESTION_BYTES: Final = 64 * 1024

log = structlog.get_logger(__name__)


class SignInDoor:
    """Decides sign-ins to apps for the control plane."""

    def __init__(
        self,
        *,
        follower: Follower,
        recorder: Recorder,
        metrics: Metrics,
        refusals: Refusals,
        links: Links,
        country_of: CountryOf,
        clock: Callable[[], float],
        last_used: LastUsed = never_used,
    ) -> None:
        self._follower = follower
        self._recorder = recorder
        self._metrics = metrics
        self._refusals = refusals
        self._links = links
        self._country_of = country_of
        self._clock = clock
        self._last_used = last_used
        self._references = References()
        self._circles = Circles()

    async def answer(self, method: str, body: AsyncIterable[bytes]) -> Answer:
        """Answer one question; what cannot be put on record is not answered.

        Args:
            method: of the request.
            body: the question.
        """
        if method != "POST":
            return plain(405, "Ask with POST.")
        content = bytearray()
        async for part in body:
            content += part
            if len(content) > MAX_QUESTION_BYTES:
                return plain(413, "The question is too long.")
        try:
            question = msgspec.json.decode(bytes(content), type=SignInQuestion)
        except msgspec.MsgspecError:
            return plain(400, "This is no question about a sign-in.")
        try:
            return json_answer(200, await self._decide(question))
        except RecordUnavailable:
            return plain(503, "The decision cannot be put on record, so none is given.")

    async def _decide(self, question: SignInQuestion) -> SignInReply:
        began = time.perf_counter()
        await self._follower.caught_up()
        now, reference = self._clock(), self._references.new()
        verdict = self._judge(question, now)
        reply = self._reply(question, verdict, reference, now)
        await self._recorder.write(_event(question, verdict, reply, now))
        self._metrics.count(verdict, time.perf_counter() - began)
        return reply

    def _judge(self, question: SignInQuestion, now: float) -> Verdict:
        basis = self._follower.current(now)
        try:
            return judge(question, basis, now=now, country_of=self._country_of, last_used=self._last_used)
        except Exception as error:
            log.exception("sign_in_decision_failed", app=question.app)
            detail = f"{type(error).__name__}: {error}"[:500]
            return Verdict(basis.refuse(ReasonCode.ENGINE_ERROR, detail=detail), basis)

    def _reply(self, question: SignInQuestion, verdict: Verdict, reference: str, now: float) -> SignInReply:
        deny = verdict.decision
        if not isinstance(deny, Deny) or not question.page:
            return SignInReply(decision=deny, reference=reference, status=403 if isinstance(deny, Deny) else 200)
        answer = self._refuse(question, verdict, deny, reference, now)
        return SignInReply(
            decision=deny, reference=reference, status=answer.status, headers=answer.headers, body=answer.body
        )

    def _refuse(self, question: SignInQuestion, verdict: Verdict, deny: Deny, reference: str, now: float) -> Answer:
        app, step_up = verdict.app, step_up_path(deny)
        if step_up and app is not None and self._circles.may_send(question.session, app.id, now):
            return redirect(self._links.remedy(step_up, app.id, question.return_path))
        asks_why = verdict.person is not None and may_ask_why(verdict.person.groups)
        return self._refusals.page(deny, app, return_path=question.return_path, reference=reference, asks_why=asks_why)


def judge(
    question: SignInQuestion, basis: Basis, *, now: float, country_of: CountryOf, last_used: LastUsed = never_used
) -> Verdict:
    """Decide one question, as a request for the app's first page would be.

    How an app elsewhere is used is not seen here: for its limit on idleness the last proof counts as the last use.

    Args:
        question: who asks for what.
        basis: the facts to decide on.
        now: seconds since the epoch.
        country_of: the country of an address, or `None`.
        last_used: when a session last used an app behind the gateway, or `None`.
    """
    app = basis.apps_by_id.get(question.app)
    if basis.trouble is not None or basis.engine is None:
        reason = basis.trouble.reason if basis.trouble is not None else ReasonCode.STALE_FACTS
        return Verdict(basis.refuse(reason), basis, app)
    if app is None:
        return Verdict(basis.refuse(ReasonCode.UNKNOWN_RESOURCE), basis)
    session, person, reason = living(basis, question.person, question.session, now=now)
    if session is None or person is None:
        return Verdict(basis.refuse(reason), basis, app, person=person)
    address = question.address or None
    device = proven_device(question.certificate, basis.certificates, now)
    request = AccessRequest(
        subject=basis.subjects.get(session.id) or subject_of(basis, session, person),
        action=ActionClass.VIEW,
        resource=Resource(app=app.id, labels=frozenset(app.labels)),
        device=as_rules_see_it(device.fact if device is not None else None, person.id, basis.devices, now),
        context=Context(address=address, country=country_of(address), risk=max(person.risk, session.risk)),
    )
    emergency = decide_emergency(app, session, basis, now)
    decision = emergency or decide_readings(basis, request, ("/",), now)
    end = limits_end(app, session, last_used(session.id, app.id), now) if emergency is None else None
    if end is not None and isinstance(decision, Allow):
        decision = holds_until(decision, end[0]) if now < end[0] else refuse_beyond(end[1], app, basis)
    decision = holds_until(decision, seen_until(device, basis.devices, now))
    return Verdict(holds_until(decision, next_end(person, now)), basis, app, session, person, request)


def _event(question: SignInQuestion, verdict: Verdict, reply: SignInReply, now: float) -> bytes:
    return decision_event(
        reference=reply.reference,
        at=now,
        request=verdict.request,
        decision=verdict.decision,
        http=HttpFacts(
            method=question.method,
            host=question.host,
            path=question.path,
            user_agent=question.user_agent,
            request_id=question.request_id,
            code=0 if reply.status == 200 else reply.status,
        ),
        person=verdict.person,
        asked_by=AskedBy(client=question.asked_by, subject=question.person) if question.asked_by else None,
    )
