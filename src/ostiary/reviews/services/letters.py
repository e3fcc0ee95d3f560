"""Mails about reviews: owed in the transaction of a step, sent by the worker, noted when they are.

A crash between sending and noting sends a mail again, with the same Message-ID; none is lost.
"""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Final

import structlog
from django.conf import settings
from django.core.mail import EmailMessage
from django.template.loader import render_to_string

from ostiary.identity.models import Person
from ostiary.policy.identifiers import PersonId
from ostiary.reviews.models import CampaignRow, LetterRow
from ostiary.reviews.queries import count_to_answer

AT_ONCE: Final = 50
FIRST_WAIT_SECONDS: Final = 60
LONGEST_WAIT_SECONDS: Final = 3600
GIVE_UP: Final = timedelta(days=3)

log = structlog.get_logger(__name__)


class LetterKind(StrEnum):
    """What a letter tells of."""

    ASKED = "asked"
    REMINDED = "reminded"
    ESCALATED = "escalated"
    DELEGATED = "delegated"
    READY = "ready"


def owe(row: CampaignRow, kind: LetterKind, people: Iterable[Person], *, number: int = 0) -> int:
    """Write down that people are to be told, inside the transaction of the step; the same is told once.

    Returns:
        How many are told that were not yet.
    """
    now = datetime.now(UTC)
    told = 0
    for one in people:
        given = {"written_at": now, "next_try_at": now}
        _row, created = LetterRow.objects.get_or_create(
            campaign=row, to=one, kind=kind.value, number=number, defaults=given
        )
        told += created
    return told


def send_review_letters(*, now: float) -> int:
    """Send what is owed; what the mail server does not take is tried again, ever later, for some days. For the worker.

    Args:
        now: seconds since the epoch.

    Returns:
        How many were sent.
    """
    moment = datetime.fromtimestamp(now, UTC)
    owed = LetterRow.objects.filter(sent_at=None, next_try_at__lte=moment, written_at__gt=moment - GIVE_UP)
    rows = owed.select_related("campaign", "to").order_by("next_try_at", "pk")[:AT_ONCE]
    return sum(_send(row, moment) for row in list(rows))


def _send(letter: LetterRow, now: datetime) -> int:
    waiting = count_to_answer(PersonId(letter.to_id), campaign_id=letter.campaign_id)
    stale = letter.kind != LetterKind.READY.value and not waiting
    if stale or not letter.to.may_sign_in or letter.campaign.closed_at is not None:
        LetterRow.objects.filter(pk=letter.pk).delete()
        return 0
    try:
        _message(letter, waiting).send()
    except Exception as error:
        wait = min(FIRST_WAIT_SECONDS * 2 ** min(letter.tries, 10), LONGEST_WAIT_SECONDS)
        LetterRow.objects.filter(pk=letter.pk).update(tries=letter.tries + 1, next_try_at=now + timedelta(seconds=wait))
        log.error("review_mail_not_sent", review=letter.campaign_id, kind=letter.kind, error=str(error))
        return 0
    LetterRow.objects.filter(pk=letter.pk).update(sent_at=now, tries=letter.tries + 1)
    return 1


def _message(letter: LetterRow, waiting: int) -> EmailMessage:
    instance, campaign = settings.INSTANCE, letter.campaign
    ready = letter.kind == LetterKind.READY.value
    host = instance.console_host if ready else instance.identity_host
    path = f"/reviews/{campaign.id}/" if ready else "/reviews"
    shown = {
        "organisation": instance.display_name,
        "contact": instance.configuration.contact,
        "kind": letter.kind,
        "campaign": campaign.name,
        "waiting": waiting,
        "deadline_at": campaign.deadline_at.strftime("%Y-%m-%d %H:%M UTC"),
        "link": instance.url(host, path),
    }
    subject, _, body = render_to_string("reviews/mail/letter.txt", shown).partition("\n")
    identifier = f"<review-letter-{letter.pk}.{campaign.id}@{instance.configuration.domain}>"
    return EmailMessage(
        " ".join(subject.split()), body.strip() + "\n", to=[letter.to.email], headers={"Message-ID": identifier}
    )
