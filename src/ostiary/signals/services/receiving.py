"""Takes a signal: checks it, finds out whom it means, and does at once what its transmitter may bring about.

The signal, what came of it and the record are one transaction, so that none is taken twice and none is half done.
"""

import time
from datetime import UTC, datetime, timedelta
from typing import Final

import msgspec
import structlog
from django.conf import settings
from django.db import transaction
from django.db.models import Q

from ostiary.identity.facade import (
    BUILTIN_GROUPS,
    NotAllowed,
    Person,
    UnknownPerson,
    UnknownSession,
    count_people,
    disable_person,
    enable_person,
    find_linked,
    find_person,
    get_person,
    get_session,
    revoke_session,
    revoke_sessions_of,
)
from ostiary.policy.identifiers import PersonId, SessionId
from ostiary.signals.adapters.keys import describe, read_token
from ostiary.signals.domain.errors import RefusedSignal
from ostiary.signals.domain.events import STREAM_UPDATED, VERIFICATION, Effect
from ostiary.signals.domain.subjects import Subject
from ostiary.signals.domain.tokens import MAX_AGE_SECONDS, Signal, check_type, read_claims
from ostiary.signals.domain.trust import May, Outcome, Transmitter, allowed, is_too_much
from ostiary.signals.journal import SIGNAL, record_change
from ostiary.signals.models import Received, ShutAccount, StoredTransmitter
from ostiary.signals.queries.receivers import issuer
from ostiary.signals.queries.transmitters import get_transmitter
from ostiary.signals.services.transmitters import lock_transmitter
from ostiary.visibility.facade import Actor

_HARMED: Final = (Outcome.SESSIONS_ENDED.value, Outcome.DISABLED.value)
_MAX_WORDS: Final = 500

log = structlog.get_logger(__name__)


