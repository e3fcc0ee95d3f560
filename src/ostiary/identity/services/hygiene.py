"""Looks through the directory for what does not belong there, and notes who took a report of it away."""

from collections.abc import Callable

from django.conf import settings

from ostiary.identity.domain.hygiene import Found, Limits, find
from ostiary.identity.queries import list_groups
from ostiary.identity.role_queries import list_roles
from ostiary.identity.standings import list_standings
from ostiary.visibility.facade import Actor, record_entity_change

_others: dict[str, Callable[[], tuple[Found, ...]]] = {}


def check_also(name: str, check: Callable[[], tuple[Found, ...]]) -> None:
    """Have a room above this one look through what it keeps in people's names, whenever the directory is looked through.

    Args:
        name: of the check; telling it again takes the place of the one before.
        check: returns what it found.
    """
    _others[name] = check


def check_directory(*, now: float) -> tuple[Found, ...]:
    """Return accounts nobody uses and things nobody answers for, the most pressing first.

    Args:
        now: seconds since the epoch.
    """
    sign_in = settings.INSTANCE.configuration.sign_in
    limits = Limits(dormant_days=sign_in.dormant_days, invitation_days=sign_in.invitation_days)
    standings = list_standings()
    found = find(
        [one.person for one in standings],
        list_groups(),
        list_roles(),
        limits=limits,
        now=now,
        lacking={one.person.email: (one.unmet, one.due_at) for one in standings if one.unmet},
    )
    return (*found, *(one for check in _others.values() for one in check()))


def record_hygiene_export(*, people: int, actor: Actor) -> None:
    """Put on record that somebody took away how everybody signs in.

    Args:
        people: how many were in it.
        actor: who took it.
    """
    record_entity_change(
        "report",
        "hygiene",
        "read",
        actor=actor,
        name="how everybody signs in",
        after={"people": people},
    )
