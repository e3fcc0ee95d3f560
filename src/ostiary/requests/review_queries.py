"""Reads of reviews of emergency access."""

import time
from datetime import UTC, datetime

from django.db.models import QuerySet

from ostiary.identity.models import Person
from ostiary.identity.terms import seconds_of
from ostiary.policy.identifiers import PersonId
from ostiary.requests.approvers import identifiers_of, reviewers_of
from ostiary.requests.domain import Review
from ostiary.requests.models import EmergencyReview
from ostiary.requests.queries import request_of

MOST = 500


def get_review(request_id: str) -> Review | None:
    """Return the review of one use of emergency access; `None` for any other request."""
    row = _rows().filter(pk=request_id).first()
    return None if row is None else review_of(row)


def list_reviews(*, owed: bool = True) -> tuple[Review, ...]:
    """Return reviews, those that are due first at the top; at most some hundred.

    Args:
        owed: only those that nobody has answered.
    """
    rows = _rows().filter(answered_at=None) if owed else _rows()
    return tuple(review_of(row) for row in rows.order_by("due_at", "pk")[:MOST])


def reviews_to_answer(person_id: PersonId) -> tuple[Review, ...]:
    """Return what somebody is to review now, what is due first at the top."""
    able = Person.objects.filter(pk=person_id).first()
    if able is None or not able.may_sign_in:
        return ()
    rows = _rows().filter(answered_at=None).exclude(request__person_id=person_id).order_by("due_at", "pk")
    return tuple(review_of(row) for row in rows[:MOST] if _is_reviewer(row, person_id))


def count_owed() -> int:
    """Return how many uses of emergency access nobody has reviewed."""
    return EmergencyReview.objects.filter(answered_at=None).count()


def count_overdue() -> int:
    """Return how many uses of emergency access nobody has reviewed in time."""
    return EmergencyReview.objects.filter(
        answered_at=None, due_at__lte=datetime.fromtimestamp(time.time(), UTC)
    ).count()


def may_review(request_id: str, person_id: PersonId) -> bool:
    """Say whether it is somebody's to review a use of emergency access, answered or not; false for any other request."""
    row = _rows().filter(pk=request_id).first()
    return row is not None and _is_reviewer(row, person_id)


def _is_reviewer(row: EmergencyReview, person_id: PersonId) -> bool:
    user = row.request.person
    return person_id in identifiers_of(reviewers_of(group_id=row.request.group_id, user=user))


def review_of(row: EmergencyReview) -> Review:
    """Return a stored review."""
    return Review(
        request=request_of(row.request),
        due_at=row.due_at.timestamp(),
        answered_at=seconds_of(row.answered_at),
        answered_by=row.answered_by,
        justified=row.justified,
        words=row.words,
    )


def _rows() -> QuerySet[EmergencyReview]:
    return EmergencyReview.objects.select_related("request__person__manager")
