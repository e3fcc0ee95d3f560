"""Who is signed in: from a cookie, or from what the data plane says of a request under way, to a session and a person. Pure."""

from collections.abc import Callable

from ostiary.gateway.decider.basis import Basis
from ostiary.gateway.decider.break_glass import is_emergency
from ostiary.gateway.decider.incoming import Incoming, LetIn, is_navigation
from ostiary.gateway.decider.proven_device import active_device
from ostiary.gateway.tokens import InvalidToken, SessionClaims
from ostiary.policy.decision import ReasonCode
from ostiary.policy.identifiers import PersonId, SessionId
from ostiary.policy.request import Subject
from ostiary.policy.snapshot import AppFact, PersonFact, SessionFact
from ostiary.policy.terms import person_at

ReadSession = Callable[[str], SessionClaims]


def authenticate(
    incoming: Incoming, basis: Basis, app: AppFact, *, now: float, read_session: ReadSession
) -> tuple[SessionFact | None, PersonFact | None, ReasonCode]:
    """Return the living session and the active person behind a request, or why there is none."""
    token = incoming.cookies.session
    if incoming.let_in is not None:
        claims = _claims_of(incoming.let_in, basis, app)
    elif token is None:
        return None, None, ReasonCode.UNAUTHENTICATED
    else:
        try:
            claims = read_session(token)
        except InvalidToken:
            return None, None, ReasonCode.UNAUTHENTICATED
    if claims.app != app.id:
        return None, None, ReasonCode.UNAUTHENTICATED
    session, person, reason = living(basis, claims.person, claims.session, now=now)
    if session is not None and not _is_where_it_began(claims, incoming, basis, now):
        return None, person, ReasonCode.OTHER_DEVICE
    if session is not None and _wants_binding(claims, session, incoming, basis, now):
        return None, person, ReasonCode.UNAUTHENTICATED
    return session, person, reason


def _is_where_it_began(claims: SessionClaims, incoming: Incoming, basis: Basis, now: float) -> bool:
    """Tell whether a session is used on the device that it is bound to, by any of its certificates, if it is bound at all."""
    if claims.device is None and not incoming.from_device:
        return True
    device = active_device(incoming.certificate, basis.certificates, now)
    return device is not None and claims.device in {None, device.fact.id}


def _wants_binding(claims: SessionClaims, session: SessionFact, incoming: Incoming, basis: Basis, now: float) -> bool:
    """Tell whether a page is opened from a device of the person themselves in a session that no device is bound to.

    It is sent to the sign-in host, which ends such a sign-in with all its copies and begins one that is bound. What a page does by
    itself goes on meanwhile; whoever came by an emergency link stays.
    """
    if claims.device is not None or incoming.let_in is not None or not incoming.certificate:
        return False
    if incoming.method != "GET" or not is_navigation(incoming) or is_emergency(session):
        return False
    device = active_device(incoming.certificate, basis.certificates, now)
    return device is not None and device.fact.owner == claims.person


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


def _claims_of(let_in: LetIn, basis: Basis, app: AppFact) -> SessionClaims:
    session = basis.sessions.get(let_in.session)
    person = let_in.person or (session.person if session is not None else PersonId(""))
    return SessionClaims(app=app.id, person=person, session=let_in.session)


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
