"""Looks through the directory for what does not belong there."""

from django.conf import settings

from ostiary.identity.domain.hygiene import Found, Limits, find
from ostiary.identity.queries import list_groups, list_people
from ostiary.identity.role_queries import list_roles

EVERYBODY = 1_000_000


def check_directory(*, now: float) -> tuple[Found, ...]:
    """Return accounts nobody uses and things nobody answers for, the most pressing first.

    Args:
        now: seconds since the epoch.
    """
    sign_in = settings.INSTANCE.configuration.sign_in
    limits = Limits(dormant_days=sign_in.dormant_days, invitation_days=sign_in.invitation_days)
    return find(list_people(page_size=EVERYBODY).items, list_groups(), list_roles(), limits=limits, now=now)
