"""Ends what people began by themselves: emergency access and being an administrator, when what let them begin it is gone."""

from collections.abc import Collection
from datetime import UTC, datetime

from django.db.models import QuerySet

from ostiary.policy.identifiers import PersonId
from ostiary.requests.domain import Kind, State
from ostiary.requests.journal import record_step
from ostiary.requests.models import AccessRequest
from ostiary.requests.services.asking import close, end_now, lock_request
from ostiary.visibility.facade import Actor


def end_what_was_begun(person_id: PersonId, actor: Actor, reason: str) -> None:
    """End emergency access and being an administrator, and withdraw what waits; a new sign-in begins with neither.

    Reviews that are owed stay owed.
    """
    kinds = (Kind.EMERGENCY, Kind.ADMINISTRATOR)
    _end(person_id, kinds, actor, reason)
    waiting = _of(person_id, kinds).filter(state=State.WAITING.value).values_list("pk", flat=True)
    for row in [lock_request(request_id) for request_id in waiting]:
        close(row, State.WITHDRAWN, actor=actor, comment=reason)
        record_step(row, actor=actor, change="update", before=State.WAITING.value, comment=reason)


def end_elevation(person_id: PersonId, actor: Actor, reason: str) -> None:
    """End being an administrator for a while, of somebody who may not become one any more."""
    _end(person_id, (Kind.ADMINISTRATOR,), actor, reason)


def _end(person_id: PersonId, kinds: Collection[Kind], actor: Actor, reason: str) -> None:
    in_force = _of(person_id, kinds).filter(state=State.GRANTED.value, ends_at__gt=datetime.now(UTC))
    for request_id in list(in_force.values_list("pk", flat=True)):
        end_now(lock_request(request_id), actor=actor, words=reason)


def _of(person_id: PersonId, kinds: Collection[Kind]) -> QuerySet[AccessRequest]:
    return AccessRequest.objects.filter(person_id=person_id, kind__in=[kind.value for kind in kinds])
