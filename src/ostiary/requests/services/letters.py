"""Mails about requests: owed in the transaction of a step, sent by the worker, noted when they are.

A crash between sending and noting sends a mail again, with the same Message-ID; none is lost.
"""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Final

import structlog
from django.conf import settings
from django.core import signing
from django.core.mail import EmailMessage
from django.template.loader import render_to_string

from ostiary.identity.models import Group, Person
from ostiary.requests.domain import State
from ostiary.requests.models import AccessRequest, EmergencyReview, Letter
from ostiary.requests.queries import request_of

SALT: Final = "ostiary.requests.answer"
AT_ONCE: Final = 50
FIRST_WAIT_SECONDS: Final = 60
LONGEST_WAIT_SECONDS: Final = 3600
GIVE_UP: Final = timedelta(days=3)
MAX_TOKEN_CHARACTERS: Final = 300

log = structlog.get_logger(__name__)


class LetterKind(StrEnum):
    """What a letter tells of."""

    ASKED = "asked"
    RECEIVED = "received"
    GRANTED = "granted"
    REFUSED = "refused"
    LAPSED = "lapsed"
    WITHDRAWN = "withdrawn"
    RETURNED = "returned"
    EMERGENCY = "emergency"
    REMINDER = "reminder"
    OVERDUE = "overdue"
    REVIEWED = "reviewed"
    ELEVATED = "elevated"


def owe(row: AccessRequest, kind: LetterKind, people: Iterable[Person]) -> None:
    """Write down that people are to be told, inside the transaction of the step; the same is told once."""
    now = datetime.now(UTC)
    letters = [Letter(request=row, to=one, kind=kind.value, written_at=now, next_try_at=now) for one in people]
    Letter.objects.bulk_create(letters, ignore_conflicts=True)


def answer_token(request_id: str, person_id: str) -> str:
    """Return what the link in a mail carries: which request, and whose answer; signed with the instance's key."""
    return signing.dumps([request_id, person_id], salt=SALT)


def read_answer_token(token: str) -> tuple[str, str] | None:
    """Return the request and the person of a link that this instance made; `None` for any other text."""
    if len(token) > MAX_TOKEN_CHARACTERS:
        return None
    try:
        read = signing.loads(token, salt=SALT)
    except (signing.BadSignature, ValueError):
        return None
    return (str(read[0]), str(read[1])) if isinstance(read, list) and len(read) == 2 else None


def send_letters(*, now: float) -> int:
    """Send what is owed; what the mail server does not take is tried again, ever later, for some days. For the worker.

    Args:
        now: seconds since the epoch.

    Returns:
        How many were sent.
    """
    moment = datetime.fromtimestamp(now, UTC)
    owed = Letter.objects.filter(sent_at=None, next_try_at__lte=moment, written_at__gt=moment - GIVE_UP)
    rows = owed.select_related("request", "request__person", "to").order_by("next_try_at", "pk")[:AT_ONCE]
    return sum(_send(row, moment) for row in list(rows))


def _send(letter: Letter, now: datetime) -> int:
    if not letter.to.may_sign_in or _is_stale(letter):
        Letter.objects.filter(pk=letter.pk).delete()
        return 0
    try:
        _message(letter).send()
    except Exception as error:
        wait = min(FIRST_WAIT_SECONDS * 2 ** min(letter.tries, 10), LONGEST_WAIT_SECONDS)
        Letter.objects.filter(pk=letter.pk).update(tries=letter.tries + 1, next_try_at=now + timedelta(seconds=wait))
        log.error("request_mail_not_sent", request=letter.request_id, kind=letter.kind, error=str(error))
        return 0
    Letter.objects.filter(pk=letter.pk).update(sent_at=now, tries=letter.tries + 1)
    return 1


def _is_stale(letter: Letter) -> bool:
    """Whether a letter asks for an answer that nobody has to give any more."""
    if letter.kind in {LetterKind.REMINDER.value, LetterKind.OVERDUE.value}:
        return not EmergencyReview.objects.filter(pk=letter.request_id, answered_at=None).exists()
    return letter.kind == LetterKind.ASKED.value and request_of(letter.request).state is not State.WAITING


def _message(letter: Letter) -> EmailMessage:
    instance, request = settings.INSTANCE, request_of(letter.request)
    group = Group.objects.filter(pk=request.group).first()
    review = EmergencyReview.objects.filter(pk=request.id).first()
    shown = {
        "organisation": instance.display_name,
        "contact": instance.configuration.contact,
        "kind": letter.kind,
        "request": request,
        "who": request.name or request.email,
        "group": group.name if group else request.group,
        "hours": max(1, round(request.seconds / 3600)),
        "ends_at": _words(request.ends_at),
        "deadline_at": _words(request.deadline_at),
        "mine": letter.to_id == request.person_id,
        "review": review,
        "due_at": _words(review.due_at.timestamp()) if review else "",
        "link": _link(letter),
    }
    subject, _, body = render_to_string("requests/mail/letter.txt", shown).partition("\n")
    identifier = f"<request-letter-{letter.pk}.{request.id}@{instance.configuration.domain}>"
    return EmailMessage(
        " ".join(subject.split()), body.strip() + "\n", to=[letter.to.email], headers={"Message-ID": identifier}
    )


def _link(letter: Letter) -> str:
    """Return where the receiver sees it: the portal shows a request to those whom it concerns, the console to administrators."""
    instance, request_id = settings.INSTANCE, letter.request_id
    if letter.kind == LetterKind.ASKED.value:
        link = instance.url(instance.identity_host, f"/requests/answer/{answer_token(request_id, letter.to_id)}")
    elif letter.kind == LetterKind.ELEVATED.value and letter.to_id != letter.request.person_id:
        link = instance.url(instance.console_host, f"/requests/{request_id}/")
    else:
        link = instance.url(instance.identity_host, f"/requests/{request_id}")
    return str(link)


def _words(at: float | None) -> str:
    return "" if at is None else datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M UTC")
