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

from ostiary.identity.facade import Person, count_people
from ostiary.outgoing.wording import fit
from ostiary.signals.adapters.keys import describe, read_token
from ostiary.signals.domain.errors import RefusedSignal, TooOften
from ostiary.signals.domain.events import STREAM_UPDATED, VERIFICATION, Effect
from ostiary.signals.domain.tokens import MAX_AGE_SECONDS, Signal, check_type, read_claims
from ostiary.signals.domain.trust import May, Outcome, Transmitter, allowed, is_too_much
from ostiary.signals.journal import SIGNAL
from ostiary.signals.models import Received, StoredTransmitter
from ostiary.signals.queries.transmitters import get_transmitter
from ostiary.signals.services.acting import act, actor_of
from ostiary.signals.services.finding import find_meant
from ostiary.signals.services.transmitters import lock_transmitter
from ostiary.visibility.facade import record_entity_change

MAX_HELD: Final = 5000
"""So many signals of one transmitter are held; those beyond are not taken, so that they are sent again later."""

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
        TooOften: when too many are held already.
        RecordUnavailable: when it cannot be put on record; nothing was done.
    """
    transmitter = get_transmitter(name)
    try:
        signal = _read(transmitter, token)
    except RefusedSignal as error:
        log.warning("signal_refused", transmitter=name, code=error.code, words=error.message)
        if not transmitter.by_signature:
            StoredTransmitter.objects.filter(pk=name).update(problem=fit(f"A signal was refused: {error.message}", 300))
        raise
    with transaction.atomic():
        return _take(lock_transmitter(name), transmitter, signal)


def _read(transmitter: Transmitter, token: str) -> Signal:
    document = describe(transmitter.metadata_url, transmitter.issuer)
    header, claims = read_token(token, jwks_uri=document.jwks_uri, named_by=transmitter.metadata_url)
    check_type(header, older_form=transmitter.older_form)
    return read_claims(
        claims,
        issuer=transmitter.issuer,
        audience=transmitter.audience,
        now=time.time(),
        older_form=transmitter.older_form,
        critical=document.critical_subject_members,
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
    record_entity_change(
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
    if signal.event.type in {VERIFICATION, STREAM_UPDATED}:
        return _about_the_stream(stored, signal)
    if signal.subject.unread:
        return Outcome.RECORDED, f"not acted on, as it is about this too: {', '.join(signal.subject.unread)}"
    person = find_meant(transmitter, signal.subject)
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
        elif Received.objects.filter(transmitter=stored, outcome=Outcome.HELD.value).count() >= MAX_HELD:
            raise TooOften(f"{MAX_HELD} signals of {stored.name} are held already.")
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


def _about_the_stream(stored: StoredTransmitter, signal: Signal) -> tuple[Outcome, str]:
    """Note what a transmitter says of our stream. What it says of another one is put on record (sections 8.1.4 and 8.1.5)."""
    if stored.stream_id and signal.subject.names not in {"", stored.stream_id}:
        return Outcome.RECORDED, "this is about another stream"
    if signal.event.type == STREAM_UPDATED:
        stored.status = signal.event.status
        return Outcome.RECORDED, ""
    state = signal.event.state
    if state is not None and state != stored.state:
        raise RefusedSignal("invalid_state", "This is not the state that was asked for.")
    stored.verified_at = datetime.now(UTC)
    if state is not None:
        stored.state = ""
    return Outcome.VERIFIED, ""


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
