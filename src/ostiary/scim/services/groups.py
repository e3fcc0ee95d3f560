"""What a client does to groups: creates, renames, fills, deletes. Each use case is one transaction, on record by way of identity."""

import re
import unicodedata
from collections.abc import Collection, Iterable
from datetime import UTC, datetime

from django.db import transaction
from django.db.models import Q
from scim2_models import (
    ForbiddenException,
    InvalidValueException,
    NotFoundException,
    ScimFilter,
    UniquenessException,
)
from scim2_models.path import FilterNode

from ostiary.identity.facade import (
    Group,
    UnknownGroup,
    change_members_via,
    count_people,
    create_group,
    delete_group,
    get_group,
    members_via,
    read_groups,
    read_people,
    rename_group,
)
from ostiary.policy.identifiers import GroupId, PersonId
from ostiary.scim.domain.clients import via_of
from ostiary.scim.domain.group_changes import GroupChange
from ostiary.scim.domain.resources import Group as GroupResource
from ostiary.scim.domain.resources import GroupMember
from ostiary.scim.models import StoredGroup, StoredUser
from ostiary.scim.services.permission import require_may_change_group, require_may_change_person
from ostiary.visibility.facade import Actor

MAX_ID_CHARACTERS = 50
MAX_TEXT_CHARACTERS = 255
MAX_CHANGED = 10_000
_NOT_IN_IDS = re.compile(r"[^a-z0-9]+")


@transaction.atomic
def make_group(group: GroupResource, *, client: str, actor: Actor) -> GroupId:
    """Create a group with its members, and return the identifier that rules name it by.

    Args:
        group: as the client describes it.
        client: its name.
        actor: the client, for the record.

    Raises:
        UniquenessException: when there is a group with this name.
        InvalidValueException, UnacceptableText: when a member is nobody, or the name cannot be stored.
        ForbiddenException: when a member is in a builtin group.
    """
    name = (group.display_name or "").strip()
    _require_free(name)
    group_id = create_group(id=_new_id(name), name=name, description=f"Kept by {via_of(client)}", actor=actor)
    now = datetime.now(UTC)
    StoredGroup.objects.create(
        client_id=client,
        group_id=group_id,
        external_id=_external_id(group.external_id),
        made=True,
        created_at=now,
        modified_at=now,
    )
    _change_members(group_id, add=_people(group), remove=(), client=client, actor=actor)
    return group_id


@transaction.atomic
def replace_group(group_id: GroupId, group: GroupResource, *, client: str, actor: Actor) -> None:
    """Make a group as the client describes it; people who are in it for other reasons stay.

    Raises:
        NotFoundException: when there is no such group.
        UniquenessException, InvalidValueException, ForbiddenException: as for `make_group`, and for the name of a group
            that the client did not make.
    """
    row = _lock(group_id, client)
    external_id = _external_id(group.external_id)
    _rename(row, group.display_name or "", actor)
    before = set(members_via([group_id], via_of(client)).get(group_id, ()))
    wanted = set(_people(group))
    _change_members(group_id, add=wanted - before, remove=before - wanted, client=client, actor=actor)
    _note(row, external_id)


@transaction.atomic
def change_group(group_id: GroupId, change: GroupChange, *, client: str, actor: Actor) -> None:
    """Carry out a PATCH of a group.

    Raises:
        NotFoundException, UniquenessException, InvalidValueException, ForbiddenException: as for `replace_group`.
    """
    row = _lock(group_id, client)
    if change.display_name is not None:
        _rename(row, change.display_name, actor)
    if change.steps:
        before = set(members_via([group_id], via_of(client)).get(group_id, ()))
        named = frozenset(map(PersonId, change.named()))
        known = before if change.needs_everybody else before & named
        after = frozenset(map(PersonId, change.members_after(known, fits)))
        _change_members(group_id, add=after - known, remove=known - after, client=client, actor=actor)
    _note(row, row.external_id if change.external_id is None else _external_id(change.external_id))


@transaction.atomic
def remove_group(group_id: GroupId, *, client: str, actor: Actor) -> None:
    """Delete a group that this client made.

    Raises:
        NotFoundException: when there is no such group.
        ForbiddenException: when it was made otherwise.
    """
    row = _lock(group_id, client)
    if not row.made:
        raise ForbiddenException(detail=f"{group_id} was not made by this client, and is deleted in Ostiary only.")
    delete_group(group_id=group_id, actor=actor)


