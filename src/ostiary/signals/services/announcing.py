"""Writes down what others are to be told, in the transaction in which it happens: it is told, or it did not happen."""

import secrets
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from django.conf import settings
from django.db.models import F

from ostiary.changes import Happening
from ostiary.identity.facade import get_person
from ostiary.policy.identifiers import PersonId
from ostiary.signals.domain.events import ASSURANCE_LEVEL_CHANGE, SESSION_REVOKED, STREAM_UPDATED, VERIFICATION
from ostiary.signals.domain.streams import Status
from ostiary.signals.domain.subjects import SubjectFormat, subject_of
from ostiary.signals.domain.tokens import claims_of
from ostiary.signals.models import Outgoing, StoredStream
from ostiary.signals.queries.receivers import issuer, stream_of
from ostiary.signals.telling import events_of

_ABOUT_ONE_SESSION = frozenset({SESSION_REVOKED, ASSURANCE_LEVEL_CHANGE})


def announce(*, happening: Happening, **_more: Any) -> None:
    """Queue what happened for every stream that wants to hear of it. Called by whoever makes it happen."""
    if not settings.INSTANCE.configuration.signals.enabled:
        return
    rows = _open_streams(happening.person_id)
    if not rows:
        return
    now, person = time.time(), get_person(PersonId(happening.person_id))
    if person.emergency:
        return
    transaction = secrets.token_hex(16)
    for event_type, payload in events_of(happening, at=now):
        session = happening.session if event_type in _ABOUT_ONE_SESSION else ""
        for row in rows:
            if event_type in stream_of(row).events:
                subject = subject_of(
                    SubjectFormat(row.receiver.subject_format),
                    issuer=issuer(),
                    person_id=person.id,
                    email=person.email,
                    session=session,
                )
                owe(row, event_type, payload, subject=subject, now=now, transaction=transaction)


def owe_verification(row: StoredStream, *, state: str | None, now: float) -> None:
    """Queue a verification (section 8.1.4): it shows the receiver, and its acknowledgement us, that the stream works."""
    payload = {} if state is None else {"state": state}
    owe(row, VERIFICATION, payload, subject=_stream_itself(row), now=now, transaction=secrets.token_hex(16))


def owe_update(row: StoredStream, *, now: float) -> None:
    """Queue word of the stream's new status (section 8.1.5)."""
    payload = {"status": row.status, **({"reason": row.status_reason} if row.status_reason else {})}
    owe(row, STREAM_UPDATED, payload, subject=_stream_itself(row), now=now, transaction=secrets.token_hex(16))


def owe(
    row: StoredStream, event_type: str, payload: Mapping[str, Any], *,
    subject: Mapping[str, Any], now: float, transaction: str,
) -> None:  # fmt: skip
    """Put one event in a stream's queue; where too many wait, the oldest are thrown away, and that is counted."""
    jti = secrets.token_hex(20)
    claims = claims_of(
        issuer=issuer(),
        audience=row.receiver.audience,
        jti=jti,
        issued_at=now,
        event_type=event_type,
        payload=payload,
        subject=subject,
        transaction=transaction,
    )
    Outgoing.objects.create(stream=row, jti=jti, event_type=event_type, claims=claims)
    over = Outgoing.objects.filter(stream=row).count() - settings.INSTANCE.configuration.signals.queue_events
    if over > 0:
        oldest = list(Outgoing.objects.filter(stream=row).order_by("pk").values_list("pk", flat=True)[:over])
        Outgoing.objects.filter(pk__in=oldest).delete()
        StoredStream.objects.filter(pk=row.pk).update(
            dropped=F("dropped") + len(oldest), dropped_at=datetime.fromtimestamp(now, UTC)
        )


def _open_streams(person_id: str) -> list[StoredStream]:
    """Return the streams that hear of somebody, those included whose receiver's token has expired: it may get another."""
    rows = StoredStream.objects.select_related("receiver").exclude(status=Status.DISABLED.value)
    return list(rows.exclude(left_out__person_id=person_id))


def _stream_itself(row: StoredStream) -> dict[str, str]:
    return {"format": "opaque", "id": row.id}
