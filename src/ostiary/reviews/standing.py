"""What about reviews needs an administrator now. Reads only."""

import time

import msgspec
from django.conf import settings
from django.db.models import Count, Q

from ostiary.reviews.domain.campaign import ItemState, quarter_of
from ostiary.reviews.models import CampaignRow, ItemRow
from ostiary.reviews.queries import alarms_of


class OpenReview(msgspec.Struct, frozen=True, kw_only=True):
    """An open campaign that needs somebody.

    Args:
        alarms: how many signs there are that somebody answered without looking.
        late: how many items still wait although the deadline has passed.
        nobodys: how many items wait for nobody but the machine's operator.
    """

    id: str
    name: str
    alarms: int = 0
    late: int = 0
    nobodys: int = 0


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """How reviews stand.

    Args:
        reviews: the open ones that need somebody, the oldest first.
        missing: the quarter whose review should have begun by itself and has not; empty when none is missing.
        scope: what that one should cover.
    """

    reviews: tuple[OpenReview, ...] = ()
    missing: str = ""
    scope: str = ""


def read_standing() -> Standing:
    """Return what an administrator has to look at: few queries, however many items there are."""
    waiting = Q(items__state=ItemState.WAITING.value)
    rows = CampaignRow.objects.filter(closed_at=None).annotate(n_waiting=Count("items", filter=waiting))
    unseated = ItemRow.objects.filter(state=ItemState.WAITING.value, campaign__closed_at=None, seats=None)
    nobodys = dict(unseated.order_by().values_list("campaign_id").annotate(number=Count("pk")))
    now = time.time()
    reviews = [
        OpenReview(
            id=row.id,
            name=row.name,
            alarms=len(alarms_of(row.id)),
            late=row.n_waiting if row.deadline_at.timestamp() < now else 0,
            nobodys=nobodys.get(row.id, 0),
        )
        for row in rows.order_by("started_at")
    ]
    configured, quarter = settings.INSTANCE.configuration.reviews, quarter_of(now)
    due = configured.every == "quarter" and not CampaignRow.objects.filter(quarter=quarter).exists()
    return Standing(
        reviews=tuple(one for one in reviews if one.alarms or one.late or one.nobodys),
        missing=quarter if due else "",
        scope=configured.scope if due else "",
    )
