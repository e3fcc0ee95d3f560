"""The hot path: one request, one basis, one verdict. No I/O, no clock; answers are made in `answering`.

Read top to bottom: host to app, cookie to session, session to person (or a program's token to whoever carries it), all of it
to an access request, and the engine's decision on every reading of the path. Whatever does not hold is a refusal with its reason.
"""

from collections.abc import Callable

import msgspec

from ostiary.gateway.decider.basis import Basis, Engine
from ostiary.gateway.decider.bearers import Bearer, ReadWorkload, find_bearer, find_let_in
from ostiary.gateway.decider.break_glass import decide_emergency, may_be_emergency
from ostiary.gateway.decider.incoming import Incoming
from ostiary.gateway.decider.paths import OWN_PREFIX, MalformedPath, PathTooLong, readings
from ostiary.gateway.decider.proven_device import as_rules_see_it, proven_device, seen_until
from ostiary.gateway.decider.session_limits import has_limits, limits_end, refuse_beyond
from ostiary.gateway.decider.signed_in import ReadSession, authenticate, subject_of
from ostiary.gateway.tokens import InvalidToken
from ostiary.gateway.workload_tokens import WorkloadClaims
from ostiary.policy.decision import Allow, Decision, Deny, ReasonCode
from ostiary.policy.identifiers import AppId, SessionId
from ostiary.policy.methods import action_class
from ostiary.policy.request import AccessRequest, Context, Device, Resource, Subject
from ostiary.policy.snapshot import AppFact, PersonFact, ServiceFact, SessionFact
from ostiary.policy.terms import holds_until, next_end

LastUsed = Callable[[SessionId, AppId], float | None]
CountryOf = Callable[[str | None], str | None]


class Verdict(msgspec.Struct, frozen=True):
    """A decision and what it was made on, as far as it got.

    Args:
        app: set when the host is known.
        session: set when the cookie proves a session that lives, or stands for a token of a person's script.
        person: set with the session.
        request: set when the engine was asked.
        bearer: set when a token of ours was sent; it decides instead of any cookie.
    """

    decision: Decision
    basis: Basis
    app: AppFact | None = None
    session: SessionFact | None = None
    person: PersonFact | None = None
    request: AccessRequest | None = None
    bearer: Bearer | None = None

    @property
    def service(self) -> ServiceFact | None:
        """Which service asks, where one does."""
        return self.bearer.service if self.bearer is not None else None


def refuse_workloads(token: str) -> WorkloadClaims:
    """Read no token of a service: for whoever has no key to verify one with."""
    raise InvalidToken("No token of a service is read here.", detail=f"{len(token)} characters")


def never_used(_session: SessionId, _app: AppId) -> float | None:
    """Know of no use: the last proof counts."""
    return None


def check(
    incoming: Incoming,
    basis: Basis,
    *,
    now: float,
    read_session: ReadSession,
    country_of: CountryOf,
    read_workload: ReadWorkload = refuse_workloads,
    last_used: LastUsed = never_used,
) -> Verdict:
    """Decide one request.

    Args:
        incoming: the request.
        basis: the facts to decide on.
        now: seconds since the epoch.
        read_session: verifies a session token, or raises `InvalidToken`.
        country_of: the country of an address, or `None`.
        read_workload: verifies a service's token, or raises `InvalidToken`.
        last_used: when a session last used an app, or `None`.
    """
    app = basis.apps.get(incoming.host)
    if (basis.trouble is not None or basis.engine is None) and not may_be_emergency(app, basis):
        reason = basis.trouble.reason if basis.trouble is not None else ReasonCode.STALE_FACTS
        return Verdict(basis.refuse(reason), basis, app)
    if app is None:
        return Verdict(basis.refuse(ReasonCode.UNKNOWN_RESOURCE), basis)
    if incoming.app is not None and incoming.app != app.id:
        return Verdict(basis.refuse(ReasonCode.MALFORMED_REQUEST, detail="host and route name two apps"), basis, app)
    program = _find_program(incoming, basis, app, now=now, read_workload=read_workload)
    if program is not None:
        return _check_bearer(incoming, basis, app, program, now=now, country_of=country_of)
    session, person, reason = authenticate(incoming, basis, app, now=now, read_session=read_session)
    if session is None or person is None:
        return Verdict(basis.refuse(reason), basis, app, person=person)
    paths = _read_paths(incoming, basis)
    if isinstance(paths, Deny):
        return Verdict(paths, basis, app, session, person)
    device = proven_device(incoming.certificate, basis.certificates, now)
    request = _request(
        incoming,
        app,
        basis.subjects.get(session.id) or subject_of(basis, session, person),
        paths[0],
        device=as_rules_see_it(device.fact if device is not None else None, person.id, basis.devices, now),
        country_of=country_of,
        risk=max(person.risk, session.risk),
    )
    emergency = decide_emergency(app, session, basis, now)
    decision = emergency or decide_readings(basis, request, paths, now)
    if has_limits(app) and emergency is None and isinstance(decision, Allow):
        end = limits_end(app, session, last_used(session.id, app.id), now)
        if end is not None and now >= end[0]:
            return Verdict(refuse_beyond(end[1], app, basis), basis, app, session, person)
        decision = holds_until(decision, end[0] if end is not None else None)
    decision = holds_until(decision, seen_until(device, basis.devices, now))
    return Verdict(holds_until(decision, next_end(person, now)), basis, app, session, person, request)


