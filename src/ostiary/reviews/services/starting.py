"""Starting a campaign: by hand, and by itself once a quarter."""

from datetime import UTC, datetime

import msgspec
import structlog
from django.conf import settings
from django.db import IntegrityError, transaction

from ostiary.identity.services.guards import parse_name
from ostiary.reviews.domain.campaign import Campaign, CannotStart, quarter_of
from ostiary.reviews.domain.pre_answer import DAY_SECONDS
from ostiary.reviews.domain.scope import Scope, parse_scope
from ostiary.reviews.gathering import Draft, Gathering
from ostiary.reviews.journal import record_campaign
from ostiary.reviews.models import CampaignRow, ItemRow, SeatRow
from ostiary.reviews.queries import get_campaign
from ostiary.reviews.seats import Chain
from ostiary.reviews.services.letters import LetterKind, owe
from ostiary.rulebook.facade import get_current
from ostiary.visibility.facade import Actor

BY_ITSELF = Actor(kind="system", id="reviews", label="the quarterly schedule")
MOST_DAYS = 365
RETRY_SECONDS = 3600.0
_NEXT_TRY: dict[tuple[str, str], float] = {}
"""When this process tries again to start what had nothing to review."""

log = structlog.get_logger(__name__)


def start_campaign(
    *, scope: Scope, actor: Actor, name: str = "", days: int | None = None, quarter: str = ""
) -> Campaign:
    """Start a campaign: every entitlement that the scope covers becomes an item, with the facts of this moment.

    Args:
        scope: what it covers.
        actor: who starts it.
        name: what people read; the scope and the quarter when empty.
        days: until its deadline; as configured when left out.
        quarter: for one that starts by itself; there is one of each quarter.

    Raises:
        CannotStart: when there is nothing to review, or the quarter's has been started.
        UnacceptableText: when the name cannot be stored.
        InvalidRules: when the rules in force cannot be used.
    """
    wanted = settings.INSTANCE.configuration.reviews.answer_days if days is None else days
    if not 1 <= wanted <= MOST_DAYS:
        raise CannotStart(f"A deadline is 1 to {MOST_DAYS} days away.")
    title = parse_name(name) or f"{scope.text}, {quarter_of(datetime.now(UTC).timestamp())}"
    gathering = Gathering(scope)
    drafts = tuple(gathering.drafts())
    if not drafts:
        raise CannotStart(
            f"Nobody holds anything that {scope.text} covers.", hint="Look at the name, or review everything."
        )
    row = CampaignRow(
        name=title,
        scope=scope.text,
        quarter=quarter or None,
        started_at=datetime.fromtimestamp(gathering.now, UTC),
        started_by=actor.label[:200],
        deadline_at=datetime.fromtimestamp(gathering.now + wanted * DAY_SECONDS, UTC),
        reminded_at=datetime.fromtimestamp(gathering.now, UTC),
        seats_at=datetime.fromtimestamp(gathering.now, UTC),
        since=datetime.fromtimestamp(gathering.since, UTC),
        rules=get_current().number,
    )
    try:
        _store(row, drafts, actor)
    except IntegrityError:
        raise CannotStart(f"The review of {quarter} has been started already.") from None
    return get_campaign(row.id)


def start_due(*, now: float) -> int:
    """Start this quarter's campaign where reviews are configured and it was not started yet. For the worker.

    Where there is nothing to review, this is tried again each hour; the console's overview says that it is missing.

    Returns:
        How many were started.
    """
    reviews, quarter = settings.INSTANCE.configuration.reviews, quarter_of(now)
    if reviews.every != "quarter" or CampaignRow.objects.filter(quarter=quarter).exists():
        return 0
    if now < _NEXT_TRY.get((quarter, reviews.scope), 0.0):
        return 0
    try:
        start_campaign(scope=parse_scope(reviews.scope), actor=BY_ITSELF, quarter=quarter)
    except CannotStart as error:
        _NEXT_TRY[quarter, reviews.scope] = now + RETRY_SECONDS
        log.warning("review_not_started", quarter=quarter, scope=reviews.scope, error=error.message)
        return 0
    return 1


@transaction.atomic
def _store(row: CampaignRow, drafts: tuple[Draft, ...], actor: Actor) -> None:
    row.save(force_insert=True)
    items = [_item(row, draft) for draft in drafts]
    ItemRow.objects.bulk_create(items, batch_size=500)
    chain, seats, people = Chain(), [], {}
    for item in items:
        tiers = chain.tiers(kind=item.kind, name=item.name, person_id=item.person_id)
        for seat, reviewers in tiers[:1]:
            for one in reviewers:
                people[one.pk] = one
                seats.append(SeatRow(item=item, person=one, seat=seat.value, since=row.started_at))
    SeatRow.objects.bulk_create(seats, batch_size=500)
    owe(row, LetterKind.ASKED, people.values())
    record_campaign(
        row,
        actor=actor,
        change="create",
        after={
            "items": len(items),
            "reviewers": len(people),
            "without_reviewer": len(items) - len({one.item_id for one in seats}),
            "deadline_at": row.deadline_at.isoformat(),
            "rules": row.rules,
        },
    )


def _item(row: CampaignRow, draft: Draft) -> ItemRow:
    holding = draft.holding
    return ItemRow(
        campaign=row,
        person_id=holding.person_id,
        email=draft.email,
        person=draft.person,
        kind=holding.kind,
        name=holding.name,
        title=draft.title,
        via=holding.via,
        facts=msgspec.json.encode(draft.facts),
        suggestion=msgspec.json.encode(draft.suggestion),
        suggested=draft.suggestion.answer,
    )