def visible_group(group_id: GroupId) -> Group:
    """Return a group.

    Raises:
        NotFoundException: when there is none.
    """
    try:
        return get_group(group_id)
    except UnknownGroup:
        raise NotFoundException(detail=f"There is no group {str(group_id)[:60]!r}.") from None


def fits(node: FilterNode, person_id: str) -> bool:
    """Say whether the filter of a path fits a member."""
    one = GroupResource(members=[GroupMember(value=person_id, ref=None, type="User")])
    return bool(ScimFilter[GroupResource](f"members[{node}]").match(one))


def _lock(group_id: GroupId, client: str) -> StoredGroup:
    group = visible_group(group_id)
    require_may_change_group(group)
    now = datetime.now(UTC)
    row, _created = StoredGroup.objects.select_for_update().get_or_create(
        client_id=client, group_id=group_id, defaults={"created_at": now, "modified_at": now}
    )
    return row


def _note(row: StoredGroup, external_id: str) -> None:
    row.external_id, row.modified_at = external_id, datetime.now(UTC)
    row.changes += 1
    row.save(update_fields=["external_id", "modified_at", "changes"])


def _rename(row: StoredGroup, name: str, actor: Actor) -> None:
    group_id = GroupId(row.group_id)
    group, name = get_group(group_id), name.strip()
    if name == group.name:
        return
    if not row.made:
        raise ForbiddenException(detail=f"{group_id} was not made by this client, and is renamed in Ostiary only.")
    _require_free(name, but=group_id)
    rename_group(group_id=group_id, name=name, actor=actor)


def _change_members(
    group_id: GroupId, *, add: Collection[PersonId], remove: Collection[PersonId], client: str, actor: Actor
) -> None:
    if len(add) + len(remove) > MAX_CHANGED:
        raise InvalidValueException(detail=f"One request changes at most {MAX_CHANGED} members.")
    for one in add:
        if not _may_be_an_identifier(one):
            raise InvalidValueException(detail=f"There is no user {one[:40]!r}.")
    remove = [one for one in remove if _may_be_an_identifier(one)]
    _require_may_change(add, remove, client)
    change_members_via(group_id=group_id, via=via_of(client), add=sorted(add), remove=sorted(remove), actor=actor)


def _may_be_an_identifier(text: str) -> bool:
    """Return whether the database can be asked for it; not every text can be stored, and so looked for."""
    return text.isascii() and text.isprintable()


def _require_may_change(add: Collection[PersonId], remove: Collection[PersonId], client: str) -> None:
    """Refuse members who are nobody, and people who may use the console."""
    wanted = set(add)
    there = Q(pk__in=wanted)
    gone = StoredUser.objects.filter(client=client, gone_at__isnull=False).values("person_id")
    if wanted and count_people(there & ~Q(pk__in=gone)) < len(wanted):
        known = {one.id for one in read_people(there & ~Q(pk__in=gone), count=len(wanted))}
        raise InvalidValueException(detail=f"There is no user {min(wanted - known)!r}.")
    touched = wanted | set(remove)
    console = Q(pk__in=touched, memberships__group__builtin=True)
    for person in read_people(console, count=1):
        require_may_change_person(person)


def _people(group: GroupResource) -> list[PersonId]:
    values = [one.value or "" for one in group.members or []]
    if not all(values):
        raise InvalidValueException(detail="Each member needs the id of a user as its value.")
    return [PersonId(one) for one in dict.fromkeys(values)]


def _require_free(name: str, *, but: str = "") -> None:
    if not name:
        raise InvalidValueException(detail="displayName needs a text.")
    if any(one.id != but for one in read_groups(Q(name__iexact=name), count=2)):
        raise UniquenessException(detail=f"There is a group named {name[:60]!r} already.")


def _new_id(name: str) -> str:
    """Return an identifier made of a name, and of a number where that is taken."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    stem = _NOT_IN_IDS.sub("-", plain).strip("-")[:MAX_ID_CHARACTERS].strip("-") or "group"
    taken = {one.id for one in read_groups(Q(id__startswith=stem), count=100_000)}
    return next(one for one in _numbered(stem) if one not in taken)


def _numbered(stem: str) -> Iterable[str]:
    yield stem
    number = 2
    while True:
        yield f"{stem}-{number}"
        number += 1


def _external_id(text: str | None) -> str:
    if len(text or "") > MAX_TEXT_CHARACTERS or "\x00" in (text or ""):
        raise InvalidValueException(detail=f"externalId has at most {MAX_TEXT_CHARACTERS} letters and signs.")
    return text or ""
