"""Who is asked while a campaign goes on: others when whoever was asked left or changed, substitutes after the deadline."""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import Final

from django.db.models import Prefetch

from ostiary.identity.models import Person
from ostiary.reviews.domain.campaign import ItemState, Seat
from ostiary.reviews.journal import record_campaign
from ostiary.reviews.models import CampaignRow, ItemRow, SeatRow
from ostiary.reviews.seats import Chain, Tier
from ostiary.reviews.services.letters import LetterKind, owe
from ostiary.visibility.facade import Actor

BY_TIME: Final = Actor(kind="system", id="reviews", label="access reviews")
EVERY: Final = timedelta(minutes=10)


def tend_seats(row: CampaignRow, now: datetime) -> int:
    """Every ten minutes: who does not answer for something any more loses the seat, and nothing waits for nobody.

    Inside a transaction that holds the campaign.

    Returns:
        How many steps were taken: 1 or 0.
    """
    if row.seats_at is not None and now < row.seats_at + EVERY:
        return 0
    row.seats_at = now
    row.save(update_fields=["seats_at"])
    stale: list[int] = []
    fresh: list[SeatRow] = []
    for item, tiers in _waiting(row):
        standing = {one.pk for _seat, people in tiers for one in people}
        seats = list(item.seats.all())
        left = [one for one in seats if one.seat == Seat.DELEGATE.value or one.person_id in standing]
        stale += [one.pk for one in seats if one not in left]
        if any(one.person.may_sign_in for one in left):
            continue
        seated = {one.person_id for one in left}
        for seat, people in tiers[:1]:
            fresh += [_seat(item, one, seat, now) for one in people if one.pk not in seated]
    SeatRow.objects.filter(pk__in=stale).delete()
    return _ask(row, fresh, LetterKind.ASKED, now, why="whoever was asked does not answer for it any more")


def ask_substitutes(row: CampaignRow, now: datetime) -> int:
    """Ask whoever is next in the chain for each item that still waits; each time one step further.

    Inside a transaction that holds the campaign.

    Returns:
        1, or 0 when nobody is left to ask.
    """
    row.escalated, row.escalated_at = row.escalated + 1, now
    row.save(update_fields=["escalated", "escalated_at"])
    fresh: list[SeatRow] = []
    for item, tiers in _waiting(row):
        seated = {one.person_id for one in item.seats.all()}
        left = ([one for one in people if one.pk not in seated] for _tier, people in tiers)
        fresh += [_seat(item, one, Seat.SUBSTITUTE, now) for one in next(filter(None, left), [])]
    return _ask(row, fresh, LetterKind.ESCALATED, now, why="its deadline has passed")


def _waiting(row: CampaignRow) -> Iterator[tuple[ItemRow, tuple[Tier, ...]]]:
    chain, seats = Chain(), SeatRow.objects.select_related("person")
    rows = ItemRow.objects.filter(campaign=row, state=ItemState.WAITING.value).defer("facts", "suggestion", "read_back")
    for item in rows.prefetch_related(Prefetch("seats", queryset=seats)):
        yield item, chain.tiers(kind=item.kind, name=item.name, person_id=item.person_id)


def _seat(item: ItemRow, person: Person, seat: Seat, now: datetime) -> SeatRow:
    return SeatRow(item=item, person=person, seat=seat.value, since=now)


def _ask(row: CampaignRow, seats: Iterable[SeatRow], kind: LetterKind, now: datetime, *, why: str) -> int:
    made = SeatRow.objects.bulk_create(seats, batch_size=500)
    if not made:
        return 0
    people = {one.person_id: one.person for one in made}
    owe(row, kind, people.values(), number=int(now.timestamp() // 3600))
    asked = sorted(one.email for one in people.values())
    after = {"substitutes" if kind is LetterKind.ESCALATED else "asked": asked}
    record_campaign(row, actor=BY_TIME, change="update", after=after, comment=why)
    return 1
