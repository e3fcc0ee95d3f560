"""Looks through the directory for what does not belong there, and notes who took a report of it away."""

import time

from django.conf import settings

from ostiary.identity.domain.hygiene import Found, Limits, find
from ostiary.identity.queries import list_groups
from ostiary.identity.role_queries import list_roles
from ostiary.identity.standings import list_standings
from ostiary.visibility.facade import Actor, entity_change_event, new_uid, record


def check_directory(*, now: float) -> tuple[Found, ...]:
    """Return accounts nobody uses and things nobody answers for, the most pressing first.

    Args:
        now: seconds since the epoch.
    """
    sign_in = settings.INSTANCE.configuration.sign_in
    limits = Limits(dormant_days=sign_in.dormant_days, invitation_days=sign_in.invitation_days)
    standings = list_standings()
    return find(
        [one.person for one in standings],
        list_groups(),
        list_roles(),
        limits=limits,
        now=now,
        lacking={one.person.email: (one.unmet, one.due_at) for one in standings if one.unmet},
    )


def record_hygiene_export(*, people: int, actor: Actor) -> None:
    """Put on record that somebody took away how everybody signs in.

    Args:
        people: how many were in it.
        actor: who took it.
    """
    record(
        entity_change_event(
            at=time.time(),
            uid=new_uid(),
            actor=actor,
            change="read",
            entity_type="report",
            entity_id="hygiene",
            entity_name="how everybody signs in",
            after={"people": people},
        )
    )
