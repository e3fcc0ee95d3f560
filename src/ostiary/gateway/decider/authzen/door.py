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
from ostiary.gateway.decider.authzen.callers import Allowances, bearer_token, find_client
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
from ostiary.gateway.decider.authzen.records import evaluation_event, search_event
from ostiary.gateway.decider.authzen.replies import Json, decision_reply, error, reply, unauthenticated
from ostiary.gateway.decider.authzen.searches import find
from ostiary.gateway.decider.basis import Basis
from ostiary.gateway.decider.check import CountryOf, Verdict
from ostiary.gateway.decider.follower import Follower
from ostiary.gateway.decider.incoming import Scope, read_headers
from ostiary.gateway.decider.metrics import Metrics
from ostiary.gateway.decider.recorder import Recorder
from ostiary.gateway.decider.reference import References
from ostiary.policy.decision import Allow, ReasonCode
from ostiary.policy.snapshot import ClientFact
from ostiary.visibility.adapters.audit_log import RecordUnavailable

MAX_BODY_BYTES: Final = 256 * 1024
BODY_SECONDS: Final = 10.0
RETRY_SECONDS: Final = 5
CANDIDATES_A_QUESTION: Final = 10
"""How many candidates of a search count as one question: they are decided, but not put on record one by one."""

REQUEST_ID: Final = "x-request-id"
_SEARCHES: Final[dict[str, Callable[[bytes], Search]]] = {
    metadata.SEARCH_SUBJECT: read_subject_search,
    metadata.SEARCH_RESOURCE: read_resource_search,
    metadata.SEARCH_ACTION: read_action_search,
}
_ENDPOINTS: Final = frozenset({metadata.EVALUATION, metadata.EVALUATIONS, *_SEARCHES})
_RETRY: Final = ("retry-after", str(RETRY_SECONDS))

log = structlog.get_logger(__name__)


class Refused(Exception):
    """A request gets an error instead of a decision.

    Args:
        answer: what is sent.
    """

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.status)
        self.answer = answer


