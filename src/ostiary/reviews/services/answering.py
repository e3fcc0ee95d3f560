"""Answering items and handing them on. What an answer asks for is carried out by the worker."""

from datetime import UTC, datetime

from django.db import transaction

from ostiary.identity.domain import RoleId
from ostiary.identity.facade import BUILTIN_GROUPS, get_group, get_role
from ostiary.identity.services.guards import find_owner, parse_end, parse_reason
from ostiary.policy.identifiers import GroupId, PersonId
from ostiary.reviews.domain.campaign import (
    AlreadyAnswered,
    Answer,
    Item,
    ItemState,
    Seat,
    UnknownReview,
    UnusableAnswer,
    require_may_answer,
    require_waiting,
)
from ostiary.reviews.gathering import ROLE
from ostiary.reviews.journal import record_item
from ostiary.reviews.models import ItemRow, SeatRow
from ostiary.reviews.queries import able_person, get_item, item_of
from ostiary.reviews.services.letters import LetterKind, owe
from ostiary.visibility.facade import Actor


@transaction.atomic
def answer_item(
    *,
    item_id: str,
    answer: Answer,
    actor: Actor,
    comment: str = "",
    until: float | None = None,
    narrower: str = "",
    bulk: bool = False,
) -> Item:
    """Answer one item, once.

    Args:
        item_id: which item.
        answer: what is to become of it.
        actor: who answers.
        comment: why; needed where something is kept that the record speaks for removing.
        until: when it is to end, for a reduction; seconds since the epoch.
        narrower: the group or role that takes its place, for a reduction.
        bulk: whether it is confirmed together with others.

    Raises:
        UnknownReview: when there is no such item.
        NotYours: when somebody else has to answer, and always for one's own.
        AlreadyAnswered: when it does not wait any more.
        UnusableAnswer: when the answer cannot be carried out like this, or lacks its reason.
        UnacceptableText: when the comment or the end cannot be stored.
    """
    row = lock_item(item_id)
    _require_may_answer(row, actor)
    words, end = parse_reason(comment), parse_end(until)
    _require_usable(row, answer, words, end, narrower)
    before = row.state
    row.state = (ItemState.KEPT if answer is Answer.KEEP else ItemState.OWED).value
    row.answer, row.answered_by, row.answered_at = answer.value, actor.label[:200], datetime.now(UTC)
    row.comment, row.until, row.narrower, row.bulk = words, end, narrower, bulk
    row.save()
    record_item(row, actor=actor, before=before, comment=words, more={"bulk": bulk or None})
    return item_of(row)


def confirm_suggested(*, item_ids: tuple[str, ...], actor: Actor) -> int:
    """Answer several items as the record suggests, each in a transaction of its own; return how many.

    Items that wait no more, and those for which nothing is suggested, are left out.

    Raises:
        UnknownReview, NotYours: as for one; what was answered before stays answered.
    """
    done = 0
    for item_id in dict.fromkeys(item_ids):
        item = get_item(item_id)
        suggested = item.suggestion
        if not suggested.answer:
            continue
        try:
            answer_item(
                item_id=item_id,
                answer=Answer(suggested.answer),
                actor=actor,
                until=suggested.until,
                narrower=suggested.narrower,
                bulk=True,
            )
        except AlreadyAnswered:
            continue
        done += 1
    return done


@transaction.atomic
def delegate_item(*, item_id: str, to: str, actor: Actor, comment: str = "") -> Item:
    """Let somebody else answer in one's place.

    Args:
        item_id: which item.
        to: their address.
        actor: who hands it on; their own seat ends.
        comment: why, for the record.

    Raises:
        UnknownReview, NotYours, AlreadyAnswered: as for answering.
        UnknownPerson: when nobody who can sign in has this address.
        UnusableAnswer: when it would go to whose access it is.
    """
    row = lock_item(item_id)
    _require_may_answer(row, actor)
    person, words = find_owner(to), parse_reason(comment)
    if person.pk == row.person_id:
        raise UnusableAnswer("Nobody reviews their own access.", hint="Choose somebody else.")
    if actor.kind == "person" and person.pk == actor.id:
        raise UnusableAnswer("It is yours already.", hint="Choose somebody else.")
    if actor.kind == "person":
        SeatRow.objects.filter(item=row, person_id=actor.id).delete()
    SeatRow.objects.update_or_create(
        item=row, person=person, defaults={"seat": Seat.DELEGATE.value, "since": datetime.now(UTC)}
    )
    owe(row.campaign, LetterKind.DELEGATED, (person,), number=int(datetime.now(UTC).timestamp() // 3600))
    record_item(row, actor=actor, before=row.state, comment=words, more={"delegated_to": person.email})
    return item_of(row)


def lock_item(item_id: str) -> ItemRow:
    """Return one item, locked until the transaction ends.

    Raises:
        UnknownReview: when there is none.
    """
    get_item(item_id)
    row = ItemRow.objects.select_for_update(of=("self",)).select_related("campaign").filter(pk=item_id).first()
    if row is None:
        raise UnknownReview("There is no such item.")
    return row


def _require_may_answer(row: ItemRow, actor: Actor) -> None:
    """Whoever works on the machine itself may answer, as they may change groups; people only where it is theirs."""
    if row.campaign.closed_at is not None:
        raise AlreadyAnswered("This review is closed.")
    if actor.kind != "person":
        require_waiting(ItemState(row.state))
        return
    voter, able = able_person(actor.id)
    reviewers = {PersonId(one) for one in SeatRow.objects.filter(item=row).values_list("person_id", flat=True)}
    require_may_answer(PersonId(row.person_id), ItemState(row.state), voter, able, reviewers)


def _require_usable(row: ItemRow, answer: Answer, words: str, end: datetime | None, narrower: str) -> None:
    if answer is not Answer.REDUCE and (end is not None or narrower):
        raise UnusableAnswer("Only what is reduced gets an end, or something narrower in its place.")
    if answer is Answer.KEEP and row.suggested == Answer.REMOVE.value and not words:
        raise UnusableAnswer("Say why it is kept.", hint="The record of use speaks for removing it.")
    if answer is Answer.REDUCE:
        _require_reducible(row, end, narrower)


def _require_reducible(row: ItemRow, end: datetime | None, narrower: str) -> None:
    if row.via:
        raise UnusableAnswer(
            f"{row.email} has {row.name} by {row.via}, which says until when.", hint="Keep it, or remove it."
        )
    if (end is None) is (not narrower):
        raise UnusableAnswer("Say until when it lasts, or what takes its place: one of both.")
    before = item_of(row).facts.ends_at
    if end is not None and before is not None and before <= end.timestamp():
        raise UnusableAnswer("It ends earlier already.", hint="Keep it, or give an earlier end.")
    if not narrower:
        return
    if narrower == row.name:
        raise UnusableAnswer("That is what they have.", hint="Name another one.")
    if row.kind == ROLE:
        if set(get_role(RoleId(narrower)).groups) & set(BUILTIN_GROUPS):
            raise UnusableAnswer(f"{narrower} opens the console.", hint="Name another role.")
    elif get_group(GroupId(narrower)).builtin:
        raise UnusableAnswer(f"{narrower} opens the console.", hint="Name another group.")


def has_seat(item_id: str, person_id: PersonId) -> bool:
    """Return whether somebody may see and answer an item."""
    return SeatRow.objects.filter(item_id=item_id, person_id=person_id).exists()
