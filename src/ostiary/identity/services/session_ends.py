"""Sign-in sessions ended: one, somebody's, everybody's, and those whose time is over."""

from datetime import UTC, datetime, timedelta

from django.contrib.sessions.models import Session as BrowserSession
from django.db import transaction
from django.utils import timezone

from ostiary.changes import announce_change
from ostiary.identity.afresh import begin_afresh
from ostiary.identity.errors import NotAllowed
from ostiary.identity.journal import record_sign_out
from ostiary.identity.limits import forget_old_failures
from ostiary.identity.models import OneTimeLink, Person, Recovery
from ostiary.identity.models import SignInSession as SessionRow
from ostiary.identity.services.directory_logouts import forget_old_logouts
from ostiary.identity.services.guards import lock_person, require_may_change_person
from ostiary.identity.services.sessions import lock_session
from ostiary.identity.session_queries import idle_seconds
from ostiary.policy.identifiers import PersonId, SessionId
from ostiary.visibility.facade import Actor

KEEP_LINKS_DAYS = 90


@transaction.atomic
def revoke_session(*, session_id: SessionId, reason: str, actor: Actor) -> None:
    """End one sign-in, here and at every app.

    Raises:
        UnknownSession: when it has ended already.
        NotAllowed: when it is an administrator's and the actor is neither that person nor an administrator.
    """
    row = lock_session(session_id)
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
