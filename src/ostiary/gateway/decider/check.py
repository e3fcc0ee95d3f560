"""The hot path: one request, one basis, one verdict. No I/O, no clock; answers are made in `answering`.

Read top to bottom: host to app, cookie to session, session to person, all of it to an access request, and the
engine's decision on every reading of the path. Whatever does not hold is a refusal with its reason.
"""

from collections.abc import Callable

import msgspec

from ostiary.gateway.decider.basis import Basis, Engine
from ostiary.gateway.decider.break_glass import decide_emergency, may_be_emergency
from ostiary.gateway.decider.incoming import Incoming
from ostiary.gateway.decider.paths import OWN_PREFIX, MalformedPath, PathTooLong, readings
from ostiary.gateway.tokens import InvalidToken, SessionClaims
from ostiary.policy.decision import Allow, Decision, Deny, ReasonCode
from ostiary.policy.identifiers import PersonId, SessionId
from ostiary.policy.methods import action_class
from ostiary.policy.request import AccessRequest, Context, Resource, Subject
from ostiary.policy.snapshot import AppFact, PersonFact, SessionFact
from ostiary.policy.terms import holds_until, next_end, person_at

ReadSession = Callable[[str], SessionClaims]
CountryOf = Callable[[str | None], str | None]


class Verdict(msgspec.Struct, frozen=True):
    """A decision and what it was made on, as far as it got.

    Args:
        app: set when the host is known.
        session: set when the cookie proves a session that lives.
        person: set with the session.
        request: set when the engine was asked.
    """

    decision: Decision
    basis: Basis
    app: AppFact | None = None
    session: SessionFact | None = None
    person: PersonFact | None = None
    request: AccessRequest | None = None


def check(incoming: Incoming, basis: Basis, *, now: float, read_session: ReadSession, country_of: CountryOf) -> Verdict:
    """Decide one request.

    Args:
        incoming: the request.
        basis: the facts to decide on.
        now: seconds since the epoch.
        read_session: verifies a session token, or raises `InvalidToken`.
        country_of: the country of an address, or `None`.
    """
    app = basis.apps.get(incoming.host)
    if (basis.trouble is not None or basis.engine is None) and not may_be_emergency(app, basis):
        reason = basis.trouble.reason if basis.trouble is not None else ReasonCode.STALE_FACTS
        return Verdict(basis.refuse(reason), basis, app)
    if app is None:
        return Verdict(basis.refuse(ReasonCode.UNKNOWN_RESOURCE), basis)
    if incoming.app is not None and incoming.app != app.id:
        return Verdict(basis.refuse(ReasonCode.MALFORMED_REQUEST, detail="host and route name two apps"), basis, app)
    session, person, reason = authenticate(incoming, basis, app, now=now, read_session=read_session)
    if session is None or person is None:
        return Verdict(basis.refuse(reason), basis, app, person=person)
    try:
        paths = readings(incoming.path)
    except PathTooLong:
        return Verdict(basis.refuse(ReasonCode.INPUT_TOO_LONG), basis, app, session, person)
    except MalformedPath as error:
        return Verdict(basis.refuse(ReasonCode.MALFORMED_REQUEST, detail=error.message), basis, app, session, person)
    if incoming.path.startswith(OWN_PREFIX):
        return Verdict(basis.refuse(ReasonCode.UNKNOWN_RESOURCE), basis, app, session, person)
    request = AccessRequest(
        subject=basis.subjects.get(session.id) or subject_of(basis, session, person),
        action=action_class(incoming.method, app.methods),
        resource=Resource(app=app.id, labels=frozenset(app.labels), path=paths[0]),
        context=Context(
            address=incoming.address,
            country=country_of(incoming.address),
            risk=max(person.risk, session.risk),
        ),
    )
    decision = decide_emergency(app, session, basis, now) or decide_readings(basis, request, paths, now)
    return Verdict(holds_until(decision, next_end(person, now)), basis, app, session, person, request)


def authenticate(
    incoming: Incoming, basis: Basis, app: AppFact, *, now: float, read_session: ReadSession
) -> tuple[SessionFact | None, PersonFact | None, ReasonCode]:
    """Return the living session and the active person behind a request, or why there is none."""
    token = incoming.cookies.session
    if token is None:
        return None, None, ReasonCode.UNAUTHENTICATED
    try:
        claims = read_session(token)
    except InvalidToken:
        return None, None, ReasonCode.UNAUTHENTICATED
    if claims.app != app.id:
        return None, None, ReasonCode.UNAUTHENTICATED
    return living(basis, claims.person, claims.session, now=now)


def living(
    basis: Basis, person_id: PersonId, session_id: SessionId, *, now: float
) -> tuple[SessionFact | None, PersonFact | None, ReasonCode]:
    """Return a session that lives and the active person whose it is, or why there is none.

    Args:
        basis: the facts to decide on.
        person_id: whose it is said to be.
        session_id: which session.
        now: seconds since the epoch.
    """
    person = basis.people.get(person_id)
    person = person and person_at(person, now)
    if person is not None and not person.active:
        return None, person, ReasonCode.PERSON_DISABLED
    session = basis.sessions.get(session_id)
    if session is None or session.person != person_id or now >= session.expires_at:
        return None, person, ReasonCode.SESSION_ENDED
    if person is None:
        return None, None, ReasonCode.UNKNOWN_SUBJECT
    return session, person, ReasonCode.UNAUTHENTICATED


def subject_of(basis: Basis, session: SessionFact, person: PersonFact) -> Subject:
    """Return who asks, as the engine wants it."""
    subject = Subject(
        person=person.id,
        email=person.email,
        groups=frozenset(person.groups),
        session=session.id,
        authentications=session.authentications,
    )
    if not person.terms:
        basis.subjects[session.id] = subject
    return subject


def decide_readings(basis: Basis, request: AccessRequest, paths: tuple[str, ...], now: float) -> Decision:
    """Return what the rules say to every reading of the path.

    Args:
        basis: the facts to decide on.
        request: what is asked, with the first reading.
        paths: every reading.
        now: seconds since the epoch.
    """
    if basis.engine is None:
        return basis.refuse(basis.trouble.reason if basis.trouble is not None else ReasonCode.STALE_FACTS)
    decision = basis.engine.decide(request, now)
    if len(paths) > 1 and isinstance(decision, Allow):
        return _share_permission(basis.engine, request, decision, paths[1:], now)
    return decision


def _share_permission(
    engine: Engine, request: AccessRequest, first: Allow, others: tuple[str, ...], now: float
) -> Decision:
    """Return the first refusal among the other readings of a path, or the permission they share."""
    ends = [first.valid_until]
    for path in others:
        resource = msgspec.structs.replace(request.resource, path=path)
        decision = engine.decide(msgspec.structs.replace(request, resource=resource), now)
        if isinstance(decision, Deny):
            return decision
        ends.append(decision.valid_until)
    known = [end for end in ends if end is not None]
    return msgspec.structs.replace(first, valid_until=min(known, default=None), per_request=True)
