"""Reads of campaigns and their items."""

from collections.abc import Collection, Iterable

import msgspec
from django.db.models import Count, Prefetch, Q, QuerySet

from ostiary.identity.domain.stored_text import can_be_stored
from ostiary.identity.models import Person
from ostiary.identity.terms import seconds_of
from ostiary.policy.identifiers import PersonId
from ostiary.reviews.domain.campaign import (
    OPEN,
    Answer,
    Campaign,
    HandedOn,
    Item,
    ItemState,
    Progress,
    Reviewer,
    Seat,
    UnknownReview,
)
from ostiary.reviews.domain.facts import Facts, ReadBack, Suggestion
from ostiary.reviews.domain.rubber_stamp import Alarm, Given, find_rubber_stamping
from ostiary.reviews.domain.scope import parse_scope
from ostiary.reviews.models import CampaignRow, ItemRow, SeatRow
from ostiary.visibility.facade import Page

_LOSSES = (ItemState.OWED, ItemState.CARRIED_OUT, ItemState.ELSEWHERE, ItemState.SETTLED)


def get_campaign(campaign_id: str) -> Campaign:
    """Return one campaign.

    Raises:
        UnknownReview: when there is none with this identifier.
    """
    return campaign_of(campaign_row(campaign_id))


def campaign_row(campaign_id: str) -> CampaignRow:
    """Return one stored campaign.

    Raises:
        UnknownReview: when there is none with this identifier.
    """
    row = _campaigns().filter(pk=campaign_id).first() if can_be_stored(campaign_id) else None
    if row is None:
        raise UnknownReview(
            f"There is no review {str(campaign_id)[:40]!r}.", hint="See which there are: ostiary review list"
        )
    return row


