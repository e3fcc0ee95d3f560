"""Roles and what somebody holds, as other rooms see them. How they are stored is not known here."""

from typing import Final

import msgspec

from ostiary.identity.domain.people import RoleId
from ostiary.policy.identifiers import GroupId, PersonId

_BY_ROLE: Final = "role:"


class Role(msgspec.Struct, frozen=True, kw_only=True):
    """A job function: the groups that somebody who does the job is in.

    Args:
        owner: the address of whoever answers for it; empty when nobody does.
        groups: what it brings, sorted.
        people: how many have it.
    """

    id: RoleId
    name: str
    description: str = ""
    owner: str = ""
    groups: tuple[GroupId, ...] = ()
    people: int = 0


class Assignment(msgspec.Struct, frozen=True, kw_only=True):
    """One person who does one job, with who said so, why and until when.

    Args:
        granted_at: seconds since the epoch, like every moment here.
        ends_at: when it ends by itself; `None` for never.
    """

    role: RoleId
    person_id: PersonId
    email: str
    name: str
    granted_by: str
    reason: str
    granted_at: float
    ends_at: float | None = None


class Held(msgspec.Struct, frozen=True, kw_only=True):
    """One reason for which somebody is in one group.

    Args:
        via: `role:ID` where a role brought it; empty where somebody put them there.
        ends_at: when it ends by itself; `None` for never.
    """

    group: GroupId
    via: str
    granted_by: str
    reason: str
    granted_at: float
    ends_at: float | None = None


def is_by_role(via: str) -> bool:
    """Return whether a role brought a membership."""
    return via.startswith(_BY_ROLE)


def by_role(role: RoleId) -> str:
    """Return how a membership says that a role brought it."""
    return f"{_BY_ROLE}{role}"
