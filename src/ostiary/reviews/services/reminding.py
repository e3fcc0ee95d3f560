"""What time brings: reminders, substitutes after the deadline, and word that a campaign can be closed. For the worker."""

from datetime import UTC, datetime, timedelta

from django.conf import settings
from django.db import transaction

from ostiary.identity.models import Person
from ostiary.reviews.domain.campaign import OPEN, ItemState, UnknownReview
from ostiary.reviews.journal import record_campaign
from ostiary.reviews.models import CampaignRow, ItemRow, SeatRow
from ostiary.reviews.queries import campaign_row
from ostiary.reviews.seats import administrators
from ostiary.reviews.services.letters import LetterKind, owe
from ostiary.reviews.services.seating import BY_TIME, ask_substitutes, tend_seats
from ostiary.visibility.facade import Actor


def remind_due(*, now: float) -> int:
    """Remind, ask substitutes, and tell administrators of campaigns that can be closed. Returns how many steps were taken."""
    running = CampaignRow.objects.filter(closed_at=None).values_list("pk", flat=True)
    return sum(_remind_when_due(pk, datetime.fromtimestamp(now, UTC)) for pk in list(running))


@transaction.atomic
def remind(*, campaign_id: str, actor: Actor) -> int:
    """Remind everybody who has something to answer, now; return how many. Nobody is reminded twice within an hour.

    Raises:
        UnknownReview: when there is no such campaign, or it is closed.
    """
    row = lock_campaign(campaign_id)
    if row.closed_at is not None:
        raise UnknownReview("This review is closed.", hint="See which are open: ostiary review list")
    return _remind(row, datetime.now(UTC), actor)


def lock_campaign(campaign_id: str) -> CampaignRow:
    """Return one campaign, locked until the transaction ends.

    Raises:
        UnknownReview: when there is none.
    """
    campaign_row(campaign_id)
    return CampaignRow.objects.select_for_update().get(pk=campaign_id)


@transaction.atomic
def _remind_when_due(campaign_id: str, now: datetime) -> int:
    row = lock_campaign(campaign_id)
    if row.closed_at is not None:
        return 0
    if not ItemRow.objects.filter(campaign=row, state__in=[one.value for one in OPEN]).exists():
        return _tell_ready(row)
    steps = tend_seats(row, now)
    every = timedelta(days=settings.INSTANCE.configuration.reviews.remind_days)
    if now < row.deadline_at:
        return steps + (1 if now >= row.reminded_at + every and _remind(row, now, BY_TIME) else 0)
    if now < (row.escalated_at or row.deadline_at - every) + every:
        return steps
    asked = ask_substitutes(row, now)
    return steps + (1 if asked or _remind(row, now, BY_TIME) else 0)


def _remind(row: CampaignRow, now: datetime, actor: Actor) -> int:
    """Write down one reminder for everybody who has something to answer; within an hour the same is told once."""
    people = _waited_for(row)
    row.reminded_at = now
    row.save(update_fields=["reminded_at"])
    told = owe(row, LetterKind.REMINDED, people, number=int(now.timestamp() // 3600))
    if told:
        record_campaign(row, actor=actor, change="update", after={"reminded": told})
    return told


def _tell_ready(row: CampaignRow) -> int:
    return 1 if owe(row, LetterKind.READY, administrators()) else 0


def _waited_for(row: CampaignRow) -> list[Person]:
    seats = SeatRow.objects.filter(item__campaign=row, item__state=ItemState.WAITING.value).values("person_id")
    return [one for one in Person.objects.filter(pk__in=seats).order_by("email") if one.may_sign_in]