class Asked(msgspec.Struct, frozen=True):
    """A request of a client that may make it.

    Args:
        path: which endpoint.
        client: who asks.
        basis: the facts to decide on.
        body: at most `MAX_BODY_BYTES`.
        request_id: as the client numbered it.
        user_agent: as sent.
    """

    path: str
    client: ClientFact
    basis: Basis
    body: bytes
    request_id: str
    user_agent: str


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

    async def answer(
        self, scope: Scope, body: AsyncIterable[bytes], *, origin: str, number_in: str = REQUEST_ID
    ) -> Answer:
        """Answer one request.

        Args:
            scope: the request.
            body: its body, which is read only when its sender may ask.
            origin: scheme, host and port at which it came, for the discovery document.
            number_in: the header that holds the number which the program gave its request.
        """
        headers = read_headers(scope.headers)
        given = headers.get(number_in)
        try:
            answer = await self._answer(scope, headers, body, origin, given or "")
        except Refused as refused:
            answer = refused.answer
        except UnusableMessage as unusable:
            answer = error(400, unusable.message)
        except RecordUnavailable:
            answer = error(503, "The decision cannot be put on record, so none is given.", _RETRY)
        except Exception:
            log.exception("authzen_failed", path=scope.path)
            answer = error(500, "The request could not be decided.")
        self._metrics.authzen(answer.status)
        return (
            answer if given is None else msgspec.structs.replace(answer, headers=[*answer.headers, (REQUEST_ID, given)])
        )

    async def _answer(
        self, scope: Scope, headers: dict[str, str], body: AsyncIterable[bytes], origin: str, number: str
    ) -> Answer:
        if scope.path == metadata.WELL_KNOWN:
            _require_method(scope.method, "GET", "HEAD")
            return metadata.configuration(origin)
        if scope.path not in _ENDPOINTS:
            raise Refused(error(404, f"There is nothing at this address. See {metadata.WELL_KNOWN}"))
        _require_method(scope.method, "POST")
        await self._admit(scope.path, headers)
        _require_json(headers.get("content-type", ""))
        content = await _read(body, headers.get("content-length", ""))
        # Once more: the body may have taken its time, and what was revoked meanwhile must not be answered.
        client, basis = await self._admit(scope.path, headers)
        asked = Asked(scope.path, client, basis, content, number[:512], headers.get("user-agent", ""))
        if scope.path in _SEARCHES:
            return await self._search(asked, _SEARCHES[scope.path](content))
        if scope.path == metadata.EVALUATION:
            (one,) = await self._evaluate(asked, [read_evaluation(content)])
            return reply(one)
        several = read_evaluations(content)
        decisions = await self._evaluate(asked, several.questions, stop_at=_STOP_AT[several.semantic])
        return reply(decisions[0] if several.single else {"evaluations": decisions})

    async def _admit(self, path: str, headers: dict[str, str]) -> tuple[ClientFact, Basis]:
        """Return who asks and the facts in force.

        Raises:
            Refused: 401 for a token that does not work, 403 for a search by who may not search, 429 for too many
                questions, 503 where nothing can be decided or nobody can tell who asks.
        """
        await self._follower.caught_up()
        now = self._clock()
        basis = self._follower.current(now)
        if basis.source is None:
            raise Refused(
                error(503, "The facts to decide on are missing or out of date, so nothing is decided.", _RETRY)
            )
        token = bearer_token(headers.get("authorization", ""))
        client = find_client(token, basis.source.clients.clients, now) if token is not None else None
        if client is None:
            raise Refused(unauthenticated(token_given=token is not None))
        wait = self._allowances.wait(client.name, time.monotonic())
        if wait > 0:
            seconds = str(ceil(wait))
            raise Refused(error(429, f"Too many questions. Wait {seconds} s.", ("retry-after", seconds)))
        if path in _SEARCHES and not client.may_search:
            raise Refused(
                error(403, "This client may ask for decisions, not search. See: ostiary authzen client add --help")
            )
        if basis.trouble is not None:
            raise Refused(error(503, "There are no rules that can be used, so nothing is decided.", _RETRY))
        return client, basis

    async def _evaluate(
        self, asked: Asked, questions: Sequence[Evaluation], *, stop_at: bool | None = None
    ) -> list[Json]:
        """Decide in order, up to and with the first decision that is `stop_at`; put all on record; return them."""
        began, now = time.perf_counter(), self._clock()
        verdicts: list[Verdict] = []
        replies: list[Json] = []
        events: list[bytes] = []
        for question in questions:
            verdict, reference = self._judge(question, asked.basis, now), self._references.new()
            verdicts.append(verdict)
            events.append(evaluation_event(asked, question, verdict, reference=reference, now=now))
            replies.append(decision_reply(verdict, reference))
            if stop_at is isinstance(verdict.decision, Allow):
                break
        self._allowances.charge(asked.client.name, len(replies), time.monotonic())
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
        now = self._clock()
        found = await find(search, wanted(search), asked.basis, self._people, now=now, country_of=self._country_of)
        self._allowances.charge(asked.client.name, 1 + found.examined // CANDIDATES_A_QUESTION, time.monotonic())
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


def _require_method(method: str, *allowed: str) -> None:
    if method not in allowed:
        raise Refused(error(405, f"Ask with {' or '.join(allowed)}.", ("allow", ", ".join(allowed))))


def _require_json(content_type: str) -> None:
    if content_type.partition(";")[0].strip().lower() != "application/json":
        raise Refused(error(400, "Send JSON, with the header Content-Type: application/json"))


async def _read(body: AsyncIterable[bytes], length: str) -> bytes:
    """Return the body.

    Raises:
        Refused: when it is too long, or takes too long.
    """
    too_long = Refused(error(413, f"The body is longer than {MAX_BODY_BYTES} bytes. Ask in parts."))
    if length.isascii() and length.isdigit() and (len(length) > 9 or int(length) > MAX_BODY_BYTES):
        raise too_long
    content = b""
    try:
        async with asyncio.timeout(BODY_SECONDS):
            async for part in body:
                content += part
                if len(content) > MAX_BODY_BYTES:
                    raise too_long
    except TimeoutError:
        raise Refused(error(400, f"The body did not arrive within {BODY_SECONDS:.0f} s.")) from None
    return content
