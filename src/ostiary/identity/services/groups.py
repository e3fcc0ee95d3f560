"""Groups: made, renamed, deleted. Who belongs to one is in `memberships`, who answers for one in `group_owners`."""

from django.db import transaction

from ostiary.changes import announce_change
from ostiary.identity.errors import AlreadyExists, NotAllowed, UnknownGroup
from ostiary.identity.journal import record_group_change
from ostiary.identity.models import Group
from ostiary.identity.queries import get_group
from ostiary.identity.services.guards import (
    parse_name,
)
from ostiary.policy.identifiers import GroupId, parse_slug
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
def rename_group(*, group_id: GroupId, name: str, actor: Actor) -> None:
    """Change what people read as a group's name; rules go on naming its identifier.

    Raises:
        UnknownGroup: when there is no such group.
        UnacceptableText: when the name cannot be stored.
        NotAllowed: for a builtin group.
    """
    group = lock_group(group_id)
    if group.builtin:
        raise NotAllowed(f"{group_id} is a builtin group and keeps its name.")
    before, group.name = group.name, parse_name(name) or group_id
    if group.name == before:
        return
    group.save(update_fields=["name"])
    announce_change("identity", takes_away=False)
    record_group_change(
        actor=actor, change="rename", group_id=group.id, group_name=group.name, details={"before": before}
    )


@transaction.atomic
def delete_group(*, group_id: GroupId, actor: Actor) -> None:
    """Delete a group; rules that name it allow nobody by it from then on.

    Raises:
        UnknownGroup: when there is no such group.
        NotAllowed: for a builtin group.
    """
    group = lock_group(group_id)
    if group.builtin:
        raise NotAllowed(f"{group_id} is a builtin group and cannot be deleted.")
    name = group.name
    group.delete()
    announce_change("identity", takes_away=True)
    record_group_change(actor=actor, change="delete", group_id=group_id, group_name=name)


def groups_by_id(group_ids: tuple[GroupId, ...]) -> list[Group]:
    """Return the groups, locked.

    Raises:
        UnknownGroup: when one of them does not exist.
    """
    return [lock_group(group_id) for group_id in dict.fromkeys(group_ids)]


def lock_group(group_id: GroupId) -> Group:
    """Return a group, locked.

    Raises:
        UnknownGroup: when there is no such group.
    """
    get_group(group_id)
    group = Group.objects.select_for_update().filter(pk=group_id).first()
    if group is None:
        raise UnknownGroup(f"There is no group {group_id!r}.")
    return group
