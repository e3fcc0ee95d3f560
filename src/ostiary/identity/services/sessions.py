"""Sign-in sessions: begun, strengthened, used, ended. How a proof is checked is not known here."""

import time
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta

from allauth.mfa.models import Authenticator
from django.conf import settings
from django.contrib.sessions.models import Session as BrowserSession
from django.db import transaction
from django.utils import timezone

from ostiary.changes import Happening, announce_change, announce_happening
from ostiary.identity.afresh import begin_afresh
from ostiary.identity.client import Client
from ostiary.identity.domain import SignInSession, is_enough
from ostiary.identity.domain.federation import Origin
from ostiary.identity.domain.proofs import BREAK_GLASS
from ostiary.identity.domain.stored_text import can_be_stored
from ostiary.identity.errors import NotAllowed, UnknownSession
from ostiary.identity.journal import record_sign_in, record_sign_out
from ostiary.identity.limits import forget_old_failures
from ostiary.identity.models import OneTimeLink, Person, Recovery
from ostiary.identity.models import SignInSession as SessionRow
from ostiary.identity.services.directory_logouts import forget_old_logouts, is_signed_out_there
from ostiary.identity.services.guards import lock_person, require_may_change_person
from ostiary.identity.session_queries import (
    idle_seconds,
    live_sessions,
    read_authentications,
    session_from_row,
)
from ostiary.policy.identifiers import PersonId, SessionId
from ostiary.policy.request import Authentication, AuthStrength
from ostiary.visibility.facade import Actor

BREAK_GLASS_SECONDS = 3600
KEEP_LINKS_DAYS = 90


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
    row = _lock_session(session_id)
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
    row = _lock_session(session_id)
    complete = _is_complete(row.person, read_authentications(row))
    if complete != row.complete:
        row.complete = complete
        row.save(update_fields=["complete"])
        announce_change("sessions", takes_away=not complete)
    return session_from_row(row)


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


@transaction.atomic
def revoke_session(*, session_id: SessionId, reason: str, actor: Actor) -> None:
    """End one sign-in, here and at every app.

    Raises:
        UnknownSession: when it has ended already.
        NotAllowed: when it is an administrator's and the actor is neither that person nor an administrator.
    """
    row = _lock_session(session_id)
    require_may_change_person(actor, row.person)
    row.delete()
    announce_change("sessions", takes_away=True)
    record_sign_out(actor=actor, person=row.person, session=session_id, reason=reason)


@transaction.atomic
def revoke_sessions_of(*, person_id: PersonId, reason: str, actor: Actor, afresh: bool = False) -> int:
    """End every sign-in of one person and return how many there were.

    Args:
        person_id: whose.
        reason: why, for the record.
        actor: who does it.
        afresh: whether all else ends as well that opens something in their name: access tokens, emergency access, being an
            administrator for a while. For an account that somebody else may have used.

    Raises:
        UnknownPerson: when there is nobody with this identifier.
        NotAllowed: for an administrator when the actor is none.
    """
    person = lock_person(person_id)
    require_may_change_person(actor, person)
    count = end_sessions(person)
    if count:
        record_sign_out(actor=actor, person=person, session=None, reason=reason)
    if afresh:
        begin_afresh(person_id, actor=actor, reason=reason or "signed out everywhere")
    return count


@transaction.atomic
def revoke_all_sessions(*, reason: str, actor: Actor) -> int:
    """End every sign-in of everybody and return how many there were. For commands on the machine.

    Raises:
        NotAllowed: when the actor is somebody signed in.
    """
    if actor.kind == "person":
        raise NotAllowed("Everybody is signed out only on the machine itself.", hint="ostiary session revoke --all")
    people = list(Person.objects.filter(sign_in_sessions__isnull=False).distinct())
    count = SessionRow.objects.count()
    SessionRow.objects.all().delete()
    announce_change("sessions", takes_away=True)
    for person in people:
        record_sign_out(actor=actor, person=person, session=None, reason=reason)
    return count


def end_sessions(person: Person, *, keep: SessionId | None = None) -> int:
    """End every sign-in of one person inside a transaction that is open, and return how many there were.

    Args:
        person: whose.
        keep: one that goes on.
    """
    rows = SessionRow.objects.filter(person=person)
    count, _by_model = (rows.exclude(pk=keep) if keep else rows).delete()
    announce_change("sessions", takes_away=True)
    return count


def expire_sessions(*, now: float) -> int:
    """Delete sign-ins that are over or idle, and what else is past its time. For the worker.

    Returns:
        How many sign-ins were deleted. They opened nothing any more: the facts say until when each one lives.
    """
    moment = datetime.fromtimestamp(now, UTC)
    with transaction.atomic():
        over = SessionRow.objects.filter(expires_at__lte=moment) | SessionRow.objects.filter(
            last_seen_at__lte=moment - timedelta(seconds=idle_seconds())
        )
        count, _by_model = over.delete()
        if count:
            announce_change("sessions", takes_away=False)
    forget_old_logouts(now=now)
    OneTimeLink.objects.filter(expires_at__lt=moment - timedelta(days=KEEP_LINKS_DAYS)).delete()
    Recovery.objects.filter(expires_at__lt=moment - timedelta(days=KEEP_LINKS_DAYS)).delete()
    BrowserSession.objects.filter(expire_date__lt=timezone.now()).delete()
    forget_old_failures(now=now)
    return count


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


def _lock_session(session_id: SessionId) -> SessionRow:
    rows = live_sessions(time.time()).filter(pk=session_id).select_for_update(of=("self",))
    row = rows.first() if can_be_stored(session_id) else None
    if row is None:
        raise UnknownSession("This sign-in has ended.", detail=str(session_id)[:100])
    return row
