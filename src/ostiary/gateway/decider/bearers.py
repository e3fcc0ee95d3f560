"""Programs at the gateway: whose token a request carries, and what the token itself leaves out.

A token decides alone: no cookie counts beside it. How it is found in the request is in `authorization`.
"""

from collections.abc import Callable
from math import isfinite
from typing import Final

import msgspec

from ostiary.gateway.decider.basis import Basis
from ostiary.gateway.decider.break_glass import CONSOLE
from ostiary.gateway.tokens import InvalidToken
from ostiary.gateway.workload_tokens import EVERYWHERE, WorkloadClaims, is_current
from ostiary.policy.bearers import PERSONAL_PREFIX, SERVICE_PREFIX, TOKEN_METHOD, digest_of_token
from ostiary.policy.decision import ReasonCode
from ostiary.policy.identifiers import PersonId, ServiceId, SessionId
from ostiary.policy.request import ActionClass, Authentication, AuthStrength
from ostiary.policy.snapshot import AppFact, PersonalTokenFact, PersonFact, ServiceFact, SessionFact
from ostiary.policy.terms import person_at

WORKLOAD_METHOD: Final = "workload"
_SCRIPTS: Final = "token-"
_SERVICES: Final = "service:"
_ISSUED: Final = "@"
_VIEW: Final = frozenset({ActionClass.VIEW})
_EDIT: Final = frozenset({ActionClass.VIEW, ActionClass.EDIT})

ReadWorkload = Callable[[str], WorkloadClaims]


class Bearer(msgspec.Struct, frozen=True, kw_only=True):
    """Whoever carries a token.

    Args:
        refused: why the token opens nothing here; `None` when the rules decide.
        person: whose script it is, for a personal access token.
        session: what stands for the session of a script: it lives as long as the token.
        service: which service it is.
        actions: the only actions the token is for; `None` where it leaves that to the rules.
        ends_at: when the token runs out.
        issued_at: when a service's token was issued: what ends the tokens of a service ends those from before.
    """

    refused: ReasonCode | None = None
    person: PersonFact | None = None
    session: SessionFact | None = None
    service: ServiceFact | None = None
    actions: frozenset[ActionClass] | None = None
    ends_at: float = 0.0
    issued_at: float = 0.0


def find_bearer(token: str, basis: Basis, app: AppFact, *, now: float, read_workload: ReadWorkload) -> Bearer:
    """Return whose token it is, or why it opens nothing at this app.

    Args:
        token: as `own_token` found it.
        basis: the facts in force.
        app: what is asked for.
        now: seconds since the epoch.
        read_workload: verifies a service's token, or raises `InvalidToken`.
    """
    if token.startswith(PERSONAL_PREFIX):
        found = _find_person(token, basis, app, now)
    elif token.startswith(SERVICE_PREFIX):
        found = _find_service(token, basis, app, now, read_workload)
    else:
        return Bearer(refused=ReasonCode.TOKEN_REFUSED)
    if app.id == CONSOLE and found.refused is None:
        return msgspec.structs.replace(found, refused=ReasonCode.TOKEN_SCOPE)
    return found


def find_let_in(session: SessionId, basis: Basis, app: AppFact, *, now: float) -> Bearer | None:
    """Return the program that a request which is under way was let in for, or `None` when it was a person's browser.

    Args:
        session: what stands for the program's session, as the app was told it.
        basis: the facts in force.
        app: what is used.
        now: seconds since the epoch.
    """
    if session.startswith(_SCRIPTS):
        known = next((one for one in basis.tokens.values() if _session_of(one.id) == session), None)
        return Bearer(refused=ReasonCode.TOKEN_REFUSED) if known is None else _personal(known, basis, app, now)
    if session.startswith(_SERVICES):
        name, _, issued = session.removeprefix(_SERVICES).partition(_ISSUED)
        service = basis.services.get(ServiceId(name))
        if service is None or not service.active or now >= service.ends_at:
            return Bearer(refused=ReasonCode.SERVICE_DISABLED, service=service)
        issued_at = _moment(issued)
        if issued_at < service.tokens_after:
            return Bearer(refused=ReasonCode.TOKEN_REFUSED, service=service)
        return Bearer(service=service, ends_at=service.ends_at, issued_at=issued_at)
    return None


def _moment(text: str) -> float:
    """Return a moment as `spoken_of` wrote it; what is none is before everything."""
    try:
        moment = float(text)
    except ValueError:
        return float("-inf")
    return moment if isfinite(moment) else float("-inf")


def _find_service(token: str, basis: Basis, app: AppFact, now: float, read_workload: ReadWorkload) -> Bearer:
    try:
        claims = read_workload(token)
    except InvalidToken:
        return Bearer(refused=ReasonCode.TOKEN_REFUSED)
    service = basis.services.get(claims.service)
    good = is_current(claims, now) and claims.app in {app.id, EVERYWHERE}
    if service is None or not good:
        return Bearer(refused=ReasonCode.TOKEN_REFUSED, service=service)
    if not service.active or now >= service.ends_at:
        return Bearer(refused=ReasonCode.SERVICE_DISABLED, service=service)
    if claims.issued_at < service.tokens_after:
        return Bearer(refused=ReasonCode.TOKEN_REFUSED, service=service)
    ends_at = min(claims.expires_at, service.ends_at)
    return Bearer(service=service, ends_at=ends_at, issued_at=claims.issued_at)


def _find_person(token: str, basis: Basis, app: AppFact, now: float) -> Bearer:
    known = basis.tokens.get(digest_of_token(token))
    return Bearer(refused=ReasonCode.TOKEN_REFUSED) if known is None else _personal(known, basis, app, now)


def _personal(known: PersonalTokenFact, basis: Basis, app: AppFact, now: float) -> Bearer:
    person = basis.people.get(known.person)
    if person is None or now >= known.expires_at:
        return Bearer(refused=ReasonCode.TOKEN_REFUSED, person=person)
    person = person_at(person, now)
    session = SessionFact(
        id=_session_of(known.id),
        person=person.id,
        created_at=known.created_at,
        expires_at=known.expires_at,
        authentications=(Authentication(TOKEN_METHOD, AuthStrength.SINGLE, known.created_at),),
    )
    if not person.active:
        return Bearer(refused=ReasonCode.PERSON_DISABLED, person=person)
    if app.id not in known.apps:
        return Bearer(refused=ReasonCode.TOKEN_SCOPE, person=person, session=session)
    actions = _EDIT if known.edit else _VIEW
    return Bearer(person=person, session=session, actions=actions, ends_at=known.expires_at)


def _session_of(token: str) -> SessionId:
    return SessionId(f"{_SCRIPTS}{token}")


def spoken_of(bearer: Bearer, service: ServiceFact) -> tuple[PersonFact, SessionFact]:
    """Return a service in the form in which an app is told who asks: `service:NAME`, without address and groups.

    What stands for its session is its token, named by when it was issued: a transfer that is under way comes back with
    that alone, and ends when the tokens of that moment are worth nothing any more.

    Args:
        bearer: who carries the token.
        service: which service that is.
    """
    name = f"{_SERVICES}{service.id}"
    session = SessionId(f"{name}{_ISSUED}{bearer.issued_at!r}")
    proof = Authentication(WORKLOAD_METHOD, AuthStrength.SINGLE, 0.0)
    return (
        PersonFact(id=PersonId(name), email="", name=name, active=True),
        SessionFact(
            id=session, person=PersonId(name), created_at=0.0, expires_at=bearer.ends_at, authentications=(proof,)
        ),
    )
