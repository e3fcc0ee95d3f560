"""Answering items. What an answer asks for is carried out by the worker; handing on is in `handing_on`."""

from datetime import UTC, datetime

from django.db import transaction

from ostiary.errors import OstiaryError
from ostiary.identity.services.guards import parse_end, parse_reason
from ostiary.policy.identifiers import PersonId
from ostiary.reviews.domain.campaign import (
    AlreadyAnswered,
    Answer,
    Item,
    ItemState,
    NotYours,
    Seat,
    UnknownReview,
    UnusableAnswer,
    require_may_answer,
    require_waiting,
)
from ostiary.reviews.holdings import SERVICE
from ostiary.reviews.journal import record_item
from ostiary.reviews.models import ItemRow, SeatRow
from ostiary.reviews.queries import able_person, get_item, item_of
from ostiary.reviews.seats import still_answers
from ostiary.reviews.services.exchanging import require_may_exchange
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
        comment: why; needed where something is kept although the record speaks against it.
        until: when it is to end, for a reduction; seconds since the epoch.
        narrower: the group or role that takes its place, for a reduction; it must open less than what it replaces, and
            be what was suggested, or the reviewer's own to give.
        bulk: whether it is confirmed together with others.

    Raises:
        UnknownReview: when there is no such item.
        NotYours: when somebody else has to answer, and always for one's own.
        AlreadyAnswered: when it does not wait any more.
        UnusableAnswer: when the answer cannot be carried out like this, or lacks its reason.
        UnacceptableText: when the comment or the end cannot be stored.
    """
    row = lock_item(item_id)
    require_may_answer_row(row, actor)
    words, end = parse_reason(comment), parse_end(until)
    _require_usable(row, answer, words, end, narrower)
    if narrower:
        require_may_exchange(row, narrower, actor)
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
        UnusableAnswer: when something cannot be answered as suggested any more; all the others are answered.
    """
    done, unusable = 0, []
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
        except (UnknownReview, NotYours):
            raise
        except OstiaryError as error:
            unusable.append(f"{item.email} in {item.kind} {item.name}: {error.message}")
            continue
        done += 1
    if unusable:
        raise UnusableAnswer(
            f"{len(unusable)} cannot be answered as suggested any more ({unusable[0]}); {done} are answered.",
            hint="Open what is left, and answer it otherwise.",
        )
    return done


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


def require_may_answer_row(row: ItemRow, actor: Actor) -> None:
    """Whoever works on the machine itself may answer, as they may change groups; people only where it is theirs still.

    Raises:
        NotYours: for one's own access, somebody else's item, and for who was asked as what they are not any more.
        AlreadyAnswered: when it does not wait, or its campaign is closed.
    """
    if row.campaign.closed_at is not None:
        raise AlreadyAnswered("This review is closed.")
    if actor.kind != "person":
        require_waiting(ItemState(row.state))
        return
    voter, able = able_person(actor.id)
    seats = {PersonId(one): seat for one, seat in SeatRow.objects.filter(item=row).values_list("person_id", "seat")}
    require_may_answer(PersonId(row.person_id), ItemState(row.state), voter, able, seats)
    delegated = seats[voter] == Seat.DELEGATE.value
    if not delegated and not still_answers(kind=row.kind, name=row.name, person_id=row.person_id, reviewer=voter):
        raise NotYours("You do not answer for this any more.", hint="Whoever does now is asked within minutes.")


def _require_usable(row: ItemRow, answer: Answer, words: str, end: datetime | None, narrower: str) -> None:
    if answer is not Answer.REDUCE and (end is not None or narrower):
        raise UnusableAnswer("Only what is reduced gets an end, or something narrower in its place.")
    if answer is Answer.KEEP and row.suggested in {Answer.REMOVE.value, Answer.REDUCE.value} and not words:
        raise UnusableAnswer("Say why it is kept.", hint="The record of use speaks against keeping it as it is.")
    if answer is Answer.REDUCE:
        _require_reducible(row, end, narrower)


def _require_reducible(row: ItemRow, end: datetime | None, narrower: str) -> None:
    if row.kind == SERVICE:
        raise UnusableAnswer("A service is kept, or closed.", hint="Change what it may do in the rules.")
    if row.via:
        raise UnusableAnswer(
            f"{row.email} has {row.name} by {row.via}, which says until when.", hint="Keep it, or remove it."
        )
    if (end is None) is (not narrower):
        raise UnusableAnswer("Say until when it lasts, or what takes its place: one of both.")
    before = item_of(row).facts.ends_at
    if end is not None and before is not None and before <= end.timestamp():
        raise UnusableAnswer("It ends earlier already.", hint="Keep it, or give an earlier end.")


def has_seat(item_id: str, person_id: PersonId) -> bool:
    """Return whether somebody may see and answer an item."""
    return SeatRow.objects.filter(item_id=item_id, person_id=person_id).exists()
