"""Sign-in sessions: begun, strengthened, used. How a proof is checked is not known here, how they end is in `session_ends`."""

import time
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta

from allauth.mfa.models import Authenticator
from django.conf import settings
from django.db import transaction

from ostiary.changes import Happening, announce_change, announce_happening
from ostiary.identity.client import Client
from ostiary.identity.domain import SignInSession, is_enough
from ostiary.identity.domain.federation import Origin
from ostiary.identity.domain.proofs import BREAK_GLASS
from ostiary.identity.domain.stored_text import can_be_stored
from ostiary.identity.errors import NotAllowed, UnknownSession
from ostiary.identity.journal import record_sign_in
from ostiary.identity.models import Person
from ostiary.identity.models import SignInSession as SessionRow
from ostiary.identity.services.directory_logouts import is_signed_out_there
from ostiary.identity.services.guards import lock_person
from ostiary.identity.session_queries import (
    idle_seconds,
    live_sessions,
    read_authentications,
    session_from_row,
)
from ostiary.policy.identifiers import DeviceId, PersonId, SessionId
from ostiary.policy.request import Authentication, AuthStrength

BREAK_GLASS_SECONDS = 3600


@transaction.atomic
def begin_session(
    *,
    person_id: PersonId,
    authentications: Iterable[Authentication],
    client: Client,
    now: float,
    origin: Origin | None = None,
) -> SignInSession:
    """Begin a sign-in after a first proof; it is complete only when everything demanded was proved.

    Args:
        person_id: who it is.
        authentications: what they proved.
        client: where they are.
        now: seconds since the epoch.
        origin: the sign-in in another directory by which they came; `None` for none.

    Raises:
        UnknownPerson: when there is nobody with this identifier.
        NotAllowed: when they are disabled, or the directory said meanwhile that they are signed out there.
    """
    person = lock_person(person_id)
    proofs = tuple(authentications)
    if origin is not None and is_signed_out_there(origin):
        raise NotAllowed("You were signed out at the other directory meanwhile.", hint="Sign in again.")
    if not person.may_sign_in or not proofs:
        raise NotAllowed("This account cannot sign in.")
    begun_at = datetime.fromtimestamp(now, UTC)
    row = SessionRow(
        person=person,
        created_at=begun_at,
        last_seen_at=begun_at,
        expires_at=begun_at + timedelta(seconds=_life_seconds(proofs)),
        address=client.address,
        user_agent=client.user_agent,
        authentications=[[one.method, int(one.strength), one.at] for one in proofs],
        directory=origin.provider if origin is not None else "",
        directory_sid=origin.sid if origin is not None else "",
    )
    row.complete = _is_complete(person, proofs)
    row.save(force_insert=True)
    if row.complete:
        announce_change("sessions", takes_away=False)
    record_sign_in(
        person=person,
        session=row.id,
        methods=[one.method for one in proofs],
        client=client,
        reason="; ".join(
            filter(
                None,
                (
                    f"directory:{origin.provider}" if origin is not None else "",
                    "" if row.complete else "second_factor_to_be_set_up",
                ),
            )
        ),
    )
    return session_from_row(row)


@transaction.atomic
def add_proof(*, session_id: SessionId, authentication: Authentication, client: Client) -> SignInSession:
    """Note that the person behind a session proved something more.

    Raises:
        UnknownSession: when the session has ended meanwhile.
    """
    row = lock_session(session_id)
    before = max((one.strength for one in read_authentications(row)), default=authentication.strength)
    if row.complete and authentication.strength > before:
        announce_happening(
            Happening(
                kind="assurance_raised",
                person_id=row.person_id,
                initiated_by="user",
                session=row.id,
                what=authentication.strength.name,
                before=before.name,
            )
        )
    row.authentications = [
        *row.authentications,
        [authentication.method, int(authentication.strength), authentication.at],
    ]
    row.complete = _is_complete(row.person, read_authentications(row))
    row.last_seen_at = max(row.last_seen_at, datetime.fromtimestamp(authentication.at, UTC))
    row.save(update_fields=["authentications", "complete", "last_seen_at"])
    announce_change("sessions", takes_away=False)
    record_sign_in(
        person=row.person, session=row.id, methods=[authentication.method], client=client, reason="further_proof"
    )
    return session_from_row(row)


