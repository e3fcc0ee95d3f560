"""Emergency access: used at once by whoever may, told to everybody concerned, and reviewed by somebody else afterwards."""

import time
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from django.conf import settings
from django.db import transaction

from ostiary.identity.domain.proofs import strongest
from ostiary.identity.domain.return_paths import return_path_or_start
from ostiary.identity.models import Membership, Person
from ostiary.identity.services.authenticators import kinds_of
from ostiary.identity.services.groups import groups_by_id
from ostiary.identity.services.guards import lock_person, parse_reason
from ostiary.identity.terms import in_force
from ostiary.policy.identifiers import AppId, GroupId, PersonId
from ostiary.policy.request import Authentication, AuthStrength
from ostiary.requests.approvers import reviewers_of
from ostiary.requests.domain import CannotAsk, Kind, Request
from ostiary.requests.journal import record_step
from ostiary.requests.models import AccessRequest, EmergencyReview
from ostiary.requests.queries import request_of
from ostiary.requests.services.immediate import (
    MINUTE_SECONDS,
    grant_now,
    require_fresh_proof,
    require_words,
    write_down,
)
from ostiary.requests.services.letters import LetterKind, owe
from ostiary.visibility.facade import Actor


def may_use_emergency(person_id: PersonId) -> bool:
    """Say whether emergency access is somebody's to use, reviews that are owed aside."""
    group = settings.INSTANCE.configuration.access.emergency_group
    rows = Membership.objects.filter(in_force(), person_id=person_id, group_id=group)
    return bool(group) and rows.exists()


def emergency_strength(person: Person) -> AuthStrength:
    """Return what somebody has to prove: the best that they have set up, a second factor at least."""
    return max(strongest(kinds_of(person)), AuthStrength.OTP)


@transaction.atomic
def use_emergency(
    *,
    person_id: PersonId,
    group_id: GroupId,
    reason: str,
    proofs: Iterable[Authentication],
    actor: Actor,
    app: AppId | None = None,
    return_path: str = "/",
) -> Request:
    """Be in a group at once, for a short time that cannot be prolonged. Somebody else reviews it afterwards.

    Args:
        person_id: who.
        group_id: what for; never a builtin group, nor the one whose members may do this.
        reason: why; everybody concerned reads it.
        proofs: what they proved in this sign-in.
        actor: the same person.
        app: what they want to open.
        return_path: the page in it.

    Raises:
        UnknownGroup, UnknownPerson: when there is no such group or person.
        CannotAsk: when it is not theirs to use, or one of theirs has not been reviewed in time.
        ProofNeeded: when they have not proved enough lately.
        UnacceptableText: when the reason cannot be stored.
    """
    person = lock_person(person_id)
    group = groups_by_id((group_id,))[0]
    words = parse_reason(reason)
    access = settings.INSTANCE.configuration.access
    if not person.may_sign_in or not may_use_emergency(person_id):
        raise CannotAsk("Emergency access is not yours to use.", hint="Ask for access instead.")
    if group.builtin or group.id == access.emergency_group:
        raise CannotAsk(f"{group.name} is not opened by emergency access.")
    if Membership.objects.filter(in_force(), person=person, group=group).exists():
        raise CannotAsk(f"You are in {group.name} already.", hint="If an app stays shut, it lacks something else.")
    require_no_review_overdue(person)
    require_words(words)
    require_fresh_proof(proofs, emergency_strength(person))
    reviewers = reviewers_of(group_id=group.id, user=person)
    if not reviewers:
        raise CannotAsk(
            "Nobody but you could review this.", hint="Name an owner of the group, or a second administrator."
        )
    row = write_down(
        person=person,
        group=group,
        kind=Kind.EMERGENCY,
        seconds=access.emergency_minutes * MINUTE_SECONDS,
        reason=words,
        app=app,
        return_path=return_path_or_start(return_path),
    )
    grant_now(row, group=group, actor=actor)
    days = timedelta(days=access.review_days)
    now = datetime.now(UTC)
    EmergencyReview.objects.create(request=row, remind_at=now + days / 2, due_at=now + days)
    owe(row, LetterKind.EMERGENCY, (*reviewers, person))
    record_step(row, actor=actor, change="create", comment=words)
    return request_of(row)


def require_no_review_overdue(person: Person) -> None:
    """Raise `CannotAsk` while a use of emergency access by somebody has not been reviewed in time."""
    now = datetime.fromtimestamp(time.time(), UTC)
    owed = EmergencyReview.objects.filter(request__person=person, answered_at=None, due_at__lte=now).first()
    if owed is not None:
        used = AccessRequest.objects.get(pk=owed.request_id).asked_at
        raise CannotAsk(
            f"Your emergency access of {used:%Y-%m-%d} has not been reviewed in time.",
            hint="Have it reviewed first, or ask for access instead.",
        )
