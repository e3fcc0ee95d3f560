"""Asking, and taking back what one asked for or got."""

import time
from datetime import UTC, datetime

from django.conf import settings
from django.db import transaction
from django.db.models import Q

from ostiary.identity.domain.return_paths import return_path_or_start
from ostiary.identity.facade import Group as GroupInfo
from ostiary.identity.facade import get_group
from ostiary.identity.models import Group, Membership, Person
from ostiary.identity.services.guards import is_administrator, lock_person, parse_reason
from ostiary.identity.services.memberships import take_out_of_group
from ostiary.identity.terms import in_force
from ostiary.policy.identifiers import AppId, GroupId, PersonId
from ostiary.requests.approvers import approvers_of, needed_for
from ostiary.requests.domain import (
    HOUR_SECONDS,
    AlreadyAnswered,
    CannotAsk,
    Kind,
    NotYours,
    Request,
    State,
    UnknownRequest,
    deadlines,
    require_waiting,
)
from ostiary.requests.journal import record_step
from ostiary.requests.models import AccessRequest
from ostiary.requests.queries import get_request, request_of
from ostiary.requests.services.letters import LetterKind, owe
from ostiary.visibility.facade import Actor

MAX_WAITING = 20
"""So many open requests may one person have: every one of them writes to others."""


def via_of(request_id: str) -> str:
    """Return how a membership says that a request brought it."""
    return f"request:{request_id}"


@transaction.atomic
def ask(
    *,
    person_id: PersonId,
    group_id: GroupId,
    seconds: int,
    reason: str,
    actor: Actor,
    app: AppId | None = None,
    return_path: str = "/",
    extends: str = "",
) -> Request:
    """Ask to be in a group for a while.

    Args:
        person_id: for whom.
        group_id: what for; never a builtin group.
        seconds: for how long, from the answer on.
        reason: why; whoever answers reads it.
        actor: who asks.
        app: what they want to open, to say so and to lead back there.
        return_path: the page in it.
        extends: a request of theirs whose access is to go on.

    Raises:
        UnknownGroup, UnknownPerson: when there is no such group or person.
        CannotAsk: when this cannot be asked for.
        UnacceptableText: when the reason cannot be stored.
    """
    person = lock_person(person_id)
    words = parse_reason(reason)
    _require_askable(person, group_id, seconds=seconds, reason=words, extends=extends)
    approvers, needed = approvers_of(group_id=group_id, asker=person), needed_for(group_id)
    if not approvers:
        raise CannotAsk(
            "Nobody but you could answer this.", hint="Name an owner of the group, or a second administrator."
        )
    if len(approvers) < needed:
        raise CannotAsk(
            f"{needed} people have to agree to this, and there are not so many besides you.",
            hint="An administrator can say who else answers.",
        )
    now = time.time()
    substitute_at, deadline_at = deadlines(now, settings.INSTANCE.configuration.access.answer_hours * HOUR_SECONDS)
    row = AccessRequest.objects.create(
        person=person,
        group_id=group_id,
        app=app or "",
        return_path=return_path_or_start(return_path),
        seconds=seconds,
        reason=words,
        asked_at=datetime.fromtimestamp(now, UTC),
        substitute_at=datetime.fromtimestamp(substitute_at, UTC),
        deadline_at=datetime.fromtimestamp(deadline_at, UTC),
        extends=extends,
        needed=needed,
    )
    owe(row, LetterKind.ASKED, approvers)
    owe(row, LetterKind.RECEIVED, (person,))
    record_step(row, actor=actor, change="create", comment=words)
    return request_of(row)


def extend(*, request_id: str, seconds: int, reason: str, actor: Actor) -> Request:
    """Ask for access to go on after its end: once, and of the same people.

    Raises:
        UnknownRequest, CannotAsk, NotYours: when there is nothing to prolong.
    """
    first = get_request(request_id)
    if actor.kind == "person" and actor.id != first.person_id:
        raise NotYours("This is somebody else's access.")
    if first.kind is not Kind.ACCESS:
        raise CannotAsk("This cannot be prolonged.", hint="When it is over, begin anew.")
    return ask(
        person_id=first.person_id,
        group_id=first.group,
        seconds=seconds,
        reason=reason,
        actor=actor,
        app=first.app,
        return_path=first.return_path,
        extends=first.id,
    )


@transaction.atomic
def withdraw(*, request_id: str, actor: Actor) -> None:
    """Take back a request that waits.

    Raises:
        UnknownRequest: when there is no such request.
        NotYours: when it is somebody else's.
        AlreadyAnswered: when it does not wait any more.
    """
    row = lock_request(request_id)
    _require_own(row, actor)
    require_waiting(request_of(row), time.time())
    close(row, State.WITHDRAWN, actor=actor)
    owe(row, LetterKind.WITHDRAWN, (row.person,))
    record_step(row, actor=actor, change="update", before=State.WAITING.value)


@transaction.atomic
def hand_back(*, request_id: str, actor: Actor, reason: str = "") -> None:
    """End access before its time, with what prolongs it or what it prolongs. Its owner may, and administrators.

    Raises:
        UnknownRequest: when there is no such request.
        NotYours: when it is somebody else's, and the actor is no administrator.
        AlreadyAnswered: when there is nothing in force to hand back.
    """
    row = lock_request(request_id)
    _require_own(row, actor, administrators=True)
    if request_of(row).state is not State.GRANTED:
        raise AlreadyAnswered("There is nothing to hand back: this access is not in force.")
    end_now(row, actor=actor, words=parse_reason(reason) or "handed back")


