"""Closing a campaign, and its report: how things stand while it goes on, what was signed once it is closed."""

import time
from collections import Counter, defaultdict
from datetime import UTC, datetime

from django.conf import settings
from django.db import transaction

from ostiary.identity.services.guards import parse_reason
from ostiary.reviews.domain.campaign import OPEN, Campaign, CannotClose, Item, ItemState
from ostiary.reviews.domain.report import Previous, Report, ReviewerLine, digest_of, encode_report, sign_report
from ostiary.reviews.domain.rubber_stamp import find_rubber_stamping
from ostiary.reviews.journal import record_campaign, record_item
from ostiary.reviews.models import CampaignRow, ItemRow
from ostiary.reviews.queries import campaign_row, every_item, get_campaign, given_of
from ostiary.reviews.services.reminding import lock_campaign
from ostiary.reviews.signing import signing_key
from ostiary.visibility.facade import Actor


@transaction.atomic
def close_campaign(*, campaign_id: str, actor: Actor, statement: str = "", leave_open: bool = False) -> str:
    """Close a campaign and sign its report. Whoever does acknowledges what it says.

    Args:
        campaign_id: which campaign.
        actor: who closes it.
        statement: what they acknowledge, in their words; stands in the report.
        leave_open: close it although something is still to be done: what nobody answered stays as it is, what was
            answered is carried out all the same, and the report names everything that was open.

    Returns:
        The SHA-256 of the report.

    Raises:
        UnknownReview: when there is no such campaign.
        CannotClose: when it is closed, something is still to be done, or nothing is acknowledged.
        UnacceptableText: when the statement cannot be stored.
    """
    row = lock_campaign(campaign_id)
    if row.closed_at is not None:
        raise CannotClose("This review is closed already.")
    items = ItemRow.objects.select_for_update(of=("self",)).filter(campaign=row)
    open_items = list(items.filter(state__in=[one.value for one in OPEN]))
    if open_items and not leave_open:
        raise CannotClose(
            f"{len(open_items)} items are still open.", hint="Have them answered, or leave them open on purpose."
        )
    words = parse_reason(statement)
    if not words:
        raise CannotClose(
            "Say what you acknowledge.", hint="For instance: the access that remains is appropriate for people's work."
        )
    for item in open_items:
        if item.state == ItemState.WAITING.value:
            item.state = ItemState.UNANSWERED.value
            item.save(update_fields=["state"])
            record_item(item, actor=actor, before=ItemState.WAITING.value, comment="nobody answered")
    row.closed_at, row.closed_by, row.statement = datetime.now(UTC), actor.label[:200], words
    row.save()
    payload = encode_report(_write(row.id, final=True))
    row.report, row.signature = payload, sign_report(payload, signing_key(settings.INSTANCE)).decode("ascii")
    row.save(update_fields=["report", "signature"])
    digest = digest_of(payload)
    after = {"closed": True, "left_open": len(open_items), "report_sha256": digest}
    record_campaign(row, actor=actor, change="update", after=after, comment=words)
    return digest


def write_report(campaign_id: str) -> tuple[bytes, bytes]:
    """Return a report's bytes and the signed file: what was signed at closing, or how things stand now.

    Raises:
        UnknownReview: when there is no such campaign.
        MissingSecret: when there is no key to sign with.
    """
    row: CampaignRow = campaign_row(campaign_id)
    if row.signature:
        return bytes(row.report), row.signature.encode("ascii")
    payload = encode_report(_write(campaign_id, final=False))
    return payload, sign_report(payload, signing_key(settings.INSTANCE))


def _write(campaign_id: str, *, final: bool) -> Report:
    instance, campaign, items = settings.INSTANCE, get_campaign(campaign_id), every_item(campaign_id)
    return Report(
        organisation=instance.display_name,
        domain=instance.configuration.domain,
        final=final,
        written_at=time.time(),
        campaign=campaign,
        acknowledged_by=campaign.closed_by,
        reviewers=_reviewers(items),
        items=items,
        alarms=find_rubber_stamping(given_of(items)),
        previous=_previous(campaign),
    )


def _previous(campaign: Campaign) -> Previous | None:
    """Return the last review of the same scope that was closed before this one began: how long ago says how regular it is."""
    rows = CampaignRow.objects.filter(scope=campaign.scope.text, signature__gt="").exclude(pk=campaign.id)
    row = rows.filter(closed_at__lte=datetime.fromtimestamp(campaign.started_at, UTC)).order_by("-closed_at").first()
    if row is None or row.closed_at is None:
        return None
    return Previous(id=row.id, closed_at=row.closed_at.timestamp(), report_sha256=digest_of(bytes(row.report)))


def _reviewers(items: tuple[Item, ...]) -> tuple[ReviewerLine, ...]:
    seats: dict[str, set[str]] = defaultdict(set)
    names: dict[str, str] = {}
    asked = Counter(one.email for item in items for one in item.reviewers)
    answered = Counter(item.answered_by for item in items if item.answer is not None)
    for item in items:
        for one in item.reviewers:
            seats[one.email].add(one.seat.value)
            names[one.email] = one.name
    for who in answered:
        seats.setdefault(who, set())
    return tuple(
        ReviewerLine(
            email=who,
            name=names.get(who, ""),
            seats=tuple(sorted(seats[who])),
            asked=asked[who],
            answered=answered[who],
        )
        for who in sorted(seats)
    )
