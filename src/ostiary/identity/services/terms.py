"""Carries out what time decided: terms that are over leave the database. Nobody had anything by them any more."""

from datetime import UTC, datetime

from django.db import transaction

from ostiary.identity.models import Membership, Person, RoleAssignment
from ostiary.identity.services.memberships import take_out_of_group
from ostiary.identity.services.people import shut_doors
from ostiary.visibility.facade import Actor

AT_ONCE = 100
BY_TIME = Actor(kind="system", id="terms", label="the end of its term")


def expire_terms(*, now: float) -> int:
    """Delete memberships and roles whose term is over, and disable accounts that have ended. For the worker.

    Each is put on record. The facts say until when each one holds, so that none outlives its end by this job's pace.

    Args:
        now: seconds since the epoch.

    Returns:
        How many were carried out; at most a few hundred at once.
    """
    over = {"ends_at__lte": datetime.fromtimestamp(now, UTC)}
    done = 0
    for row in Membership.objects.filter(**over).select_related("group", "person").order_by("pk")[:AT_ONCE]:
        with transaction.atomic():
            done += take_out_of_group(
                group=row.group, person=row.person, actor=BY_TIME, reason="its term is over", via=row.via
            )
    ended = RoleAssignment.objects.filter(**over).values_list("pk", flat=True)[:AT_ONCE]
    done += RoleAssignment.objects.filter(pk__in=list(ended)).delete()[0]
    for person_id in Person.objects.filter(is_active=True, **over).values_list("pk", flat=True)[:AT_ONCE]:
        with transaction.atomic():
            person = Person.objects.select_for_update().filter(pk=person_id, is_active=True, **over).first()
            if person is not None:
                shut_doors(person, actor=BY_TIME, reason="its term is over")
                done += 1
    return done