@transaction.atomic
def review_session(*, session_id: SessionId) -> SignInSession:
    """Work out again whether a session is complete, after the person set something up or removed it.

    Raises:
        UnknownSession: when it has ended.
    """
    row = lock_session(session_id)
    complete = _is_complete(row.person, read_authentications(row))
    if complete != row.complete:
        row.complete = complete
        row.save(update_fields=["complete"])
        announce_change("sessions", takes_away=not complete)
    return session_from_row(row)


def note_device(*, session_id: SessionId, device: DeviceId | None) -> None:
    """Note on which device alone a sign-in counts, for lists; `None` for none. The browser's own cookie is what binds it."""
    SessionRow.objects.filter(pk=session_id).exclude(device=device or "").update(device=device or "")


def touch_session(*, session: SignInSession, address: str, now: float) -> SignInSession:
    """Note that a session is in use; written at most every few minutes, for it is called with every page."""
    if now - session.last_seen_at < min(300, idle_seconds() / 10):
        return session
    with transaction.atomic():
        moment = datetime.fromtimestamp(now, UTC)
        changed = SessionRow.objects.filter(pk=session.id, last_seen_at__lt=moment).update(
            last_seen_at=moment, **({"address": address} if address else {})
        )
        if changed and session.complete:
            announce_change("sessions", takes_away=False)
    row = live_sessions(now).filter(pk=session.id).first()
    return session_from_row(row) if row is not None else session


@transaction.atomic
def note_activity(*, seen: Mapping[SessionId, float], now: float) -> int:
    """Note when sessions were last used at apps, so that using an app keeps a sign-in from growing idle.

    Args:
        seen: for each session, the moment of its latest request (seconds since the epoch).
        now: seconds since the epoch; a session that is over or idle by now stays so.

    Returns:
        How many sessions' idle time began anew.
    """
    changed = 0
    step = timedelta(seconds=min(300, idle_seconds() / 10))
    for session_id, at in seen.items():
        moment = datetime.fromtimestamp(min(at, now), UTC)
        changed += live_sessions(now).filter(pk=session_id, last_seen_at__lt=moment - step).update(last_seen_at=moment)
    if changed:
        announce_change("sessions", takes_away=False)
    return changed


def set_up_methods(person: Person) -> tuple[str, ...]:
    """Return the kinds of authenticator somebody has set up."""
    return tuple(Authenticator.objects.filter(user=person).values_list("type", flat=True))


def _is_complete(person: Person, proofs: tuple[Authentication, ...]) -> bool:
    return is_enough(
        proofs,
        set_up=set_up_methods(person),
        second_factor_required=settings.INSTANCE.configuration.sign_in.require_second_factor,
        floor=AuthStrength(person.second_factor_floor),
    )


def _life_seconds(proofs: tuple[Authentication, ...]) -> int:
    """Return how long a sign-in may last; one by an emergency link lasts an hour at most."""
    hours: int = settings.INSTANCE.configuration.sign_in.session_hours
    if any(one.method == BREAK_GLASS for one in proofs):
        return min(BREAK_GLASS_SECONDS, hours * 3600)
    return hours * 3600


def lock_session(session_id: SessionId) -> SessionRow:
    """Return a session that goes on, locked.

    Raises:
        UnknownSession: when it has ended.
    """
    rows = live_sessions(time.time()).filter(pk=session_id).select_for_update(of=("self",))
    row = rows.first() if can_be_stored(session_id) else None
    if row is None:
        raise UnknownSession("This sign-in has ended.", detail=str(session_id)[:100])
    return row
