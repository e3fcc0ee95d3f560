"""Reviews of emergency access: answered by somebody else, reminded of, and brought to every administrator when overdue."""

from datetime import UTC, datetime

from django.db import transaction

from ostiary.identity.models import Person
from ostiary.identity.services.guards import parse_reason
from ostiary.requests.approvers import administrators_but, identifiers_of, reviewers_of
from ostiary.requests.domain import AlreadyAnswered, CannotAsk, NotYours, Review, State, UnknownRequest
from ostiary.requests.journal import record_review
from ostiary.requests.models import AccessRequest, EmergencyReview
from ostiary.requests.queries import request_of
from ostiary.requests.review_queries import review_of
from ostiary.requests.services.asking import hand_back, lock_request
from ostiary.requests.services.letters import LetterKind, owe
from ostiary.visibility.facade import Actor

AT_ONCE = 100
BY_TIME = Actor(kind="system", id="requests", label="its deadline")


@transaction.atomic
def answer_review(*, request_id: str, justified: bool, words: str, actor: Actor) -> Review:
    """Say whether the use of emergency access was right. If it was not, what is still in force ends now.

    Raises:
        UnknownRequest: when there is no such use.
        NotYours: for one's own, and for anybody whose it is not to review.
        AlreadyAnswered: when it has been reviewed.
        CannotAsk: when nothing is said.
    """
    row = lock_request(request_id)
    review = EmergencyReview.objects.select_for_update().filter(pk=row.pk).first()
    if review is None:
        raise UnknownRequest("This was no emergency access, so nobody reviews it.")
    _require_may_review(row, actor)
    said = parse_reason(words)
    if not said:
        raise CannotAsk("Say why.", hint="The review stands on the record; one sentence is enough.")
    answer = {
        "answered_at": datetime.now(UTC),
        "answered_by": actor.label[:200],
        "justified": justified,
        "words": said,
    }
    if not EmergencyReview.objects.filter(pk=row.pk, answered_at=None).update(**answer):
        raise AlreadyAnswered("This has been reviewed already.")
    record_review(row, actor=actor, what="justified" if justified else "not justified", comment=said)
    if not justified and request_of(row).state is State.GRANTED:
        hand_back(request_id=row.id, actor=BY_REVIEW, reason="not justified")
    owe(row, LetterKind.REVIEWED, (row.person,))
    review.refresh_from_db()
    return review_of(review)


BY_REVIEW = Actor(kind="system", id="requests", label="the review")


def settle_reviews(*, moment: datetime) -> int:
    """Remind of reviews after half of their time, and bring those that are overdue to every administrator. For the worker.

    Returns:
        How many were carried out; each in a transaction of its own, and once.
    """
    owed = EmergencyReview.objects.filter(answered_at=None)
    due = owed.filter(remind_at__lte=moment, due_at__gt=moment, reminded=False).values_list("pk", flat=True)
    late = owed.filter(due_at__lte=moment, escalated=False).values_list("pk", flat=True)
    done = sum(_remind(request_id) for request_id in list(due[:AT_ONCE]))
    return done + sum(_escalate(request_id) for request_id in list(late[:AT_ONCE]))


@transaction.atomic
def _remind(request_id: str) -> int:
    row = lock_request(request_id)
    if not EmergencyReview.objects.filter(pk=row.pk, answered_at=None, reminded=False).update(reminded=True):
        return 0
    owe(row, LetterKind.REMINDER, reviewers_of(group_id=row.group_id, user=row.person))
    record_review(row, actor=BY_TIME, what="reminded", comment="nobody has reviewed it yet")
    return 1


@transaction.atomic
def _escalate(request_id: str) -> int:
    row = lock_request(request_id)
    if not EmergencyReview.objects.filter(pk=row.pk, answered_at=None, escalated=False).update(escalated=True):
        return 0
    owe(row, LetterKind.OVERDUE, (*administrators_but(row.person), row.person))
    record_review(row, actor=BY_TIME, what="overdue", comment="nobody reviewed it in time")
    return 1


def _require_may_review(row: AccessRequest, actor: Actor) -> None:
    """Whoever works on the machine itself may; people only where it is theirs, and never their own."""
    if actor.kind != "person":
        return
    person = Person.objects.filter(pk=actor.id).first()
    if person is not None and person.pk == row.person_id:
        raise NotYours("Nobody reviews their own emergency access.", hint="Somebody else has to.")
    allowed = identifiers_of(reviewers_of(group_id=row.group_id, user=row.person))
    if person is None or person.pk not in allowed or not person.may_sign_in:
        raise NotYours("This is somebody else's to review.")
