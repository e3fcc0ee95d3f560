"""One request of a program: who asks, whether it may, what it asks, what is decided, on record, answered. In this order.

Nothing is answered that is not on record. Where nothing can be decided (no facts, rules that cannot be used, no record)
the answer is 503: an error is no decision, and a program must treat it as a refusal.
Source: AuthZEN Authorization API 1.0, section 10.
"""

import asyncio
import time
from collections.abc import AsyncIterable, Callable, Sequence
from math import ceil
from typing import Final

import msgspec
import structlog

from ostiary.gateway.decider.answers import Answer
from ostiary.gateway.decider.authzen import metadata
from ostiary.gateway.decider.authzen.asked import (
    REQUEST_ID,
    Asked,
    Knock,
    Refused,
    read_body,
    read_knock,
    require_json,
    require_method,
)
from ostiary.gateway.decider.authzen.callers import Allowances, find_client
from ostiary.gateway.decider.authzen.judging import People, judge
from ostiary.gateway.decider.authzen.messages import Evaluation, Search
from ostiary.gateway.decider.authzen.pages import wanted
from ostiary.gateway.decider.authzen.reading import (
    UnusableMessage,
    read_action_search,
    read_evaluation,
    read_evaluations,
    read_resource_search,
    read_subject_search,
)
from ostiary.gateway.decider.authzen.records import evaluation_event, refusal_event, search_event
from ostiary.gateway.decider.authzen.replies import Json, decision_reply, error, reply, unauthenticated
from ostiary.gateway.decider.authzen.searches import find
from ostiary.gateway.decider.authzen.turns import Turns
from ostiary.gateway.decider.basis import Basis
from ostiary.gateway.decider.budget import Budget
from ostiary.gateway.decider.check import CountryOf, Verdict
from ostiary.gateway.decider.follower import Follower
from ostiary.gateway.decider.incoming import Scope
from ostiary.gateway.decider.metrics import Metrics
from ostiary.gateway.decider.recorder import Recorder
from ostiary.gateway.decider.reference import References
from ostiary.policy.decision import Allow, ReasonCode
from ostiary.policy.snapshot import ClientFact
from ostiary.visibility.adapters.audit_log import RecordUnavailable

RETRY_SECONDS: Final = 5
CANDIDATES_A_QUESTION: Final = 10
"""How many candidates of a search count as one question: they are decided, but not put on record one by one."""

_SEARCHES: Final[dict[str, Callable[[bytes], Search]]] = {
    metadata.SEARCH_SUBJECT: read_subject_search,
    metadata.SEARCH_RESOURCE: read_resource_search,
    metadata.SEARCH_ACTION: read_action_search,
}
_ENDPOINTS: Final = frozenset({metadata.EVALUATION, metadata.EVALUATIONS, *_SEARCHES})
_RETRY: Final = ("retry-after", str(RETRY_SECONDS))

log = structlog.get_logger(__name__)


