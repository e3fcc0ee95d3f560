"""Does what a signal asks for, as far as its transmitter may: ends sign-ins, disables accounts, enables them again."""

from ostiary.identity.facade import (
    BUILTIN_GROUPS,
    NotAllowed,
    Person,
    UnknownPerson,
    UnknownSession,
    disable_person,
    enable_person,
    get_person,
    get_session,
    revoke_session,
    revoke_sessions_of,
)
from ostiary.policy.identifiers import PersonId, SessionId
from ostiary.signals.domain.events import Effect
from ostiary.signals.domain.trust import Outcome, Transmitter
from ostiary.signals.models import Received, ShutAccount
from ostiary.visibility.facade import Actor


def act(row: Received, transmitter: Transmitter, effect: Effect) -> tuple[Outcome, str]:
    """Bring about what a signal brings about, and return what became of it, and why where nothing did.

    Args:
        row: the signal, with the person it means.
        transmitter: whose it is.
        effect: what it may bring about.
    """
    if row.person_id is None:
        return Outcome.UNKNOWN_SUBJECT, ""
    try:
        person = get_person(PersonId(row.person_id))
    except UnknownPerson:
        return Outcome.UNKNOWN_SUBJECT, ""
    if person.emergency:
        return Outcome.RECORDED, "no other system touches the emergency account"
    actor = actor_of(transmitter.name)
    reason = f"{row.event_type.rpartition('/')[2]} from {transmitter.name}"
    match effect:
        case Effect.END_SESSIONS:
            return _end_sessions(person, row.session, reason, actor)
        case Effect.DISABLE:
            return _disable(person, transmitter, reason, actor)
        case Effect.ENABLE:
            return _enable(person, transmitter, reason, actor)
    return Outcome.RECORDED, ""


def actor_of(name: str) -> Actor:
    """Return as whom a transmitter stands on record."""
    return Actor(kind="machine", id=f"signal:{name}", label=f"signal:{name}")


def _end_sessions(person: Person, session: str, reason: str, actor: Actor) -> tuple[Outcome, str]:
    """End the one session that is meant, where it is one of ours; otherwise all of this person's."""
    if session:
        try:
            if get_session(SessionId(session)).person_id == person.id:
                revoke_session(session_id=SessionId(session), reason=reason, actor=actor)
                return Outcome.SESSIONS_ENDED, ""
        except UnknownSession:
            pass
    if revoke_sessions_of(person_id=person.id, reason=reason, actor=actor):
        return Outcome.SESSIONS_ENDED, ""
    return Outcome.RECORDED, "there was no sign-in to end"


def _disable(person: Person, transmitter: Transmitter, reason: str, actor: Actor) -> tuple[Outcome, str]:
    """Disable somebody; where that may not be, at least whoever is signed in as them is not any more."""
    if not person.active:
        return Outcome.RECORDED, "the account was disabled already"
    if set(person.groups) & set(BUILTIN_GROUPS) and not transmitter.may_disable_administrators:
        outcome, words = _end_sessions(person, "", reason, actor)
        return outcome, words or "people who may use the console are not disabled by this transmitter"
    try:
        disable_person(person_id=person.id, reason=reason, actor=actor)
    except NotAllowed as error:
        outcome, _words = _end_sessions(person, "", reason, actor)
        return outcome, error.message
    ShutAccount.objects.update_or_create(person_id=person.id, defaults={"transmitter_id": transmitter.name})
    return Outcome.DISABLED, ""


def _enable(person: Person, transmitter: Transmitter, reason: str, actor: Actor) -> tuple[Outcome, str]:
    """Enable somebody whom this transmitter disabled, and nobody else."""
    if person.active or not ShutAccount.objects.filter(person_id=person.id, transmitter_id=transmitter.name).exists():
        return Outcome.RECORDED, "" if person.active else "somebody else disabled this account, and enables it"
    try:
        enable_person(person_id=person.id, reason=reason, actor=actor)
    except NotAllowed as error:
        return Outcome.RECORDED, error.message
    return Outcome.ENABLED, ""
