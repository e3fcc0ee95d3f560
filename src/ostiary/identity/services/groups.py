"""Groups and who belongs to them."""

from datetime import UTC, datetime

from django.db import transaction

from ostiary.changes import announce_change
from ostiary.identity.domain import ADMINISTRATORS
from ostiary.identity.errors import AlreadyExists, NotAllowed, UnknownGroup
from ostiary.identity.journal import record_group_change
from ostiary.identity.models import Group, Membership, Person
from ostiary.identity.queries import get_group
from ostiary.identity.services.guards import (
    lock_person,
    parse_name,
    require_another_administrator,
    require_may_change_group,
)
from ostiary.policy.identifiers import GroupId, PersonId, parse_slug
from ostiary.visibility.facade import Actor

MAX_DESCRIPTION_CHARACTERS = 500


@transaction.atomic
def create_group(*, id: str, name: str = "", description: str = "", actor: Actor) -> GroupId:  # noqa: A002 - the word
    """Create an empty group and return its identifier.

    Args:
        id: what rules will call it: small letters, digits and inner hyphens.
        name: what people read; the identifier when empty.
        description: who belongs here.
        actor: who does it.

    Raises:
        MalformedIdentifier: when `id` could be mistaken for something else.
        AlreadyExists: when there is such a group.
        UnacceptableText: when name or description cannot be stored.
    """
    group_id = GroupId(parse_slug(id, what="group"))
    if Group.objects.filter(pk=group_id).exists():
        raise AlreadyExists(f"There is a group {group_id} already.")
    group = Group.objects.create(
        id=group_id,
        name=parse_name(name) or group_id,
        description=parse_name(description, what="description", limit=MAX_DESCRIPTION_CHARACTERS),
    )
    announce_change("identity", takes_away=False)
    record_group_change(actor=actor, change="create", group_id=group.id, group_name=group.name)
    return group_id


@transaction.atomic
def delete_group(*, group_id: GroupId, actor: Actor) -> None:
    """Delete a group; rules that name it allow nobody by it from then on.

    Raises:
        UnknownGroup: when there is no such group.
        NotAllowed: for a builtin group.
    """
    group = _lock_group(group_id)
    if group.builtin:
        raise NotAllowed(f"{group_id} is a builtin group and cannot be deleted.")
    name = group.name
    group.delete()
    announce_change("identity", takes_away=True)
    record_group_change(actor=actor, change="delete", group_id=group_id, group_name=name)


@transaction.atomic
def add_member(*, group_id: GroupId, person_id: PersonId, actor: Actor, reason: str = "") -> None:
    """Put somebody into a group; nothing happens when they are in it already.

    Raises:
        UnknownGroup: when there is no such group.
        UnknownPerson: when there is no such person.
        NotAllowed: when the group opens the console and the actor is not an administrator.
    """
    group = _lock_group(group_id)
    person = lock_person(person_id)
    require_may_change_group(actor, group_id)
    put_into_group(group=group, person=person, actor=actor, reason=reason)


def put_into_group(*, group: Group, person: Person, actor: Actor, reason: str) -> None:
    """Add a membership inside a transaction that is open; rules have been checked."""
    _row, created = Membership.objects.get_or_create(
        person=person,
        group=group,
        defaults={
            "granted_by": actor.label[:200],
            "reason": parse_name(reason, what="reason", limit=MAX_DESCRIPTION_CHARACTERS),
            "granted_at": datetime.now(UTC),
        },
    )
    if not created:
        return
    # A rule may deny this group something that the person could open until now.
    announce_change("identity", takes_away=True)
    record_group_change(
        actor=actor, change="add_member", group_id=group.id, group_name=group.name, person=person, reason=reason
    )


@transaction.atomic
def remove_member(*, group_id: GroupId, person_id: PersonId, actor: Actor, reason: str = "") -> None:
    """Take somebody out of a group; nothing happens when they are not in it.

    Raises:
        UnknownGroup: when there is no such group.
        UnknownPerson: when there is no such person.
        NotAllowed: when they are the last administrator, or the actor may not change this group.
    """
    group = _lock_group(group_id)
    person = lock_person(person_id)
    require_may_change_group(actor, group_id)
    if group_id == ADMINISTRATORS:
        require_another_administrator(person)
    deleted, _by_model = Membership.objects.filter(person=person, group=group).delete()
    if not deleted:
        return
    announce_change("identity", takes_away=True)
    record_group_change(
        actor=actor, change="remove_member", group_id=group.id, group_name=group.name, person=person, reason=reason
    )


def groups_by_id(group_ids: tuple[GroupId, ...]) -> list[Group]:
    """Return the groups, locked.

    Raises:
        UnknownGroup: when one of them does not exist.
    """
    return [_lock_group(group_id) for group_id in dict.fromkeys(group_ids)]


def _lock_group(group_id: GroupId) -> Group:
    get_group(group_id)
    group = Group.objects.select_for_update().filter(pk=group_id).first()
    if group is None:
        raise UnknownGroup(f"There is no group {group_id!r}.")
    return group
