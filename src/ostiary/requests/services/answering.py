"""Answering requests, and what comes by time: substitutes are told, deadlines pass."""

import time
from collections.abc import Iterable
from contextlib import suppress
from datetime import UTC, datetime, timedelta

from django.db import transaction

from ostiary.identity.models import Membership, Person
from ostiary.identity.services.groups import groups_by_id
from ostiary.identity.services.guards import is_eligible, lock_person, parse_reason
from ostiary.identity.services.memberships import put_into_group
from ostiary.policy.identifiers import GroupId
from ostiary.policy.request import Authentication, AuthStrength
from ostiary.requests.approvers import administrators_but, approvers_of, identifiers_of, voter_of
from ostiary.requests.domain import (
    AlreadyAnswered,
    CannotAsk,
    Kind,
    NotYours,
    Request,
    State,
    require_may_answer,
    require_waiting,
)
from ostiary.requests.journal import record_step
from ostiary.requests.models import AccessRequest, Vote
from ostiary.requests.queries import get_request, request_of
from ostiary.requests.services.asking import administrators_alone_give, close, lock_request, via_of
from ostiary.requests.services.immediate import require_fresh_proof
from ostiary.requests.services.letters import LetterKind, owe
from ostiary.requests.services.reviewing import BY_TIME, settle_reviews
from ostiary.visibility.facade import Actor

AT_ONCE = 100


@transaction.atomic
def approve(*, request_id: str, actor: Actor, comment: str = "", proofs: Iterable[Authentication] = ()) -> Request:
    """Grant what was asked for, from now on and for the time that was asked; where several have to agree, agree.

    Returns:
        The request; it still waits where more have to agree. A command on the machine needs nobody else.

    Raises:
        UnknownRequest: when there is no such request.
        NotYours: when somebody else has to answer, and always for one's own.
        AlreadyAnswered: when it does not wait any more.
        CannotAsk: when the account cannot sign in any more, or may not become an administrator any more.
        ProofNeeded: when somebody would become an administrator, and `proofs`, what was proved in the sign-in of whoever
            answers, holds no passkey used lately.
        UnknownGroup: when the group is gone.
    """
    row = lock_request(request_id)
    _require_may_answer(row, actor)
    person = lock_person(row.person_id)
    if not person.may_sign_in:
        raise CannotAsk(f"{person.email} cannot sign in any more.", hint="Refuse the request.")
    group = groups_by_id((GroupId(row.group_id),))[0]
    if row.kind == Kind.ADMINISTRATOR.value:
        _require_may_elevate(row, actor, proofs)
    elif opened := administrators_alone_give(group):
        raise CannotAsk(f"{group.name} opens {opened}, and is not given away by request.")
    words = parse_reason(comment)
    if actor.kind == "person" and not _is_last_vote(row, actor, words):
        record_step(row, actor=actor, change="update", before=State.WAITING.value, comment=words)
        return get_request(row.id)
    ends_at = _start(row) + timedelta(seconds=row.seconds)
    close(row, State.GRANTED, actor=actor, comment=words, ends_at=ends_at)
    put_into_group(group=group, person=person, actor=actor, reason=row.reason, via=via_of(row.id), ends_at=ends_at)
    owe(row, LetterKind.GRANTED, (person,))
    if row.kind == Kind.ADMINISTRATOR.value:
        owe(row, LetterKind.ELEVATED, administrators_but(person))
    record_step(row, actor=actor, change="update", before=State.WAITING.value, comment=words)
    return request_of(row)


@transaction.atomic
def refuse(*, request_id: str, actor: Actor, comment: str = "") -> Request:
    """Refuse what was asked for.

    Raises:
        UnknownRequest, NotYours, AlreadyAnswered: as for `approve`.
    """
    row = lock_request(request_id)
    _require_may_answer(row, actor)
    words = parse_reason(comment)
    close(row, State.REFUSED, actor=actor, comment=words)
    owe(row, LetterKind.REFUSED, (row.person,))
    record_step(row, actor=actor, change="update", before=State.WAITING.value, comment=words)
    return request_of(row)


