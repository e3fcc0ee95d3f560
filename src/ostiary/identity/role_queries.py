"""Reads of roles, of who has them, and of what somebody holds and why."""

import difflib

from django.db.models import Count, Prefetch, QuerySet

from ostiary.identity.domain import RoleId
from ostiary.identity.domain.roles import Assignment, Held, Role
from ostiary.identity.domain.stored_text import can_be_stored
from ostiary.identity.errors import UnknownRole
from ostiary.identity.models import Group, Membership, RoleAssignment
from ostiary.identity.models import Role as RoleRow
from ostiary.identity.terms import in_force, seconds_of
from ostiary.policy.identifiers import GroupId, PersonId


def list_roles() -> tuple[Role, ...]:
    """Return every role, by identifier."""
    return tuple(_role(row) for row in _roles().order_by("id"))


def get_role(role_id: RoleId) -> Role:
    """Return one role.

    Raises:
        UnknownRole: with the most similar identifier as a hint.
    """
    row = _roles().filter(pk=role_id).first() if can_be_stored(role_id) else None
    if row is not None:
        return _role(row)
    similar = difflib.get_close_matches(role_id, RoleRow.objects.values_list("id", flat=True), n=1)
    raise UnknownRole(
        f"There is no role {str(role_id)[:70]!r}.", hint=f"Did you mean {similar[0]!r}?" if similar else ""
    )


def list_assignments(role_id: RoleId) -> tuple[Assignment, ...]:
    """Return who has a role, by address.

    Raises:
        UnknownRole: when there is no such role.
    """
    get_role(role_id)
    return tuple(_assignment(row) for row in _assignments().filter(role_id=role_id).order_by("person__email"))


def assignments_of(person_id: PersonId) -> tuple[Assignment, ...]:
    """Return the roles that somebody has, by identifier."""
    return tuple(_assignment(row) for row in _assignments().filter(person_id=person_id).order_by("role_id"))


def access_of(person_id: PersonId) -> tuple[Held, ...]:
    """Return every reason for which somebody is in a group now: who granted what, why and until when."""
    rows = Membership.objects.filter(in_force(), person_id=person_id).order_by("group_id", "via")
    return tuple(
        Held(
            group=GroupId(row.group_id),
            via=row.via,
            granted_by=row.granted_by,
            reason=row.reason,
            granted_at=row.granted_at.timestamp(),
            ends_at=seconds_of(row.ends_at),
        )
        for row in rows
    )


def _roles() -> QuerySet[RoleRow]:
    people = Count("assignments", distinct=True, filter=in_force("assignments__"))
    return (
        RoleRow.objects.select_related("owner")
        .prefetch_related(Prefetch("groups", queryset=Group.objects.order_by("id")))
        .annotate(size=people)
    )


def _role(row: RoleRow) -> Role:
    size: int = getattr(row, "size", 0)
    return Role(
        id=RoleId(row.id),
        name=row.name,
        description=row.description,
        owner=row.owner.email if row.owner else "",
        groups=tuple(GroupId(group.id) for group in row.groups.all()),
        people=size,
    )


def _assignments() -> QuerySet[RoleAssignment]:
    return RoleAssignment.objects.filter(in_force()).select_related("person")


def _assignment(row: RoleAssignment) -> Assignment:
    return Assignment(
        role=RoleId(row.role_id),
        person_id=PersonId(row.person_id),
        email=row.person.email,
        name=row.person.name,
        granted_by=row.granted_by,
        reason=row.reason,
        granted_at=row.granted_at.timestamp(),
        ends_at=seconds_of(row.ends_at),
    )
