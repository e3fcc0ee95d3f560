"""What a receiver does to its streams: makes, reads, changes, deletes, pauses, verifies them. Each change is on record.

Source: OpenID SSF 1.0, section 8.1.
"""

import time
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from django.db import transaction

from ostiary.identity.domain.stored_text import can_be_stored
from ostiary.identity.facade import UnknownPerson, find_person, get_person
from ostiary.outgoing.sealed import seal
from ostiary.policy.identifiers import PersonId
from ostiary.programs.stored import lock_unrevoked
from ostiary.signals.adapters.wire import PURPOSE
from ostiary.signals.domain.errors import BadRequest, RefusedSignal, TooOften, UnknownStream
from ostiary.signals.domain.streams import (
    MAX_STREAMS,
    POLL,
    PUSH,
    VERIFY_EVERY_SECONDS,
    Receiver,
    Status,
    Stream,
    Wanted,
    check_unchanged,
    read_wanted,
)
from ostiary.signals.domain.subjects import Subject, read_subject
from ostiary.signals.journal import STREAM
from ostiary.signals.models import LeftOut, Outgoing, StoredReceiver, StoredStream
from ostiary.signals.queries.receivers import get_stream, issuer
from ostiary.signals.services.announcing import owe_update, owe_verification
from ostiary.visibility.facade import Actor, record_entity_change

MAX_STATE_CHARACTERS = 1000


@transaction.atomic
def create_stream(receiver: Receiver, body: Mapping[str, Any], *, actor: Actor) -> Stream:
    """Make a stream as a receiver asks for it. One that names no delivery fetches its events.

    Raises:
        BadRequest: when what is asked for cannot be read or had.
        RecordUnavailable: when it cannot be put on record; nothing was changed.
    """
    wanted = read_wanted(body, push_to=receiver.push_to)
    if lock_unrevoked(StoredReceiver, receiver.name) is None:
        raise BadRequest("This receiver is told nothing any more.")
    if StoredStream.objects.filter(receiver_id=receiver.name).count() >= MAX_STREAMS:
        raise BadRequest(f"A receiver has at most {MAX_STREAMS} streams. Delete one first.")
    row = StoredStream(
        receiver_id=receiver.name, status=Status.ENABLED.value, created_at=datetime.now(UTC), method=POLL
    )
    _apply(row, wanted, whole=True)
    row.save(force_insert=True)
    stream = get_stream(row.id)
    record_entity_change(STREAM, row.id, "create", actor=actor, after=_facts(stream))
    return stream


@transaction.atomic
def change_stream(receiver: Receiver, body: Mapping[str, Any], *, whole: bool, actor: Actor) -> Stream:
    """Change a stream as a receiver asks.

    Args:
        receiver: whose.
        body: the configuration, or a part of it.
        whole: whether what is missing is meant to go (PUT), or to stay (PATCH).
        actor: who does it.

    Raises:
        BadRequest: when what is asked for cannot be read or had.
        UnknownStream: when it is none of theirs.
    """
    before = get_stream(_stream_id(body), receiver=receiver.name)
    check_unchanged(body, configuration_of(before, receiver))
    wanted = read_wanted(body, push_to=receiver.push_to)
    if whole and wanted.method is None:
        raise BadRequest("delivery is missing: a replacement says everything.")
    row = _lock(receiver, before.id)
    _apply(row, wanted, whole=whole)
    row.save()
    stream = get_stream(row.id)
    record_entity_change(STREAM, row.id, "update", actor=actor, before=_facts(before), after=_facts(stream))
    return stream


@transaction.atomic
def delete_stream(receiver: Receiver, stream_id: str, *, actor: Actor) -> None:
    """Delete a stream with all that waits in it.

    Raises:
        UnknownStream: when it is none of theirs.
    """
    row = _lock(receiver, stream_id)
    stream = get_stream(row.id)
    row.delete()
    record_entity_change(STREAM, stream_id, "delete", actor=actor, before=_facts(stream))


@transaction.atomic
def set_status(receiver: Receiver, stream_id: str, status: str, *, reason: str, actor: Actor) -> Stream:
    """Let a stream flow, pause it, or stop it: what is stopped forgets what waited.

    Raises:
        UnknownStream: when it is none of theirs.
        BadRequest: when there is no such status.
    """
    if status not in {one.value for one in Status} or len(reason) > 200 or not reason.isprintable():
        raise BadRequest("status is enabled, paused or disabled, and reason a text of at most 200 characters.")
    row = _lock(receiver, stream_id)
    before, row.status, row.status_reason = row.status, status, reason
    row.next_try_at = None
    row.save(update_fields=["status", "status_reason", "next_try_at"])
    if row.status == Status.DISABLED.value:
        Outgoing.objects.filter(stream=row).delete()
    if before != status:
        record_entity_change(
            STREAM, row.id, "update", actor=actor, before={"status": before}, after={"status": status}, comment=reason
        )
    return get_stream(row.id)


@transaction.atomic
def change_status_here(stream_id: str, status: Status, *, reason: str, actor: Actor) -> Stream:
    """Do the same from this side: the receiver is told (section 8.1.5).

    Raises:
        UnknownStream: when there is none.
    """
    row = _lock(None, stream_id)
    if row.status != status.value:
        before, row.status, row.status_reason = row.status, status.value, reason[:200]
        row.next_try_at = None
        row.save(update_fields=["status", "status_reason", "next_try_at"])
        if status is Status.DISABLED:
            Outgoing.objects.filter(stream=row).delete()
        owe_update(row, now=time.time())
        record_entity_change(
            STREAM,
            row.id,
            "update",
            actor=actor,
            before={"status": before},
            after={"status": row.status},
            comment=reason,
        )
    return get_stream(row.id)