class AuthzenDoor:
    """Answers programs."""

    def __init__(
        self,
        *,
        follower: Follower,
        recorder: Recorder,
        metrics: Metrics,
        country_of: CountryOf,
        clock: Callable[[], float],
        questions_per_second: float,
    ) -> None:
        self._follower = follower
        self._recorder = recorder
        self._metrics = metrics
        self._country_of = country_of
        self._clock = clock
        self._allowances = Allowances(per_second=questions_per_second)
        self._references = References()
        self._people = People()
        self._budget = Budget()
        self._searching = asyncio.Lock()

    async def answer(self, scope: Scope, body: AsyncIterable[bytes], *, origin: str, gateway: bool = False) -> Answer:
        """Answer one request.

        Args:
            scope: the request.
            body: its body, which is read only when its sender may ask.
            origin: scheme, host and port at which it came, for the discovery document.
            gateway: whether our data plane passes it on.
        """
        knock = read_knock(scope, gateway=gateway)
        try:
            answer = await self._answer(knock, body, origin)
        except Refused as refused:
            answer = refused.answer
        except UnusableMessage as unusable:
            answer = error(400, unusable.message)
        except RecordUnavailable:
            answer = error(503, "The decision cannot be put on record, so none is given.", _RETRY)
        except Exception:
            log.exception("authzen_failed", path=knock.path)
            answer = error(500, "The request could not be decided.")
        self._metrics.authzen(answer.status)
        if knock.number is None:
            return answer
        return msgspec.structs.replace(answer, headers=[*answer.headers, (REQUEST_ID, knock.number)])

    async def _answer(self, knock: Knock, body: AsyncIterable[bytes], origin: str) -> Answer:
        path, headers = knock.path, knock.headers
        if path == metadata.WELL_KNOWN:
            require_method(knock.method, "GET", "HEAD")
            return metadata.configuration(origin)
        if path not in _ENDPOINTS:
            raise Refused(error(404, f"There is nothing at this address. See {metadata.WELL_KNOWN}"))
        require_method(knock.method, "POST")
        client, _ = await self._admit(knock)
        self._charge(client, 1)  # before the body, so that nobody has more of them on the way than it may ask
        require_json(headers.get("content-type", ""))
        content = await read_body(body, headers.get("content-length", ""))
        if path in _SEARCHES:
            async with self._searching:  # one at a time, so that each counts before the next begins
                asked = await self._asked(knock)
                return await self._search(asked, _SEARCHES[path](content))
        asked = await self._asked(knock)
        if path == metadata.EVALUATION:
            (one,) = await self._evaluate(asked, [read_evaluation(content)])
            return reply(one)
        several = read_evaluations(content)
        decisions = await self._evaluate(asked, several.questions, stop_at=_STOP_AT[several.semantic])
        return reply(decisions[0] if several.single else {"evaluations": decisions})

    async def _asked(self, knock: Knock) -> Asked:
        """Return a request that is answered now.

        Who asks is looked up once more: body or turn may have been long in coming, and what was revoked or used up
        meanwhile must not be answered.

        Raises:
            Refused: as `_admit`.
        """
        client, basis = await self._admit(knock, counted=1)
        return Asked(knock, client, basis)

    async def _admit(self, knock: Knock, *, counted: int = 0) -> tuple[ClientFact, Basis]:
        """Return who asks and the facts in force.

        Args:
            knock: the request.
            counted: how many questions of its own have been taken from the allowance.

        Raises:
            Refused: 401 for a token that does not work, 403 for a search by who may not search, 429 for too many
                questions, 503 where nothing can be decided or nobody can tell who asks.
        """
        client, basis = await self._identify(knock)
        wait = self._allowances.wait(client.name, time.monotonic(), counted=counted)
        if wait > 0:
            seconds = str(ceil(wait))
            raise Refused(error(429, f"Too many questions. Wait {seconds} s.", ("retry-after", seconds)))
        if knock.path in _SEARCHES and not client.may_search:
            raise Refused(
                error(403, "This client may ask for decisions, not search. See: ostiary authzen client add --help")
            )
        if basis.trouble is not None:
            raise Refused(error(503, "There are no rules that can be used, so nothing is decided.", _RETRY))
        return client, basis

    async def _identify(self, knock: Knock) -> tuple[ClientFact, Basis]:
        await self._follower.caught_up()
        now = self._clock()
        basis = self._follower.current(now)
        if basis.source is None:
            raise Refused(
                error(503, "The facts to decide on are missing or out of date, so nothing is decided.", _RETRY)
            )
        client = find_client(knock.token, basis.source.clients.clients, now) if knock.token is not None else None
        if client is None:
            if knock.token is not None:
                await self._record_refusal(knock, basis, now)
            raise Refused(unauthenticated(token_given=knock.token is not None))
        return client, basis

    async def _record_refusal(self, knock: Knock, basis: Basis, now: float) -> None:
        """Put a token that does not work on record, unless there were many: nobody fills the disk from outside."""
        if self._budget.take(time.monotonic()):
            await self._recorder.write(refusal_event(knock, basis, reference=self._references.new(), now=now))
        else:
            self._metrics.unrecorded += 1

    def _charge(self, client: ClientFact, questions: int) -> None:
        self._allowances.charge(client.name, questions, time.monotonic())

    async def _evaluate(
        self, asked: Asked, questions: Sequence[Evaluation], *, stop_at: bool | None = None
    ) -> list[Json]:
        """Decide in order, up to and with the first decision that is `stop_at`; put all on record; return them."""
        self._charge(asked.client, len(questions) - 1)
        began, now, turns = time.perf_counter(), self._clock(), Turns()
        verdicts: list[Verdict] = []
        replies: list[Json] = []
        events: list[bytes] = []
        for question in questions:
            await turns.take()
            verdict, reference = self._judge(question, asked.basis, now), self._references.new()
            verdicts.append(verdict)
            events.append(evaluation_event(asked, question, verdict, reference=reference, now=now))
            replies.append(decision_reply(verdict, reference))
            if stop_at is isinstance(verdict.decision, Allow):
                break
        await asyncio.gather(*[self._recorder.write(event) for event in events])
        for verdict in verdicts:
            self._metrics.count(verdict, (time.perf_counter() - began) / len(verdicts))
        return replies

    def _judge(self, question: Evaluation, basis: Basis, now: float) -> Verdict:
        try:
            return judge(question, basis, self._people, now=now, country_of=self._country_of)
        except Exception as failure:
            log.exception("authzen_decision_failed")
            detail = f"{type(failure).__name__}: {failure}"[:500]
            return Verdict(basis.refuse(ReasonCode.ENGINE_ERROR, detail=detail), basis)

    async def _search(self, asked: Asked, search: Search) -> Answer:
        page, now = wanted(search), self._clock()
        found = await find(search, page, asked.basis, self._people, now=now, country_of=self._country_of)
        self._charge(asked.client, found.examined // CANDIDATES_A_QUESTION)
        await self._identify(asked.knock)
        reference = self._references.new()
        await self._recorder.write(search_event(asked, search, found, reference=reference, now=now))
        return reply(
            {
                "page": {"next_token": found.next_token, "count": len(found.results)},
                "context": {
                    "reference": reference,
                    "policy_version": asked.basis.policy_version,
                    "generation": asked.basis.generation,
                },
                "results": found.results,
            }
        )


_STOP_AT: Final[dict[str, bool | None]] = {
    "execute_all": None,
    "deny_on_first_deny": False,
    "permit_on_first_permit": True,
}
