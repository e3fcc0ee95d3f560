"""Roles: created, changed, given to people and taken back. What a role brings follows at once, for everybody who has it."""

from collections.abc import Iterable
from datetime import UTC, datetime

from django.db import transaction

from ostiary.identity.domain import ADMINISTRATORS, ELIGIBLE, RoleId
from ostiary.identity.domain.roles import by_role
from ostiary.identity.errors import AlreadyExists, UnknownRole
from ostiary.identity.models import Membership, Role, RoleAssignment
from ostiary.identity.role_queries import get_role
from ostiary.identity.services.groups import groups_by_id
from ostiary.identity.services.guards import (
    find_owner,
    lock_person,
    parse_end,
    parse_name,
    parse_reason,
    require_another_administrator,
    require_may_change_group,
)
from ostiary.identity.services.memberships import put_into_group, take_out_of_group
from ostiary.identity.terms import in_force
from ostiary.policy.identifiers import GroupId, PersonId, parse_slug
from ostiary.visibility.domain.events import EntityChange
from ostiary.visibility.facade import Actor, record_entity_change

MAX_DESCRIPTION_CHARACTERS = 500


@transaction.atomic
def create_role(
    *,
    id: str,  # noqa: A002 - the word
    actor: Actor,
    owner: str,
    name: str = "",
    description: str = "",
    groups: Iterable[GroupId] = (),
    reason: str = "",
) -> RoleId:
    """Create a role that nobody has yet and return its identifier.

    Args:
        id: small letters, digits and inner hyphens.
        actor: who does it.
        owner: the address of whoever answers for it.
        name: what people read; the identifier when empty.
        description: what somebody who does this job does.
        groups: what it brings.
        reason: why, for the record.

    Raises:
        MalformedIdentifier: when `id` could be mistaken for something else.
        AlreadyExists: when there is such a role.
        UnknownPerson: when nobody has the owner's address.
        UnknownGroup: when one of the groups does not exist.
        NotAllowed: when a group opens the console and the actor is not an administrator.
        UnacceptableText: when a text cannot be stored.
    """
    role_id = RoleId(parse_slug(id, what="role"))
    if Role.objects.filter(pk=role_id).exists():
        raise AlreadyExists(f"There is a role {role_id} already.", hint="Change it with: ostiary role change")
    found = groups_by_id(tuple(groups))
    for group in found:
        require_may_change_group(actor, group.id)
    role = Role.objects.create(
        id=role_id,
        name=parse_name(name) or role_id,
        description=parse_name(description, what="description", limit=MAX_DESCRIPTION_CHARACTERS),
        owner=find_owner(owner),
    )
    role.groups.set(found)
    _record(role, "create", actor=actor, reason=reason)
    return role_id


@transaction.atomic
def change_role(
    *,
    role_id: RoleId,
    actor: Actor,
    name: str | None = None,
    description: str | None = None,
    owner: str | None = None,
    groups: Iterable[GroupId] | None = None,
    reason: str = "",
) -> None:
    """Change a role. What is `None` stays as it is; everybody who has it gets and loses groups at once.

    An empty `owner` leaves it without anybody who answers for it.

    Raises:
        UnknownRole: when there is no such role.
        UnknownPerson, UnknownGroup, NotAllowed, UnacceptableText: as when it is created; also `NotAllowed` where nobody
            could administer the instance any more.
    """
    role = _lock_role(role_id)
    before = _data(role)
    if name is not None:
        role.name = parse_name(name) or role_id
    if description is not None:
        role.description = parse_name(description, what="description", limit=MAX_DESCRIPTION_CHARACTERS)
    if owner is not None:
        role.owner = find_owner(owner) if owner.strip() else None
    role.save()
    if groups is not None:
        found = groups_by_id(tuple(groups))
        for group in set(found) ^ set(role.groups.all()):
            require_may_change_group(actor, group.id)
        role.groups.set(found)
        for assignment in RoleAssignment.objects.filter(in_force(), role=role).select_related("person"):
            _follow(assignment, actor=actor, reason=reason)
    if _data(role) != before:
        _record(role, "update", before=before, actor=actor, reason=reason)


@transaction.atomic
def delete_role(*, role_id: RoleId, actor: Actor, reason: str = "") -> None:
    """Delete a role; whoever has it loses what it brought.

    Raises:
        UnknownRole: when there is no such role.
        NotAllowed: when nobody could administer the instance any more, or the actor may not change its groups.
    """
    role = _lock_role(role_id)
    for assignment in RoleAssignment.objects.filter(role=role).select_related("person"):
        _end(assignment, actor=actor, reason=reason)
    before = _data(role)
    deleted = Role(id=role.id, name=role.name)
    role.delete()
    _record(deleted, "delete", before=before, actor=actor, reason=reason)


