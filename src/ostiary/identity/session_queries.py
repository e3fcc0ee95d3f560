"""Reads of sign-in sessions. Only sessions that can still be used are ever returned."""

import time
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from django.conf import settings
from django.db.models import QuerySet

from ostiary.identity.domain import SignInSession
from ostiary.identity.domain.stored_text import can_be_stored
from ostiary.identity.errors import UnknownSession
from ostiary.identity.models import SignInSession as SessionRow
from ostiary.identity.terms import in_force
from ostiary.policy.identifiers import DeviceId, PersonId, SessionId
from ostiary.policy.request import Authentication, AuthStrength
from ostiary.visibility.facade import Page


def idle_seconds() -> int:
    """Return how long a sign-in may go unused, from the configuration."""
    return settings.INSTANCE.configuration.sign_in.idle_minutes * 60


def live_sessions(now: float) -> QuerySet[SessionRow]:
    """Return the rows of sessions that are neither over nor idle, of people whose account is neither disabled nor over."""
    moment = datetime.fromtimestamp(now, UTC)
    return SessionRow.objects.filter(
        in_force("person__", now=now),
        expires_at__gt=moment,
        last_seen_at__gt=moment - timedelta(seconds=idle_seconds()),
        person__is_active=True,
    ).select_related("person")


def list_sessions(
    *, person_id: PersonId | None = None, device: DeviceId | None = None, page: int = 1, page_size: int = 50
) -> Page[SignInSession]:
    """Return sessions, last used first.

    Args:
        person_id: only this person's.
        device: only those that count on this device alone.
        page: from 1.
        page_size: sessions a page.
    """
    rows = live_sessions(time.time()).order_by("-last_seen_at", "id")
    if person_id is not None:
        rows = rows.filter(person_id=person_id)
    if device is not None:
        rows = rows.filter(device=device)
    start = (max(page, 1) - 1) * page_size
    items = tuple(session_from_row(row) for row in rows[start : start + page_size])
    return Page(items=items, total=rows.count(), page=max(page, 1), page_size=page_size)


def get_session(session_id: SessionId) -> SignInSession:
    """Return one session.

    Raises:
        UnknownSession: when there is none, or it has ended.
    """
    row = live_sessions(time.time()).filter(pk=session_id).first() if can_be_stored(session_id) else None
    if row is None:
        raise UnknownSession("This sign-in has ended.", detail=str(session_id)[:100])
    return session_from_row(row)


def session_from_row(row: SessionRow) -> SignInSession:
    """Return a stored session in the form other rooms use."""
    last_seen_at = row.last_seen_at.timestamp()
    ends = [row.expires_at.timestamp(), last_seen_at + idle_seconds()]
    if row.person.ends_at is not None:
        ends.append(row.person.ends_at.timestamp())
    return SignInSession(
        id=SessionId(row.id),
        person_id=PersonId(row.person_id),
        person_email=row.person.email,
        created_at=row.created_at.timestamp(),
        last_seen_at=last_seen_at,
        expires_at=min(ends),
        address=row.address,
        user_agent=row.user_agent,
        complete=row.complete,
        authentications=read_authentications(row),
        device=DeviceId(row.device) if row.device else None,
    )


def read_authentications(row: SessionRow) -> tuple[Authentication, ...]:
    """Return what was proved in a session, oldest first."""
    return tuple(Authentication(method, AuthStrength(strength), at) for method, strength, at in row.authentications)


def living_sessions(ids: Iterable[SessionId], *, now: float) -> frozenset[SessionId]:
    """Return those of the sessions that can still be used.

    Args:
        ids: which.
        now: seconds since the epoch.
    """
    found = live_sessions(now).filter(pk__in=[one for one in ids if can_be_stored(one)]).values_list("pk", flat=True)
    return frozenset(map(SessionId, found))
