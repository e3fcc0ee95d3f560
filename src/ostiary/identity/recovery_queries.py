"""Reads of recoveries: who asks, from where, and what became of it."""

import time
from datetime import UTC, datetime

from django.db.models import Q, QuerySet

from ostiary.identity.domain.recoveries import RecoveryInfo, RecoveryState
from ostiary.identity.domain.stored_text import can_be_stored
from ostiary.identity.errors import UnknownRecovery
from ostiary.identity.models import Recovery, SignInSession
from ostiary.identity.queries import methods_of
from ostiary.identity.terms import seconds_of
from ostiary.policy.identifiers import PersonId
from ostiary.visibility.facade import Page


def search_recoveries(
    *, text: str = "", waiting: bool = False, manager: PersonId | None = None, page: int = 1, page_size: int = 50
) -> Page[RecoveryInfo]:
    """Return recoveries, the newest first.

    Args:
        text: words that must all stand in the name or the address; empty for everybody.
        waiting: only those that wait for an answer.
        manager: only those of people who report to this person.
        page: from 1; one beyond the end is the last one.
        page_size: recoveries a page.
    """
    rows = _rows().order_by("-asked_at", "pk")
    if not can_be_stored(text):
        rows = rows.none()
    for word in text.split():
        rows = rows.filter(Q(person__name__icontains=word) | Q(person__email__icontains=word))
    if waiting:
        rows = rows.filter(state=Recovery.State.ASKED, expires_at__gt=datetime.now(UTC), person__is_active=True)
    if manager is not None:
        rows = rows.filter(person__manager_id=manager)
    total = rows.count()
    number = min(max(page, 1), max(1, -(-total // page_size)))
    found = tuple(map(recovery_of, rows[(number - 1) * page_size : number * page_size]))
    return Page(items=found, total=total, page=number, page_size=page_size)


def get_recovery(recovery_id: str) -> RecoveryInfo:
    """Return one recovery.

    Raises:
        UnknownRecovery: when there is none with this identifier.
    """
    row = _rows().filter(pk=recovery_id).first() if can_be_stored(recovery_id) else None
    if row is None:
        raise UnknownRecovery("There is no such recovery.", hint="List them: ostiary user recovery list")
    return recovery_of(row)


def recovery_of(row: Recovery) -> RecoveryInfo:
    """Return a recovery as other rooms see it; one that nobody answered in time has lapsed."""
    person, state = row.person, RecoveryState(row.state)
    over = row.expires_at.timestamp() <= time.time()
    if over and state in {RecoveryState.ASKED, RecoveryState.CONFIRMED}:
        state = RecoveryState.LAPSED
    sessions = SignInSession.objects.filter(person=person, complete=True).order_by("-last_seen_at")
    return RecoveryInfo(
        id=row.id,
        person_id=PersonId(person.id),
        email=person.email,
        name=person.name,
        state=state,
        asked_at=row.asked_at.timestamp(),
        expires_at=row.expires_at.timestamp(),
        address=row.address,
        user_agent=row.user_agent,
        answered_at=seconds_of(row.answered_at),
        answered_by=row.answered_by,
        reason=row.reason,
        manager=person.manager.email if person.manager else "",
        factors=methods_of(person, person.authenticator_set.all()),  # type: ignore[attr-defined]
        password_set_at=seconds_of(person.password_set_at),
        password_by_mail=person.password_by_mail,
        known_addresses=tuple(dict.fromkeys(filter(None, sessions.values_list("address", flat=True)[:10]))),
    )


def _rows() -> QuerySet[Recovery]:
    return Recovery.objects.select_related("person", "person__manager").prefetch_related("person__authenticator_set")