@transaction.atomic
def assign_role(
    *, role_id: RoleId, person_id: PersonId, actor: Actor, reason: str = "", ends_at: float | None = None
) -> None:
    """Give somebody a role, or change until when they have it; nothing happens when that is so already.

    Args:
        role_id: which role.
        person_id: to whom.
        actor: who does it.
        reason: why, for the record.
        ends_at: when it ends by itself, seconds since the epoch; `None` for never.

    Raises:
        UnknownRole: when there is no such role.
        UnknownPerson: when there is no such person.
        NotAllowed: when it brings a group that opens the console and the actor is not an administrator, or an end would
            leave nobody to administer the instance.
        UnacceptableText: when the end is not in the future.
    """
    role = _lock_role(role_id)
    person = lock_person(person_id)
    end = parse_end(ends_at)
    for group in role.groups.all():
        require_may_change_group(actor, group.id)
        if group.id in {ADMINISTRATORS, ELIGIBLE} and end is not None:
            require_another_administrator(person, leaves=group.id)
    given = {
        "granted_by": actor.label[:200],
        "reason": parse_reason(reason),
        "granted_at": datetime.now(UTC),
        "ends_at": end,
    }
    row, created = RoleAssignment.objects.get_or_create(person=person, role=role, defaults=given)
    if not created and row.ends_at == end:
        return
    if not created:
        RoleAssignment.objects.filter(pk=row.pk).update(**given)
        row.refresh_from_db()
    _follow(row, actor=actor, reason=reason)


@transaction.atomic
def withdraw_role(*, role_id: RoleId, person_id: PersonId, actor: Actor, reason: str = "") -> None:
    """Take a role back, with the groups it brought; nothing happens when they do not have it.

    Raises:
        UnknownRole: when there is no such role.
        UnknownPerson: when there is no such person.
        NotAllowed: when nobody could administer the instance any more, or the actor may not change its groups.
    """
    role = _lock_role(role_id)
    person = lock_person(person_id)
    assignment = RoleAssignment.objects.filter(role=role, person=person).select_related("person").first()
    if assignment is not None:
        _end(assignment, actor=actor, reason=reason)


def _follow(assignment: RoleAssignment, *, actor: Actor, reason: str) -> None:
    """Make somebody's memberships what their role brings now."""
    person, role, via = assignment.person, assignment.role, by_role(RoleId(assignment.role_id))
    wanted = {group.id: group for group in role.groups.all()}
    for row in Membership.objects.filter(person=person, via=via).select_related("group"):
        if row.group_id not in wanted:
            _take_out(row, actor=actor, reason=reason)
    for group in wanted.values():
        put_into_group(group=group, person=person, actor=actor, reason=reason, via=via, ends_at=assignment.ends_at)


def _end(assignment: RoleAssignment, *, actor: Actor, reason: str) -> None:
    via = by_role(RoleId(assignment.role_id))
    for row in Membership.objects.filter(person=assignment.person, via=via).select_related("group", "person"):
        _take_out(row, actor=actor, reason=reason)
    assignment.delete()


def _take_out(row: Membership, *, actor: Actor, reason: str) -> None:
    require_may_change_group(actor, row.group_id)
    others = Membership.objects.filter(in_force(), person=row.person, group_id=row.group_id).exclude(pk=row.pk)
    if row.group_id in {ADMINISTRATORS, ELIGIBLE} and not others.filter(ends_at__isnull=True).exists():
        require_another_administrator(row.person, leaves=row.group_id)
    take_out_of_group(group=row.group, person=row.person, actor=actor, reason=reason, via=row.via)


def _lock_role(role_id: RoleId) -> Role:
    get_role(role_id)
    role = Role.objects.select_for_update().filter(pk=role_id).first()
    if role is None:
        raise UnknownRole(f"There is no role {role_id!r}.")
    return role


def _data(role: Role) -> dict[str, object]:
    return {
        "name": role.name,
        "description": role.description,
        "owner": role.owner.email if role.owner else None,
        "groups": sorted(group.id for group in role.groups.all()),
    }


def _record(
    role: Role, change: EntityChange, *, actor: Actor, reason: str, before: dict[str, object] | None = None
) -> None:
    after = None if change == "delete" else _data(role)
    record_entity_change(
        "role",
        role.id,
        change,
        actor=actor,
        name=role.name,
        before=before,
        after=after,
        comment=parse_reason(reason),
    )