def end_now(row: AccessRequest, *, actor: Actor, words: str) -> None:
    """End what is in force, inside the transaction that is open; whether the actor may has been asked."""
    for one in _of_the_same_access(row, State.WAITING):
        close(one, State.WITHDRAWN, actor=actor)
        record_step(one, actor=actor, change="update", before=State.WAITING.value, comment=words)
    for one in (row, *_of_the_same_access(row, State.GRANTED)):
        # The group itself may be gone meanwhile, and who was in it with it.
        for group in Group.objects.select_for_update().filter(pk=one.group_id):
            take_out_of_group(group=group, person=row.person, actor=actor, reason=words, via=via_of(one.id))
        AccessRequest.objects.filter(pk=one.pk).update(state=State.RETURNED.value, ends_at=datetime.now(UTC))
        one.refresh_from_db()
        record_step(one, actor=actor, change="update", before=State.GRANTED.value, comment=words)
    owe(row, LetterKind.RETURNED, (row.person,))


def lock_request(request_id: str) -> AccessRequest:
    """Return one request, locked until the transaction ends.

    Raises:
        UnknownRequest: when there is none.
    """
    get_request(request_id)
    row = AccessRequest.objects.select_for_update(of=("self",)).select_related("person", "person__manager")
    found = row.filter(pk=request_id).first()
    if found is None:
        raise UnknownRequest("There is no such request.")
    return found


def close(
    row: AccessRequest, state: State, *, actor: Actor, comment: str = "", ends_at: datetime | None = None
) -> None:
    """Give a request that waits its answer. Of several at once, one succeeds.

    Raises:
        AlreadyAnswered: when it does not wait any more.
    """
    answer = {
        "state": state.value,
        "decided_at": datetime.now(UTC),
        "decided_by": actor.label[:200],
        "comment": comment,
        "ends_at": ends_at,
    }
    if not AccessRequest.objects.filter(pk=row.pk, state=State.WAITING.value).update(**answer):
        raise AlreadyAnswered("This request has been answered already.")
    for field, value in answer.items():
        setattr(row, field, value)


def _require_askable(person: Person, group_id: GroupId, *, seconds: int, reason: str, extends: str) -> None:
    group = get_group(group_id)
    longest = settings.INSTANCE.configuration.access.longest_hours
    waiting = AccessRequest.objects.filter(person=person, state=State.WAITING.value, deadline_at__gt=datetime.now(UTC))
    if not settings.INSTANCE.configuration.access.requests:
        raise CannotAsk("Asking for access is switched off here.", hint="It is `access.requests` in ostiary.toml.")
    if not person.may_sign_in:
        raise CannotAsk(f"{person.email} cannot sign in.")
    if opened := administrators_alone_give(group):
        raise CannotAsk(f"{group.name} opens {opened}, and cannot be asked for.", hint="Talk to an administrator.")
    if not reason:
        raise CannotAsk("Say why you need it.", hint="Whoever answers has nothing else to go by.")
    if not 0 < seconds <= longest * HOUR_SECONDS:
        raise CannotAsk(f"Access can be asked for at most {longest} hours.", hint="Choose a shorter time.")
    if waiting.filter(group_id=group_id).exists():
        raise CannotAsk(f"You have asked for {group.name} already.", hint="It waits for an answer.")
    # A request that lapsed and was not written down yet must not stand in the way of the next one.
    AccessRequest.objects.filter(
        person=person, group_id=group_id, state=State.WAITING.value, deadline_at__lte=datetime.now(UTC)
    ).update(state=State.LAPSED.value)
    if waiting.count() >= MAX_WAITING:
        raise CannotAsk(f"{MAX_WAITING} requests of yours wait already.", hint="Withdraw one first.")
    held = Membership.objects.filter(in_force(), person=person, group_id=group_id)
    if extends:
        _require_extendable(extends, person)
    elif held.exists():
        raise CannotAsk(f"You are in {group.name} already.", hint="If an app stays shut, it lacks something else.")


def administrators_alone_give(group: GroupInfo | Group) -> str:
    """Return what a group opens that administrators alone give, by putting people into it; empty for any other group."""
    if group.builtin:
        return "the console"
    emergency = group.id == settings.INSTANCE.configuration.access.emergency_group
    return "emergency access" if emergency else ""


def _require_extendable(request_id: str, person: Person) -> None:
    first = get_request(request_id)
    if first.kind is not Kind.ACCESS:
        raise CannotAsk("This cannot be prolonged.", hint="When it is over, begin anew.")
    if first.person_id != person.id or first.state is not State.GRANTED:
        raise CannotAsk("This access is not in force, so it cannot go on.", hint="Ask anew.")
    again = AccessRequest.objects.filter(extends=first.id).filter(state__in=("waiting", "granted"))
    if first.extends or again.exists():
        raise CannotAsk("Access is prolonged once.", hint="When it is over, ask anew.")


def _of_the_same_access(row: AccessRequest, state: State) -> list[AccessRequest]:
    """Return what prolongs a request, and what it prolongs."""
    rows = AccessRequest.objects.filter(Q(extends=row.id) | Q(pk=row.extends), state=state.value)
    return list(rows.select_related("person").order_by("asked_at"))


def _require_own(row: AccessRequest, actor: Actor, *, administrators: bool = False) -> None:
    if actor.kind != "person" or actor.id == row.person_id:
        return
    person = Person.objects.filter(pk=actor.id).first()
    if administrators and person is not None and person.may_sign_in and is_administrator(person.id):
        return
    raise NotYours("This is somebody else's request.")
