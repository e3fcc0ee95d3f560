"""Reads of receivers and of their streams."""

import difflib

from django.conf import settings
from django.db.models import Count, QuerySet

from ostiary.identity.terms import seconds_of
from ostiary.signals.domain.errors import UnknownReceiver, UnknownStream
from ostiary.signals.domain.streams import Receiver, Status, Stream, delivered_of
from ostiary.signals.domain.subjects import SubjectFormat
from ostiary.signals.models import StoredReceiver, StoredStream


def list_receivers() -> tuple[Receiver, ...]:
    """Return every receiver by name, those included whose token is worth nothing any more."""
    return tuple(receiver_of(row) for row in StoredReceiver.objects.all())


def get_receiver(name: str) -> Receiver:
    """Return one receiver.

    Raises:
        UnknownReceiver: with the most similar name as a hint.
    """
    row = StoredReceiver.objects.filter(pk=name).first() if name.isprintable() else None
    if row is None:
        raise unknown_receiver(name)
    return receiver_of(row)


def list_streams(receiver: str = "") -> tuple[Stream, ...]:
    """Return streams to receivers; only one receiver's where it is named."""
    rows = streams()
    return tuple(stream_of(row) for row in (rows.filter(receiver_id=receiver) if receiver else rows))


def get_stream(stream_id: str, *, receiver: str = "") -> Stream:
    """Return one stream.

    Args:
        stream_id: which.
        receiver: whose it must be; empty for anybody's.

    Raises:
        UnknownStream: when there is none.
    """
    rows = streams().filter(pk=stream_id) if stream_id.isprintable() else streams().none()
    row = (rows.filter(receiver_id=receiver) if receiver else rows).first()
    if row is None:
        raise UnknownStream("There is no such stream.", hint="See which there are: ostiary signal stream list")
    return stream_of(row)


def streams() -> QuerySet[StoredStream]:
    """Return the rows of streams, with how many events wait for each."""
    return StoredStream.objects.select_related("receiver").annotate(waiting=Count("queue"))


def receiver_of(row: StoredReceiver) -> Receiver:
    """Return a stored receiver in the form other rooms use."""
    return Receiver(
        **row.fields(),
        audience=row.audience,
        push_to=row.push_to,
        subject_format=SubjectFormat(row.subject_format),
        events=tuple(row.events),
        used_at=seconds_of(row.used_at),
    )


def stream_of(row: StoredStream) -> Stream:
    """Return a stored stream in the form other rooms use."""
    requested = tuple(row.events_requested)
    return Stream(
        id=row.id,
        receiver=row.receiver_id,
        method=row.method,
        endpoint_url=row.endpoint_url,
        events_requested=requested,
        events=delivered_of(requested, tuple(row.receiver.events)),
        description=row.description,
        status=Status(row.status),
        status_reason=row.status_reason,
        created_at=row.created_at.timestamp(),
        waiting=getattr(row, "waiting", 0),
        delivered=row.delivered,
        delivered_at=seconds_of(row.delivered_at),
        refused=row.refused,
        dropped=row.dropped,
        dropped_at=seconds_of(row.dropped_at),
        verified_at=seconds_of(row.verified_at),
        next_try_at=seconds_of(row.next_try_at),
        problem=row.problem if row.receiver.works else _expired(row.receiver_id),
    )


def _expired(receiver: str) -> str:
    return f"The token of {receiver} has expired. Give it another: ostiary signal receiver add {receiver}"


def issuer() -> str:
    """Return what this instance calls itself in its tokens: its sign-in host."""
    instance = settings.INSTANCE
    return str(instance.url(instance.identity_host, ""))


def unknown_receiver(name: str) -> UnknownReceiver:
    """Return the error for a receiver that there is not."""
    names = StoredReceiver.objects.values_list("pk", flat=True)
    near = difflib.get_close_matches(name, names, n=1)
    meant = f"Did you mean {near[0]}?" if near else "See: ostiary signal receiver list"
    return UnknownReceiver(f"There is no receiver {name[:40]!r}.", hint=meant)