@transaction.atomic
def ask_verification(receiver: Receiver, stream_id: str, state: Any, *, now: float) -> None:
    """Owe a receiver a verification it asked for.

    Raises:
        UnknownStream: when it is none of theirs.
        BadRequest: when the state cannot be sent back.
        TooOften: when it asked a moment ago.
    """
    if state is not None and not (
        isinstance(state, str) and len(state) <= MAX_STATE_CHARACTERS and can_be_stored(state)
    ):
        raise BadRequest(f"state is a text of at most {MAX_STATE_CHARACTERS} characters.")
    row = _lock(receiver, stream_id)
    if row.verification_asked_at is not None and now - row.verification_asked_at.timestamp() < VERIFY_EVERY_SECONDS:
        raise TooOften(f"A verification may be asked for every {VERIFY_EVERY_SECONDS} seconds.")
    row.verification_asked_at = datetime.fromtimestamp(now, UTC)
    row.save(update_fields=["verification_asked_at"])
    owe_verification(row, state=state, now=now)


@transaction.atomic
def verify_stream(stream_id: str, *, actor: Actor) -> Stream:
    """Send a receiver a verification without being asked, and try at once what waits.

    Raises:
        UnknownStream: when there is none.
    """
    row = _lock(None, stream_id)
    owe_verification(row, state=None, now=time.time())
    StoredStream.objects.filter(pk=row.pk).update(next_try_at=None)
    record_entity_change(STREAM, row.id, "update", actor=actor, comment="a verification is sent")
    return get_stream(row.id)


@transaction.atomic
def set_subject(receiver: Receiver, stream_id: str, subject: Any, *, wanted: bool, actor: Actor) -> None:
    """Add a person to a stream, or take them out. Everybody is in a stream that is made (`default_subjects` ALL).

    Whether there is such a person is not told. A subject that could be several people is nobody.

    Raises:
        UnknownStream: when it is none of theirs.
        BadRequest: when the subject cannot be read.
    """
    row = _lock(receiver, stream_id)
    try:
        read = read_subject(subject)
    except RefusedSignal as error:
        raise BadRequest(error.message) from None
    found = _meant(read)
    if len(found) != 1:
        return
    person_id = found.pop()
    if wanted:
        changed = bool(LeftOut.objects.filter(stream=row, person_id=person_id).delete()[0])
    else:
        changed = LeftOut.objects.get_or_create(stream=row, person_id=person_id)[1]
    if changed:
        record_entity_change(STREAM, row.id, "update", actor=actor, after={"person": person_id, "wanted": wanted})


def _meant(subject: Subject) -> set[PersonId]:
    found: set[PersonId] = set()
    for email in subject.emails:
        with suppress(UnknownPerson):
            found.add(find_person(email).id)
    for account in subject.accounts:
        if account.issuer.rstrip("/") == issuer().rstrip("/"):
            with suppress(UnknownPerson):
                found.add(get_person(PersonId(account.subject)).id)
    return found


def configuration_of(stream: Stream, receiver: Receiver) -> dict[str, Any]:
    """Return a stream's configuration as its receiver reads it (section 8.1.1). The authorization header is not told back."""
    url = stream.endpoint_url if stream.method == PUSH else f"{issuer()}/ssf/poll/{stream.id}"
    found: dict[str, Any] = {
        "stream_id": stream.id,
        "iss": issuer(),
        "aud": receiver.audience,
        "delivery": {"method": stream.method, "endpoint_url": url},
        "events_supported": list(receiver.events),
        "events_delivered": list(stream.events),
        "min_verification_interval": VERIFY_EVERY_SECONDS,
    }
    if stream.events_requested:  # what was not asked for is no empty list, of which nothing could be delivered
        found["events_requested"] = list(stream.events_requested)
    return found | ({"description": stream.description} if stream.description else {})


def _apply(row: StoredStream, wanted: Wanted, *, whole: bool) -> None:
    if wanted.method is not None:
        row.method, row.endpoint_url = wanted.method, wanted.endpoint_url
        if wanted.authorization_header is not None or whole or wanted.method == POLL:
            row.sealed_header = seal(wanted.authorization_header or "", purpose=PURPOSE)
        row.tries, row.next_try_at, row.problem = 0, None, ""
    if wanted.events_requested is not None or whole:
        row.events_requested = list(wanted.events_requested or ())
    if wanted.description is not None or whole:
        row.description = wanted.description or ""


def _stream_id(body: Mapping[str, Any]) -> str:
    found = body.get("stream_id")
    if not isinstance(found, str):
        raise BadRequest("stream_id is missing.")
    return found


def _lock(receiver: Receiver | None, stream_id: str) -> StoredStream:
    """Return a stream, locked until the transaction ends.

    Raises:
        UnknownStream: when there is none, or another receiver has it.
    """
    rows = StoredStream.objects.select_for_update(of=("self",)).select_related("receiver").filter(pk=stream_id)
    row = (rows.filter(receiver_id=receiver.name) if receiver else rows).first() if stream_id.isprintable() else None
    if row is None:
        raise UnknownStream("There is no such stream.", hint="See which there are: ostiary signal stream list")
    return row


def _facts(stream: Stream) -> dict[str, Any]:
    return {
        "receiver": stream.receiver,
        "method": stream.method,
        "endpoint_url": stream.endpoint_url or None,
        "events": list(stream.events),
        "status": stream.status.value,
    }
