"""From a question to a verdict: whom and what it names is looked up in the facts, and the engine decides. No I/O, no clock.

What a program says of the circumstances is believed, for it enforces the answer; what it says never replaces what the
facts hold: groups come from the directory, proofs from the session it names, and known risk is only ever raised.
"""

from bisect import bisect_right
from typing import Final

import msgspec

from ostiary.gateway.decider.authzen.messages import Action, Context, Evaluation, Proof, Subject
from ostiary.gateway.decider.basis import Basis
from ostiary.gateway.decider.break_glass import decide_emergency
from ostiary.gateway.decider.check import CountryOf, Verdict, decide_readings
from ostiary.gateway.decider.paths import OWN_PREFIX, MalformedPath, PathTooLong, decode_path, readings
from ostiary.policy import request as policy
from ostiary.policy.decision import Allow, Deny, ReasonCode
from ostiary.policy.identifiers import AppId, PersonId, ServiceId, SessionId
from ostiary.policy.methods import action_class
from ostiary.policy.request import AccessRequest, ActionClass, Authentication, AuthStrength
from ostiary.policy.snapshot import AppFact, PersonFact, SessionFact
from ostiary.policy.terms import holds_until, next_end, person_at

PERSON_TYPES: Final = ("person", "user")
SERVICE_TYPE: Final = "service"
APP_TYPE: Final = "app"
ACTIONS: Final = (ActionClass.VIEW, ActionClass.EDIT, ActionClass.DELETE, ActionClass.CONNECT)
_ACTIONS: Final = {action.value: action for action in ACTIONS}
_STRENGTHS: Final = {
    "single": AuthStrength.SINGLE,
    "any": AuthStrength.ANY,
    "otp": AuthStrength.OTP,
    "phishing-resistant": AuthStrength.PHISHING_RESISTANT,
}
_STATED: Final = "stated"
_LONG_AGO: Final = 0.0
_SHOWN: Final = 80


Paths = tuple[str, ...] | ReasonCode


class Who(msgspec.Struct, frozen=True):
    """A subject as far as the facts know it; `refused` says why it may do nothing."""

    person: PersonFact | None = None
    session: SessionFact | None = None
    service: ServiceId | None = None
    refused: ReasonCode | None = None


class People:
    """Finds people by identifier or e-mail address; what that needs is made once for each directory."""

    def __init__(self) -> None:
        self._people: dict[PersonId, PersonFact] | None = None
        self._by_email: dict[str, PersonFact] = {}
        self._in_order: tuple[PersonId, ...] = ()

    def find(self, basis: Basis, name: str) -> PersonFact | None:
        """Return the person, or `None` when there is none of that name.

        Addresses are ASCII. One that only looks like another, or becomes another in small letters, is nobody's.
        """
        known = basis.people.get(PersonId(name))
        if known is not None or "@" not in name or not name.isascii():
            return known
        self._look_at(basis)
        return self._by_email.get(name.lower())

    def after(self, basis: Basis, name: str) -> tuple[PersonId, ...]:
        """Return the identifiers that come after one, in their order."""
        self._look_at(basis)
        return self._in_order[bisect_right(self._in_order, PersonId(name)) :]

    def _look_at(self, basis: Basis) -> None:
        if self._people is not basis.people:
            self._by_email = {one.email.lower(): one for one in basis.people.values()}
            self._in_order = tuple(sorted(basis.people))
            self._people = basis.people


def judge(question: Evaluation, basis: Basis, people: People, *, now: float, country_of: CountryOf) -> Verdict:
    """Answer one question.

    Args:
        question: what is asked.
        basis: the facts to decide on; they must not be in trouble.
        people: finds whom it names.
        now: seconds since the epoch.
        country_of: the country of an address, or `None`.
    """
    app = basis.apps_by_id.get(AppId(question.resource.id)) if question.resource.type == APP_TYPE else None
    who = look_up(question.subject, basis, people, now)
    if who.refused is not None:
        return Verdict(basis.refuse(who.refused), basis, app, person=who.person)
    if app is None:
        detail = f"there is no {question.resource.type[:_SHOWN]} {question.resource.id[:_SHOWN]}"
        return Verdict(basis.refuse(ReasonCode.UNKNOWN_RESOURCE, detail=detail), basis, None, who.session, who.person)
    return judge_app(
        who,
        app,
        question.action,
        read_path(question.resource.properties.path),
        question.context,
        basis=basis,
        now=now,
        country=country_of(question.context.address),
    )


