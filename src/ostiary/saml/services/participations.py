"""Which applications were told of which sign-in, so that a request for sign-out can be held against it."""

from datetime import UTC, datetime, timedelta
from typing import Final

import msgspec

from ostiary.identity.facade import SignInSession
from ostiary.policy.identifiers import SessionId
from ostiary.saml.models import Participation

REMEMBER: Final = timedelta(days=30)
"""How long after its end a sign-in is still known as one that is over."""


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """What an application was told: which sign-in, and by what name of the person."""

    session: SessionId
    name: str


def note_participation(app_id: str, session: SignInSession, *, name: str, index: str, now: float) -> None:
    """Note, inside a transaction, that an application is told of a sign-in.

    Args:
        app_id: the application.
        session: the sign-in.
        name: of the person, to it.
        index: of the sign-in, to it.
        now: seconds since the epoch.
    """
    Participation.objects.filter(forget_at__lt=datetime.fromtimestamp(now, UTC)).delete()
    until = datetime.fromtimestamp(session.expires_at, UTC) + REMEMBER
    Participation.objects.update_or_create(
        provider_id=app_id,
        session_index=index,
        defaults={"session_id": session.id, "name": name, "forget_at": until},
    )


def told_by_index(app_id: str, index: str) -> Told | None:
    """Return what an application was told under an index; `None` where it never was, or long ago."""
    row = Participation.objects.filter(provider_id=app_id, session_index=index).first()
    return None if row is None else Told(session=SessionId(row.session_id), name=row.name)


def others_told(app_id: str, session: SessionId) -> tuple[str, ...]:
    """Return the other applications that were told of a sign-in."""
    rows = Participation.objects.filter(session_id=session).exclude(provider_id=app_id).order_by("provider_id")
    return tuple(rows.values_list("provider_id", flat=True))