class Taken(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a token: `again` when it had been taken before, and nothing was done."""

    jti: str
    outcome: Outcome
    again: bool = False


def take_signal(name: str, token: str) -> Taken:
    """Take one security event token of a transmitter.

    Args:
        name: the transmitter, which is known to be the sender or has to be shown by the signature.
        token: as it came.

    Raises:
        UnknownTransmitter: when there is none.
        RefusedSignal: when it is not taken; the transmitter is told why.
        Unreachable, UnusableTransmitter: when the transmitter's keys cannot be had at the moment.
        RecordUnavailable: when it cannot be put on record; nothing was done.
    """
    transmitter = get_transmitter(name)
    try:
        signal = _read(transmitter, token)
    except RefusedSignal as error:
        log.warning("signal_refused", transmitter=name, code=error.code, words=error.message)
        if not transmitter.by_signature:
            StoredTransmitter.objects.filter(pk=name).update(problem=f"A signal was refused: {error.message}"[:300])
        raise
    with transaction.atomic():
        return _take(lock_transmitter(name), transmitter, signal)


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


def _read(transmitter: Transmitter, token: str) -> Signal:
    document = describe(transmitter.metadata_url, transmitter.issuer)
    header, claims = read_token(token, jwks_uri=document.jwks_uri)
    check_type(header, older_form=transmitter.older_form)
    return read_claims(
        claims,
        issuer=transmitter.issuer,
        audience=transmitter.audience,
        now=time.time(),
        older_form=transmitter.older_form,
    )


def _take(stored: StoredTransmitter, transmitter: Transmitter, signal: Signal) -> Taken:
    now = datetime.now(UTC)
    known = Received.objects.filter(transmitter=stored, jti=signal.jti).first()
    if known is not None:
        return Taken(jti=signal.jti, outcome=Outcome(known.outcome), again=True)
    effect = allowed(signal.event.effect, May(stored.may))
    row = Received(
        transmitter=stored,
        jti=signal.jti,
        event_type=signal.event.type,
        subject=signal.subject.names,
        session=signal.subject.session,
        effect=effect.value,
        issued_at=datetime.fromtimestamp(signal.issued_at, UTC),
        received_at=now,
    )
    outcome, words = _outcome(row, stored, transmitter, signal, effect)
    row.outcome, row.words = outcome.value, "; ".join(filter(None, (signal.event.words, words)))[:_MAX_WORDS]
    row.save(force_insert=True)
    stored.received_at = now
    stored.problem = ""
    stored.save(update_fields=["received_at", "problem", "verified_at", "state", "status", "held_at", "told_at"])
    put_on_record(row)
    return Taken(jti=signal.jti, outcome=outcome)


def put_on_record(row: Received) -> None:
    """Put on record what became of a signal."""
    name = row.event_type.rpartition("/")[2]
    record_change(
        SIGNAL,
        row.jti,
        "create",
        actor=actor_of(row.transmitter_id),
        name=f"{name} from {row.transmitter_id}",
        after={
            "type": row.event_type,
            "subject": row.subject,
            "person": row.person.email if row.person else None,
            "outcome": row.outcome,
            "words": row.words or None,
            "issued_at": row.issued_at.timestamp(),
        },
    )


def _outcome(
    row: Received, stored: StoredTransmitter, transmitter: Transmitter, signal: Signal, effect: Effect
) -> tuple[Outcome, str]:
    if signal.event.type == VERIFICATION:
        return _verify(stored, signal.event.state)
    if signal.event.type == STREAM_UPDATED:
        stored.status = signal.event.status
        return Outcome.RECORDED, ""
    person = _find(transmitter, signal.subject)
    if person is None:
        return Outcome.UNKNOWN_SUBJECT, ""
    row.person_id = person.id
    if effect is Effect.NOTHING:
        words = "this transmitter may not bring that about" if signal.event.effect is not Effect.NOTHING else ""
        return Outcome.RECORDED, words
    if stored.held_at is not None or _is_too_much(stored, person, effect):
        if stored.held_at is None:
            stored.held_at, stored.told_at = datetime.now(UTC), None
            log.warning("signals_held", transmitter=stored.name)
        return Outcome.HELD, ""
    return act(row, transmitter, effect)


def _is_too_much(stored: StoredTransmitter, person: Person, effect: Effect) -> bool:
    """Tell whether this would be one person too many in a few minutes; what is given back never is."""
    if effect is Effect.ENABLE:
        return False
    configuration = settings.INSTANCE.configuration.signals
    since = max(datetime.now(UTC) - timedelta(minutes=configuration.hold_minutes), stored.counted_from)
    hit = Received.objects.filter(transmitter=stored, outcome__in=_HARMED, received_at__gte=since)
    others = hit.exclude(person_id=person.id).values("person_id").distinct().count()
    return is_too_much(others + 1, count_people(Q(is_active=True)), configuration.hold_share_percent)


def _find(transmitter: Transmitter, subject: Subject) -> Person | None:
    """Return the one person a subject means here; nobody when it means none, several, or somebody it may not speak of."""
    found: set[PersonId] = set()
    for account in subject.accounts:
        if account.issuer.rstrip("/") not in transmitter.subject_issuers:
            continue
        if account.issuer.rstrip("/") == issuer():
            found |= _by_identifier(account.subject)
        elif (linked := find_linked(account.issuer, account.subject)) is not None:
            found.add(linked)
    for email in subject.emails:
        if email.rpartition("@")[2] in transmitter.email_domains:
            found |= _by_address(email)
    return get_person(found.pop()) if len(found) == 1 else None


def _by_identifier(person_id: str) -> set[PersonId]:
    try:
        return {get_person(PersonId(person_id)).id}
    except UnknownPerson:
        return set()


def _by_address(email: str) -> set[PersonId]:
    """Return whose confirmed address it is: one that nobody has shown to be theirs names nobody."""
    try:
        person = find_person(email)
    except UnknownPerson:
        return set()
    return {person.id} if person.email_confirmed else set()


def _verify(stored: StoredTransmitter, state: str | None) -> tuple[Outcome, str]:
    if state is not None and state != stored.state:
        raise RefusedSignal("invalid_state", "This is not the state that was asked for.")
    stored.verified_at, stored.state = datetime.now(UTC), ""
    return Outcome.VERIFIED, ""


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


def prune_signals(*, now: float) -> int:
    """Forget signals that are too old to be sent again; the record keeps them. For the worker.

    Args:
        now: seconds since the epoch.

    Returns:
        How many were forgotten.
    """
    before = datetime.fromtimestamp(now - 2 * MAX_AGE_SECONDS, UTC)
    old = Received.objects.filter(received_at__lt=before).exclude(outcome=Outcome.HELD.value)
    count, _by_model = old.delete()
    return count