def look_up(subject: Subject, basis: Basis, people: People, now: float) -> Who:
    """Return whom a subject names, with the session that it names."""
    if subject.type == SERVICE_TYPE and subject.properties.session is None:
        return look_up_service(ServiceId(subject.id), basis, now)
    person = people.find(basis, subject.id) if subject.type in PERSON_TYPES else None
    if person is None:
        return Who(refused=ReasonCode.UNKNOWN_SUBJECT)
    person = person_at(person, now)
    if not person.active:
        return Who(person, refused=ReasonCode.PERSON_DISABLED)
    name = subject.properties.session
    if name is None:
        return Who(person)
    session = basis.sessions.get(SessionId(name))
    if session is None or session.person != person.id or now >= session.expires_at:
        return Who(person, refused=ReasonCode.SESSION_ENDED)
    return Who(person, session)


def look_up_service(name: ServiceId, basis: Basis, now: float) -> Who:
    """Return a service as it was named: whoever asks has proved it. One that is known here and switched off may do nothing."""
    if not name:
        return Who(refused=ReasonCode.UNKNOWN_SUBJECT)
    known = basis.services.get(name)
    if known is not None and (not known.active or now >= known.ends_at):
        return Who(refused=ReasonCode.SERVICE_DISABLED)
    return Who(service=name)


def read_path(path: str) -> Paths:
    """Return every place a path could mean to an app, or why nothing is decided on it.

    Args:
        path: as it stands in a request.
    """
    try:
        paths = readings(decode_path(path))
    except PathTooLong:
        return ReasonCode.INPUT_TOO_LONG
    except MalformedPath:
        return ReasonCode.MALFORMED_REQUEST
    return ReasonCode.UNKNOWN_RESOURCE if paths[0].startswith(OWN_PREFIX) else paths


def judge_app(
    who: Who,
    app: AppFact,
    action: Action,
    paths: Paths,
    context: Context,
    *,
    basis: Basis,
    now: float,
    country: str | None,
) -> Verdict:
    """Answer one question about an app and somebody who are known.

    Args:
        who: who wants it.
        app: what they want it of.
        action: what they want to do.
        paths: in the app, as `read_path` returns them.
        context: the circumstances.
        basis: the facts to decide on.
        now: seconds since the epoch.
        country: of the stated address; a stated country goes before it.
    """
    if isinstance(paths, ReasonCode):
        return Verdict(basis.refuse(paths), basis, app, who.session, who.person)
    request = AccessRequest(
        subject=_subject(who, context, now),
        action=_ACTIONS.get(action.name) or action_class(action.name, app.methods),
        resource=policy.Resource(app=app.id, labels=frozenset(app.labels), path=paths[0]),
        device=_device(context),
        context=policy.Context(
            address=context.address, country=context.country or country, risk=_risk(who, context.risk)
        ),
    )
    decision = _emergency(app, who.session, basis, now) or decide_readings(basis, request, paths, now)
    if who.person is not None:
        decision = holds_until(decision, next_end(who.person, now))
    return Verdict(decision, basis, app, who.session, who.person, request)


def _emergency(app: AppFact, session: SessionFact | None, basis: Basis, now: float) -> Deny | None:
    """An emergency sign-in opens the console at its own door and nothing here."""
    decided = decide_emergency(app, session, basis, now) if session is not None else None
    if isinstance(decided, Allow):
        return basis.refuse(ReasonCode.NO_RULE_APPLIES, detail="an emergency sign-in opens the console's own door only")
    return decided


def _subject(who: Who, context: Context, now: float) -> policy.Subject:
    proofs = who.session.authentications if who.session is not None else _proofs(context.authentications, now)
    if who.person is None:
        return policy.Subject(service=who.service, authentications=proofs)
    return policy.Subject(
        person=who.person.id,
        email=who.person.email,
        groups=frozenset(who.person.groups),
        session=who.session.id if who.session is not None else None,
        authentications=proofs,
    )


def _proofs(stated: tuple[Proof, ...], now: float) -> tuple[Authentication, ...]:
    """Return stated proofs; one of unknown age is as old as can be, so that no rule takes it for fresh."""
    return tuple(
        [
            Authentication(
                method=_STATED,
                strength=_STRENGTHS[proof.strength],
                at=_LONG_AGO if proof.age_seconds is None else now - proof.age_seconds,
            )
            for proof in stated
        ]
    )


def _device(context: Context) -> policy.Device | None:
    if context.device is None:
        return None
    facts = dict(context.device)
    managed, compliant = facts.pop("managed", None), facts.pop("compliant", None)
    return policy.Device(
        managed=managed if isinstance(managed, bool) else None,
        compliant=compliant if isinstance(compliant, bool) else None,
        attributes=tuple(sorted(facts.items())),
    )


def _risk(who: Who, stated: int | None) -> int | None:
    """Return the highest risk that is known or stated; `None` when nothing is known of a service."""
    known = [] if who.person is None else [who.person.risk]
    known += [] if who.session is None else [who.session.risk]
    known += [] if stated is None else [stated]
    return max(known, default=None)