def settle_requests(*, now: float) -> int:
    """Write down what time decided, of requests and of reviews that are owed. For the worker.

    Requests lapse, and substitutes are told of those that still wait. Reviews are reminded of, or overdue.

    Args:
        now: seconds since the epoch.

    Returns:
        How many were carried out, at most a few hundred at once; each in a transaction of its own.
    """
    moment = datetime.fromtimestamp(now, UTC)
    waiting = AccessRequest.objects.filter(state=State.WAITING.value)
    lapsed = waiting.filter(deadline_at__lte=moment).values_list("pk", flat=True)[:AT_ONCE]
    done = sum(_lapse(request_id) for request_id in list(lapsed))
    due = waiting.filter(substitute_at__lte=moment, deadline_at__gt=moment, substitutes_told=False)
    done += sum(_tell_substitutes(request_id) for request_id in list(due.values_list("pk", flat=True)[:AT_ONCE]))
    return done + settle_reviews(moment=moment)


@transaction.atomic
def _lapse(request_id: str) -> int:
    row = lock_request(request_id)
    if row.state != State.WAITING.value:
        return 0
    close(row, State.LAPSED, actor=BY_TIME)
    owe(row, LetterKind.LAPSED, (row.person,))
    record_step(row, actor=BY_TIME, change="update", before=State.WAITING.value, comment="nobody answered in time")
    return 1


@transaction.atomic
def _tell_substitutes(request_id: str) -> int:
    row = lock_request(request_id)
    if row.state != State.WAITING.value or row.substitutes_told:
        return 0
    AccessRequest.objects.filter(pk=row.pk).update(substitutes_told=True)
    told = identifiers_of(approvers_of(group_id=row.group_id, asker=row.person))
    owe(row, LetterKind.ASKED, tuple(one for one in administrators_but(row.person) if one.id not in told))
    record_step(
        row, actor=BY_TIME, change="update", before=State.WAITING.value, comment="administrators may answer as well"
    )
    return 1


def _require_may_answer(row: AccessRequest, actor: Actor) -> None:
    """Whoever works on the machine itself may answer, as they may add members; people only where it is theirs."""
    request, now = request_of(row), time.time()
    if actor.kind != "person":
        require_waiting(request, now)
        return
    person = Person.objects.filter(pk=actor.id).first()
    if person is None:
        raise NotYours("This request is somebody else's to answer.")
    approvers = identifiers_of(approvers_of(group_id=row.group_id, asker=row.person))
    require_may_answer(request, voter_of(person), approvers, now)


def _require_may_elevate(row: AccessRequest, actor: Actor, proofs: Iterable[Authentication]) -> None:
    if not is_eligible(row.person_id):
        raise CannotAsk(f"{row.person.email} may not become an administrator any more.", hint="Refuse the request.")
    if actor.kind == "person":
        require_fresh_proof(proofs, AuthStrength.PHISHING_RESISTANT)


def _is_last_vote(row: AccessRequest, actor: Actor, comment: str) -> bool:
    """Note that somebody agrees; return whether as many do as are needed. Who may not answer any more does not count.

    Raises:
        AlreadyAnswered: when they have agreed before.
    """
    if row.needed == 1:
        return True
    made = {"at": datetime.now(UTC), "comment": comment}
    _vote, created = Vote.objects.get_or_create(request=row, person_id=actor.id, defaults=made)
    if not created:
        raise AlreadyAnswered("You have agreed already.", hint="Somebody else has to agree as well.")
    approvers, request, now = approvers_of(group_id=row.group_id, asker=row.person), request_of(row), time.time()
    counted = 0
    for vote in Vote.objects.filter(request=row).select_related("person"):
        with suppress(NotYours):
            require_may_answer(request, voter_of(vote.person), identifiers_of(approvers), now)
            counted += 1
    return counted >= row.needed


def _start(row: AccessRequest) -> datetime:
    """Return from when on the time counts: the answer, or the end of what is prolonged."""
    now = datetime.now(UTC)
    held = Membership.objects.filter(person=row.person, via=via_of(row.extends)).first() if row.extends else None
    return max(now, held.ends_at) if held is not None and held.ends_at is not None else now
