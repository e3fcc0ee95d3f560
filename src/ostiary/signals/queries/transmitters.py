"""Reads of transmitters and of the signals that came from them."""

import difflib

import msgspec
from django.conf import settings
from django.db.models import Count, Q, QuerySet

from ostiary.identity.domain.stored_text import can_be_stored
from ostiary.identity.terms import seconds_of
from ostiary.signals.domain.errors import UnknownTransmitter
from ostiary.signals.domain.events import name_of
from ostiary.signals.domain.trust import May, Outcome, Transmitter
from ostiary.signals.models import Received, StoredTransmitter
from ostiary.visibility.facade import Page


class TakenSignal(msgspec.Struct, frozen=True, kw_only=True):
    """One signal that came in, and what became of it. Moments are seconds since the epoch.

    Args:
        event: the last part of its type.
        subject: whom it was about, in the transmitter's words.
        email: whom that is here; empty for nobody.
        outcome: what became of it.
        words: what it said, and why nothing came of it where nothing did.
    """

    id: int
    transmitter: str
    jti: str
    event: str
    event_type: str
    subject: str
    person_id: str = ""
    email: str = ""
    outcome: Outcome
    words: str = ""
    issued_at: float
    received_at: float


def list_transmitters() -> tuple[Transmitter, ...]:
    """Return every transmitter by name."""
    return tuple(transmitter_of(row) for row in _rows())


def get_transmitter(name: str) -> Transmitter:
    """Return one transmitter.

    Raises:
        UnknownTransmitter: with the most similar name as a hint.
    """
    row = _rows().filter(pk=name).first() if can_be_stored(name) else None
    if row is None:
        raise unknown_transmitter(name)
    return transmitter_of(row)


def list_signals(
    *, text: str = "", transmitter: str = "", outcome: Outcome | None = None, page: int = 1, page_size: int = 50
) -> Page[TakenSignal]:
    """Return signals that came in, the newest first.

    Args:
        text: words, each of which is in the event, the subject, the person's address or what it said.
        transmitter: only this one's.
        outcome: only those of which this became.
        page: from 1; one beyond the end is the last one.
        page_size: how many a page holds.
    """
    rows = Received.objects.select_related("person")
    if not can_be_stored(text + transmitter):
        rows = rows.none()
    if transmitter:
        rows = rows.filter(transmitter_id=transmitter)
    if outcome is not None:
        rows = rows.filter(outcome=outcome.value)
    for word in text.split():
        rows = rows.filter(
            Q(event_type__icontains=word)
            | Q(subject__icontains=word)
            | Q(person__email__icontains=word)
            | Q(words__icontains=word)
            | Q(transmitter__name__icontains=word)
        )
    total = rows.count()
    number = min(max(page, 1), max(1, -(-total // page_size)))
    start = (number - 1) * page_size
    found = rows.order_by("-received_at", "-pk")[start : start + page_size]
    return Page(items=tuple(map(_signal, found)), total=total, page=number, page_size=page_size)


def transmitter_of(row: StoredTransmitter) -> Transmitter:
    """Return a stored transmitter in the form other rooms use."""
    return Transmitter(
        name=row.name,
        issuer=row.issuer,
        metadata_url=row.metadata_url,
        audience=row.audience,
        may=May(row.may),
        subject_issuers=tuple(row.subject_issuers),
        email_domains=tuple(row.email_domains),
        may_disable_administrators=row.may_disable_administrators,
        older_form=row.older_form,
        delivery=row.delivery,
        by_signature=row.by_signature,
        stream_id=row.stream_id,
        status=row.status,
        held_at=seconds_of(row.held_at),
        held=getattr(row, "held", 0),
        added_at=row.added_at.timestamp(),
        added_by=row.added_by,
        verified_at=seconds_of(row.verified_at),
        asked_at=seconds_of(row.asked_at),
        received_at=seconds_of(row.received_at),
        received=getattr(row, "received", 0),
        problem=row.problem,
        manages=bool(row.sealed_token),
    )


def push_url(name: str) -> str:
    """Return the address to which a transmitter sends."""
    instance = settings.INSTANCE
    return str(instance.url(instance.identity_host, f"/ssf/events/{name}"))


def unknown_transmitter(name: str) -> UnknownTransmitter:
    """Return the error for a transmitter that there is not."""
    names = StoredTransmitter.objects.values_list("pk", flat=True)
    near = difflib.get_close_matches(name, names, n=1)
    meant = f"Did you mean {near[0]}?" if near else "See: ostiary signal transmitter list"
    return UnknownTransmitter(f"There is no transmitter {name[:40]!r}.", hint=meant)


def _rows() -> QuerySet[StoredTransmitter]:
    held = Count("signals", filter=Q(signals__outcome=Outcome.HELD.value))
    return StoredTransmitter.objects.annotate(held=held, received=Count("signals"))


def _signal(row: Received) -> TakenSignal:
    return TakenSignal(
        id=row.pk,
        transmitter=row.transmitter_id,
        jti=row.jti,
        event=name_of(row.event_type),
        event_type=row.event_type,
        subject=row.subject,
        person_id=row.person_id or "",
        email=row.person.email if row.person else "",
        outcome=Outcome(row.outcome),
        words=row.words,
        issued_at=row.issued_at.timestamp(),
        received_at=row.received_at.timestamp(),
    )