def list_campaigns(*, text: str = "", page: int = 1, page_size: int = 50) -> Page[Campaign]:
    """Return campaigns, the newest first.

    Args:
        text: words, each of which is in the name or the scope.
        page: from 1.
        page_size: how many a page holds.
    """
    rows = _campaigns()
    for word in text.split() if can_be_stored(text) else ():
        rows = rows.filter(Q(name__icontains=word) | Q(scope__icontains=word) | Q(pk=word))
    total = rows.count()
    number = min(max(page, 1), max(1, -(-total // page_size)))
    start = (number - 1) * page_size
    found = rows.order_by("-started_at", "-pk")[start : start + page_size]
    return Page(items=tuple(map(campaign_of, found)), total=total, page=number, page_size=page_size)


def get_item(item_id: str) -> Item:
    """Return one item.

    Raises:
        UnknownReview: when there is none with this identifier.
    """
    row = _items().filter(pk=item_id).first() if can_be_stored(item_id) else None
    if row is None:
        raise UnknownReview(
            f"There is no item {str(item_id)[:40]!r}.", hint="See a review's items: ostiary review show REVIEW"
        )
    return item_of(row)


def list_items(
    campaign_id: str, *, text: str = "", state: ItemState | None = None, page: int = 1, page_size: int = 50
) -> Page[Item]:
    """Return a campaign's items, by person.

    Args:
        campaign_id: which campaign.
        text: words, each of which is in the person's address or name, or the group or role.
        state: only those that stand so.
        page: from 1.
        page_size: how many a page holds.
    """
    rows = _items().filter(campaign_id=campaign_id)
    for word in text.split() if can_be_stored(text) else ():
        rows = rows.filter(Q(email__icontains=word) | Q(person__icontains=word) | Q(name__icontains=word))
    if state is not None:
        rows = rows.filter(state=state.value)
    total = rows.count()
    number = min(max(page, 1), max(1, -(-total // page_size)))
    start = (number - 1) * page_size
    found = rows.order_by("email", "kind", "name", "via")[start : start + page_size]
    return Page(items=tuple(map(item_of, found)), total=total, page=number, page_size=page_size)


def every_item(campaign_id: str) -> tuple[Item, ...]:
    """Return all of a campaign's items, by person."""
    rows = _items().filter(campaign_id=campaign_id).order_by("email", "kind", "name", "via")
    return tuple(map(item_of, rows))


def items_to_answer(person_id: PersonId, *, page: int = 1, page_size: int = 100) -> Page[Item]:
    """Return what waits for somebody's answer, what is due first at the top.

    Args:
        person_id: whose answer.
        page: from 1.
        page_size: how many a page holds.
    """
    rows = _to_answer(_items(), person_id)
    total = rows.count()
    number = min(max(page, 1), max(1, -(-total // page_size)))
    start = (number - 1) * page_size
    found = rows.order_by("campaign__deadline_at", "campaign_id", "kind", "name", "email", "pk")
    return Page(
        items=tuple(map(item_of, found[start : start + page_size])), total=total, page=number, page_size=page_size
    )


def items_chosen(person_id: PersonId, item_ids: Collection[str]) -> tuple[Item, ...]:
    """Return those of some items that wait for somebody's answer."""
    wanted = [one for one in item_ids if can_be_stored(one)]
    rows = _to_answer(_items(), person_id).filter(pk__in=wanted)
    return tuple(map(item_of, rows.order_by("campaign__deadline_at", "campaign_id", "kind", "name", "email", "pk")))


def count_to_answer(person_id: PersonId, *, campaign_id: str = "") -> int:
    """Return how many items wait for somebody's answer, in one campaign or in all."""
    rows = _to_answer(ItemRow.objects.all(), person_id)
    return (rows.filter(campaign_id=campaign_id) if campaign_id else rows).count()


def _to_answer(rows: QuerySet[ItemRow], person_id: PersonId) -> QuerySet[ItemRow]:
    waiting = rows.filter(state=ItemState.WAITING.value, campaign__closed_at=None, pk__in=_seated(person_id))
    return waiting.exclude(person_id=person_id)


def items_answered(person_id: PersonId, *, limit: int = 50) -> tuple[Item, ...]:
    """Return what somebody may see that needs no answer any more, the latest first."""
    rows = _items().filter(pk__in=_seated(person_id)).exclude(state=ItemState.WAITING.value)
    return tuple(map(item_of, rows.exclude(answered_at=None).order_by("-answered_at")[:limit]))


def _seated(person_id: str) -> QuerySet[SeatRow, str]:
    return SeatRow.objects.filter(person_id=person_id).values_list("item_id", flat=True)


def alarms_of(campaign_id: str) -> tuple[Alarm, ...]:
    """Return the signs that somebody answered without looking."""
    rows = ItemRow.objects.filter(campaign_id=campaign_id).exclude(answer="")
    read = rows.values_list("answered_by", "answered_at", "answer", "suggested", "bulk")
    return find_rubber_stamping(
        Given(reviewer=by, at=at.timestamp() if at else 0.0, answer=answer, suggested=suggested, bulk=bulk)
        for by, at, answer, suggested, bulk in read
    )


def given_of(items: Iterable[Item]) -> list[Given]:
    """Return the answers of items."""
    return [
        Given(
            reviewer=one.answered_by,
            at=one.answered_at or 0.0,
            answer=one.answer.value,
            suggested=one.suggestion.answer,
            bulk=one.bulk,
        )
        for one in items
        if one.answer is not None
    ]


def campaign_of(row: CampaignRow) -> Campaign:
    """Return a stored campaign with how far it is."""
    return Campaign(
        id=row.id,
        name=row.name,
        scope=parse_scope(row.scope),
        quarter=row.quarter or "",
        started_at=row.started_at.timestamp(),
        started_by=row.started_by,
        deadline_at=row.deadline_at.timestamp(),
        since=row.since.timestamp(),
        rules=row.rules,
        progress=Progress(**{field: int(getattr(row, f"n_{field}", 0)) for field in Progress.__struct_fields__}),
        closed_at=seconds_of(row.closed_at),
        closed_by=row.closed_by,
        statement=row.statement,
    )


def item_of(row: ItemRow) -> Item:
    """Return a stored item."""
    return Item(
        id=row.id,
        campaign=row.campaign_id,
        person_id=PersonId(row.person_id),
        email=row.email,
        person=row.person,
        kind=row.kind,
        name=row.name,
        title=row.title,
        via=row.via,
        facts=msgspec.json.decode(bytes(row.facts), type=Facts),
        suggestion=msgspec.json.decode(bytes(row.suggestion), type=Suggestion),
        state=ItemState(row.state),
        reviewers=tuple(
            Reviewer(
                person_id=PersonId(one.person_id), email=one.person.email, name=one.person.name, seat=Seat(one.seat)
            )
            for one in row.seats.all()
        ),
        answer=Answer(row.answer) if row.answer else None,
        answered_at=seconds_of(row.answered_at),
        answered_by=row.answered_by,
        comment=row.comment,
        until=seconds_of(row.until),
        narrower=row.narrower,
        bulk=row.bulk,
        trouble=row.trouble,
        carried_out_at=seconds_of(row.carried_out_at),
        read_back=msgspec.json.decode(bytes(row.read_back), type=ReadBack) if row.read_back else None,
        handed_on=msgspec.json.decode(bytes(row.handed_on), type=tuple[HandedOn, ...]) if row.handed_on else (),
    )


def _campaigns() -> QuerySet[CampaignRow]:
    def number(where: Q) -> Count:
        return Count("items", filter=where)

    states, losses = Q(items__state__in=[one.value for one in OPEN]), Q(items__state__in=[one.value for one in _LOSSES])
    return CampaignRow.objects.annotate(
        n_items=Count("items"),
        n_waiting=number(Q(items__state=ItemState.WAITING.value)),
        n_kept=number(Q(items__state=ItemState.KEPT.value)),
        n_reduced=number(losses & Q(items__answer=Answer.REDUCE.value)),
        n_removed=number(losses & Q(items__answer=Answer.REMOVE.value)),
        n_open=number(states),
        n_gone=number(Q(items__state=ItemState.GONE.value)),
        n_unanswered=number(Q(items__state=ItemState.UNANSWERED.value)),
    )


def _items() -> QuerySet[ItemRow]:
    seats = SeatRow.objects.select_related("person").order_by("person__email")
    return ItemRow.objects.prefetch_related(Prefetch("seats", queryset=seats))


def able_person(person_id: str) -> tuple[PersonId, bool]:
    """Return somebody's identifier, and whether they can sign in; nobody can who is not known."""
    person = Person.objects.filter(pk=person_id).first()
    return PersonId(person_id), person is not None and person.may_sign_in
