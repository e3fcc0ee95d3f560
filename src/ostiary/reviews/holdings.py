"""Who holds what now: memberships that no role brought, roles, and services that work. What it opens is `reach`'s to say."""

import time
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Final

import msgspec

from ostiary.identity.models import Membership, Role, RoleAssignment
from ostiary.identity.terms import in_force, seconds_of
from ostiary.policy.identifiers import PersonId
from ostiary.workloads.facade import Service, State, list_services

GROUP: Final = "group"
ROLE: Final = "role"
SERVICE: Final = "service"
NO_PERSON: Final = PersonId("")
_BY_ROLE: Final = "role:"

Ways = Mapping[PersonId, Mapping[str, list[str]]]
"""For each person and each of their groups, by what ways they are in it."""


class Holding(msgspec.Struct, frozen=True, kw_only=True):
    """One entitlement of one person, or one service, as it is stored now.

    Args:
        person_id: whose; empty for a service.
        kind: `group`, `role` or `service`.
        groups: what it brings; a service is in none.
    """

    person_id: PersonId
    kind: str
    name: str
    title: str
    via: str
    groups: frozenset[str]
    granted_by: str
    granted_at: float
    why: str
    ends_at: float | None


def list_holdings() -> tuple[Holding, ...]:
    """Return every entitlement that is in force: memberships that no role brought, roles, then services by name."""
    return (*_memberships(), *_roles(), *map(_of_service, working_services()))


def working_services() -> tuple[Service, ...]:
    """Return the services that can prove themselves now, by name; the others open nothing."""
    now = time.time()
    return tuple(one for one in list_services() if one.state(now) is State.WORKS)


def _memberships() -> list[Holding]:
    rows = Membership.objects.filter(in_force()).exclude(via__startswith=_BY_ROLE).select_related("group")
    return [
        Holding(
            person_id=PersonId(row.person_id),
            kind=GROUP,
            name=row.group_id,
            title=row.group.name,
            via=row.via,
            groups=frozenset({row.group_id}),
            granted_by=row.granted_by,
            granted_at=row.granted_at.timestamp(),
            why=row.reason,
            ends_at=seconds_of(row.ends_at),
        )
        for row in rows.order_by("person__email", "group_id", "via")
    ]


def _roles() -> list[Holding]:
    assigned = RoleAssignment.objects.filter(in_force()).select_related("role").order_by("person__email", "role_id")
    rows = list(assigned)
    brought = {
        role.id: frozenset(group.id for group in role.groups.all()) for role in Role.objects.prefetch_related("groups")
    }
    return [
        Holding(
            person_id=PersonId(row.person_id),
            kind=ROLE,
            name=row.role_id,
            title=row.role.name,
            via="",
            groups=brought.get(row.role_id, frozenset()),
            granted_by=row.granted_by,
            granted_at=row.granted_at.timestamp(),
            why=row.reason,
            ends_at=seconds_of(row.ends_at),
        )
        for row in rows
    ]


def _of_service(service: Service) -> Holding:
    return Holding(
        person_id=NO_PERSON,
        kind=SERVICE,
        name=service.id,
        title="",
        via="",
        groups=frozenset(),
        granted_by=service.created_by,
        granted_at=service.created_at,
        why=service.purpose,
        ends_at=service.ends_at,
    )


def way(holding: Holding) -> str:
    """Return how other pages write the way: `role:ID`, what brought it, or `by hand`."""
    return f"{_BY_ROLE}{holding.name}" if holding.kind == ROLE else holding.via or "by hand"


def ways_of(holdings: Iterable[Holding]) -> Ways:
    """Return by what ways people are in their groups."""
    ways: dict[PersonId, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for one in holdings:
        for group in one.groups:
            ways[one.person_id][group].append(way(one))
    return ways