def _find_program(
    incoming: Incoming, basis: Basis, app: AppFact, *, now: float, read_workload: ReadWorkload
) -> Bearer | None:
    """Return the program that asks, or for which a request under way was let in; `None` for a person's browser."""
    if incoming.token is not None:
        return find_bearer(incoming.token, basis, app, now=now, read_workload=read_workload)
    if incoming.let_in is not None:
        return find_let_in(incoming.let_in.session, basis, app, now=now)
    return None


def _check_bearer(
    incoming: Incoming, basis: Basis, app: AppFact, bearer: Bearer, *, now: float, country_of: CountryOf
) -> Verdict:
    """Decide a request that carries a token of ours: by the same rules, within what the token is for."""
    verdict = Verdict(basis.refuse(ReasonCode.TOKEN_REFUSED), basis, app, bearer.session, bearer.person, bearer=bearer)
    if incoming.keeps_credentials:
        deny = basis.refuse(ReasonCode.TOKEN_REFUSED, detail="the proxy would pass the token on to the app")
        return msgspec.structs.replace(verdict, decision=deny)
    if bearer.refused is not None:
        return msgspec.structs.replace(verdict, decision=basis.refuse(bearer.refused))
    paths = _read_paths(incoming, basis)
    if isinstance(paths, Deny):
        return msgspec.structs.replace(verdict, decision=paths)
    if bearer.person is not None and bearer.session is not None:
        subject = subject_of(basis, bearer.session, bearer.person)
        risk, ends = bearer.person.risk, [next_end(bearer.person, now), bearer.ends_at]
    elif bearer.service is not None:
        subject, risk, ends = Subject(service=bearer.service.id), None, [bearer.ends_at]
    else:
        return verdict
    device = proven_device(incoming.certificate, basis.certificates, now)
    if incoming.from_device and (device is None or not device.fact.active):
        return msgspec.structs.replace(verdict, decision=basis.refuse(ReasonCode.OTHER_DEVICE))
    ends.append(seen_until(device, basis.devices, now))
    seen = as_rules_see_it(device.fact if device is not None else None, subject.person, basis.devices, now)
    request = _request(incoming, app, subject, paths[0], device=seen, country_of=country_of, risk=risk)
    if bearer.actions is not None and request.action not in bearer.actions:
        return msgspec.structs.replace(verdict, decision=basis.refuse(ReasonCode.TOKEN_SCOPE))
    decision = decide_readings(basis, request, paths, now)
    for end in ends:
        decision = holds_until(decision, end)
    return msgspec.structs.replace(verdict, decision=decision, request=request)


def _read_paths(incoming: Incoming, basis: Basis) -> tuple[str, ...] | Deny:
    """Return every place the path could mean to the app, or why nothing is decided on it."""
    try:
        paths = readings(incoming.path)
    except PathTooLong:
        return basis.refuse(ReasonCode.INPUT_TOO_LONG)
    except MalformedPath as error:
        return basis.refuse(ReasonCode.MALFORMED_REQUEST, detail=error.message)
    if incoming.path.startswith(OWN_PREFIX):
        return basis.refuse(ReasonCode.UNKNOWN_RESOURCE)
    return paths


def _request(
    incoming: Incoming,
    app: AppFact,
    subject: Subject,
    path: str,
    *,
    device: Device | None,
    country_of: CountryOf,
    risk: int | None,
) -> AccessRequest:
    return AccessRequest(
        subject=subject,
        action=action_class(incoming.method, app.methods),
        resource=Resource(app=app.id, labels=frozenset(app.labels), path=path),
        device=device,
        context=Context(address=incoming.address, country=country_of(incoming.address), risk=risk),
    )


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
