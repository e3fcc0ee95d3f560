"""Handing an item on: somebody else answers in one's place. From whom to whom it went stays with the item."""

from datetime import UTC, datetime

import msgspec
from django.db import transaction

from ostiary.identity.services.guards import find_owner, parse_reason
from ostiary.reviews.domain.campaign import HandedOn, Item, Seat, UnusableAnswer
from ostiary.reviews.journal import record_item
from ostiary.reviews.models import SeatRow
from ostiary.reviews.queries import item_of
from ostiary.reviews.services.answering import lock_item, require_may_answer_row
from ostiary.reviews.services.letters import LetterKind, owe
from ostiary.visibility.facade import Actor


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
        UnusableAnswer: when it would go to whose access it is, or back to somebody who handed it on.
    """
    row = lock_item(item_id)
    require_may_answer_row(row, actor)
    person, words = find_owner(to), parse_reason(comment)
    before = item_of(row).handed_on
    if person.pk == row.person_id:
        raise UnusableAnswer("Nobody reviews their own access.", hint="Choose somebody else.")
    if actor.kind == "person" and person.pk == actor.id:
        raise UnusableAnswer("It is yours already.", hint="Choose somebody else.")
    if person.pk in {one.person_id for one in before}:
        raise UnusableAnswer(f"{person.email} handed it on already.", hint="Answer it, or choose somebody else.")
    now = datetime.now(UTC)
    if actor.kind == "person":
        SeatRow.objects.filter(item=row, person_id=actor.id).delete()
    SeatRow.objects.update_or_create(item=row, person=person, defaults={"seat": Seat.DELEGATE.value, "since": now})
    step = HandedOn(
        by=actor.label[:200],
        person_id=actor.id if actor.kind == "person" else "",
        to=person.email,
        at=now.timestamp(),
        comment=words,
    )
    row.handed_on = msgspec.json.encode((*before, step))
    row.save(update_fields=["handed_on"])
    owe(row.campaign, LetterKind.DELEGATED, (person,), number=int(now.timestamp() // 3600))
    record_item(row, actor=actor, before=row.state, comment=words, more={"delegated_to": person.email})
    return item_of(row)
