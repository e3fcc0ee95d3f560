"""Reads of requests."""

import time
from datetime import UTC, datetime

from django.db.models import Q, QuerySet

from ostiary.identity.domain.stored_text import can_be_stored
from ostiary.identity.models import Person
from ostiary.identity.terms import seconds_of
from ostiary.policy.identifiers import AppId, GroupId, PersonId
from ostiary.requests.approvers import approvers_of, identifiers_of, voter_of
from ostiary.requests.domain import Kind, NotYours, Request, State, UnknownRequest, require_may_answer
from ostiary.requests.domain import standing as standing_at
from ostiary.requests.models import AccessRequest
from ostiary.visibility.facade import Page


def get_request(request_id: str) -> Request:
    """Return one request.

    Raises:
        UnknownRequest: when there is none with this identifier.
    """
    row = _rows().filter(pk=request_id).first() if can_be_stored(request_id) else None
    if row is None:
        raise UnknownRequest(
            f"There is no request {str(request_id)[:40]!r}.", hint="See which there are: ostiary request list"
        )
    return request_of(row)


def list_requests(
    *,
    text: str = "",
    state: State | None = None,
    kind: Kind | None = None,
    person_id: PersonId | None = None,
    page: int = 1,
    page_size: int = 50,
) -> Page[Request]:
    """Return requests, the newest first.

    Args:
        text: words, each of which is in the asker's address or name, the group, the app or the reason.
        state: only those that stand so now.
        kind: only those that came about so.
        person_id: only those of one person.
        page: from 1.
        page_size: how many a page holds.
    """
    rows = _rows()
    for word in text.split() if can_be_stored(text) else ():
        rows = rows.filter(
            Q(person__email__icontains=word)
            | Q(person__name__icontains=word)
            | Q(group_id__icontains=word)
            | Q(app__icontains=word)
            | Q(reason__icontains=word)
        )
    if state is not None:
        rows = rows.filter(_standing(state))
    if kind is not None:
        rows = rows.filter(kind=kind.value)
    if person_id is not None:
        rows = rows.filter(person_id=person_id)
    total = rows.count()
    number = min(page, max(1, -(-total // page_size)))
    start = (number - 1) * page_size
    found = rows.order_by("-asked_at", "-pk")[start : start + page_size]
    return Page(items=tuple(map(request_of, found)), total=total, page=number, page_size=page_size)


def requests_to_answer(person_id: PersonId) -> tuple[Request, ...]:
    """Return what waits for somebody's answer now, what lapses first at the top."""
    person = Person.objects.get(pk=person_id)
    waiting = _rows().filter(_standing(State.WAITING)).exclude(person_id=person_id).order_by("deadline_at")
    return tuple(request_of(row) for row in waiting if may_answer(row, person))


def may_answer(row: AccessRequest, person: Person) -> bool:
    """Tell whether somebody may answer a waiting request now, and has not done so already."""
    if any(vote.person_id == person.pk for vote in row.votes.all()):
        return False
    approvers = identifiers_of(approvers_of(group_id=row.group_id, asker=row.person))
    try:
        require_may_answer(request_of(row), voter_of(person), approvers, time.time())
    except NotYours:
        return False
    return True


def request_of(row: AccessRequest) -> Request:
    """Return a stored request as it stands now."""
    ends_at = seconds_of(row.ends_at)
    deadline = row.deadline_at.timestamp()
    return Request(
        id=row.id,
        person_id=PersonId(row.person_id),
        email=row.person.email,
        name=row.person.name,
        group=GroupId(row.group_id),
        app=AppId(row.app) if row.app else None,
        return_path=row.return_path,
        seconds=row.seconds,
        reason=row.reason,
        state=standing_at(State(row.state), deadline_at=deadline, ends_at=ends_at, now=time.time()),
        asked_at=row.asked_at.timestamp(),
        substitute_at=row.substitute_at.timestamp(),
        deadline_at=deadline,
        decided_at=seconds_of(row.decided_at),
        decided_by=row.decided_by,
        comment=row.comment,
        ends_at=ends_at,
        extends=row.extends,
        needed=row.needed,
        kind=Kind(row.kind),
        agreed=tuple(vote.person.email for vote in row.votes.all()) if row.needed > 1 else (),
    )


def _rows() -> QuerySet[AccessRequest]:
    return AccessRequest.objects.select_related("person", "person__manager").prefetch_related("votes__person")


def _standing(state: State) -> Q:
    now = datetime.now(UTC)
    waiting, granted = Q(state=State.WAITING.value), Q(state=State.GRANTED.value)
    match state:
        case State.WAITING:
            return waiting & Q(deadline_at__gt=now)
        case State.LAPSED:
            return Q(state=State.LAPSED.value) | (waiting & Q(deadline_at__lte=now))
        case State.GRANTED:
            return granted & Q(ends_at__gt=now)
        case State.OVER:
            return granted & Q(ends_at__lte=now)
        case _:
            return Q(state=state.value)
