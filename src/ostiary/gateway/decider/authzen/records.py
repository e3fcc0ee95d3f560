"""What goes on record of programs: each decision like every other, naming the program; each search; a token that does not work."""

from typing import Final

from ostiary.gateway.decider.authzen.asked import Asked, Knock
from ostiary.gateway.decider.authzen.judging import SERVICE_TYPE
from ostiary.gateway.decider.authzen.messages import (
    ActionSearch,
    Evaluation,
    ResourceSearch,
    Search,
    Subject,
    SubjectSearch,
)
from ostiary.gateway.decider.authzen.searches import Found
from ostiary.gateway.decider.basis import Basis
from ostiary.gateway.decider.check import Verdict
from ostiary.gateway.decider.incoming import read_host
from ostiary.policy.decision import ReasonCode
from ostiary.visibility.domain.actor import Actor
from ostiary.visibility.domain.decision_event import AskedBy, HttpFacts, decision_event
from ostiary.visibility.domain.events import entity_change_event

MAX_NUMBER_CHARACTERS: Final = 512
_SHOWN: Final = 80


def evaluation_event(asked: Asked, question: Evaluation, verdict: Verdict, *, reference: str, now: float) -> bytes:
    """Return the event of one decision: about the request that the program described, not about its own.

    Args:
        asked: the program's request.
        question: what it asked.
        verdict: what was decided.
        reference: of the event.
        now: seconds since the epoch.
    """
    http = HttpFacts(
        method=question.action.name.upper()[:32],
        host=verdict.app.host if verdict.app is not None else "",
        path=question.resource.properties.path,
        user_agent=asked.knock.headers.get("user-agent", ""),
        request_id=_number(asked.knock),
    )
    return decision_event(
        reference=reference,
        at=now,
        request=verdict.request,
        decision=verdict.decision,
        http=http,
        person=verdict.person,
        asked_by=AskedBy(client=asked.client.name, subject=question.subject.id),
    )


def refusal_event(knock: Knock, basis: Basis, *, reference: str, now: float) -> bytes:
    """Return the event of a request that holds a token which does not work: about that request itself.

    Args:
        knock: the request.
        basis: the facts in force.
        reference: of the event.
        now: seconds since the epoch.
    """
    http = HttpFacts(
        method=knock.method,
        host=read_host(knock.headers.get("host", "")),
        path=knock.path,
        scheme="https" if knock.secure else "http",
        user_agent=knock.headers.get("user-agent", ""),
        request_id=_number(knock),
        peer=knock.peer,
        code=401,
    )
    decision = basis.refuse(ReasonCode.UNAUTHENTICATED, detail="the token is unknown, expired or revoked")
    return decision_event(reference=reference, at=now, request=None, decision=decision, http=http)


def search_event(asked: Asked, search: Search, found: Found, *, reference: str, now: float) -> bytes:
    """Return the event of one search: that a program learnt who may do what; arguments as for `evaluation_event`."""
    return entity_change_event(
        at=now,
        uid=reference,
        actor=Actor(kind="machine", id=f"authzen:{asked.client.name}", label=asked.client.name),
        change="read",
        entity_type="list",
        entity_id="access",
        entity_name=_in_words(search),
        after={"results": len(found.results), "examined": found.examined, "more": bool(found.next_token)},
        log_name="decisions",
    ).encoded


def _number(knock: Knock) -> str:
    return (knock.number or "")[:MAX_NUMBER_CHARACTERS]


def _in_words(search: Search) -> str:
    match search:
        case SubjectSearch():
            who = "services that" if search.subject.type == SERVICE_TYPE else "people who"
            return f"list of {who} may {_short(search.action.name)} {_short(search.resource.id)}"
        case ResourceSearch():
            return f"list of apps that {_subject(search.subject)} may {_short(search.action.name)}"
        case ActionSearch():
            return f"list of what {_subject(search.subject)} may do at {_short(search.resource.id)}"


def _subject(subject: Subject) -> str:
    return f"{_short(subject.type)} {_short(subject.id)}"


def _short(text: str) -> str:
    return text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"
