"""People and groups as one client sees them: SCIM resources made of what identity knows and what the client said."""

import hashlib
from collections.abc import Collection, Iterable
from datetime import UTC, datetime
from typing import Any

import msgspec
from scim2_models import Meta, Reference

from ostiary.identity.facade import Group as KnownGroup
from ostiary.identity.facade import Person as KnownPerson
from ostiary.identity.facade import ids_of, members_via, parse_name
from ostiary.policy.identifiers import GroupId, PersonId
from ostiary.scim.domain.clients import via_of
from ostiary.scim.domain.people import name_of
from ostiary.scim.domain.resources import (
    Email,
    EnterpriseUser,
    Group,
    GroupMember,
    GroupOfUser,
    Manager,
    Name,
    Person,
    User,
)
from ostiary.scim.models import StoredGroup, StoredUser


class Viewer(msgspec.Struct, frozen=True):
    """Who looks, and from where.

    Args:
        client: the client's name.
        base: the address of the service, without a slash at its end.
    """

    client: str
    base: str

    def url(self, kind: str, resource_id: str) -> str:
        """Return where a resource is."""
        return f"{self.base}/{kind}/{resource_id}"


def users_of(people: Collection[KnownPerson], viewer: Viewer) -> list[User]:
    """Return people as a client sees them, in their order."""
    rows = {
        row.person_id: row
        for row in StoredUser.objects.filter(client=viewer.client, person__in=[one.id for one in people])
    }
    managers = ids_of(one.manager for one in people if one.manager)
    return [_user(one, rows.get(one.id), managers, viewer) for one in people]


def groups_of(groups: Collection[KnownGroup], viewer: Viewer, *, members: bool = True) -> list[Group]:
    """Return groups as a client sees them, in their order.

    Args:
        groups: which.
        viewer: who looks.
        members: whether anybody wants to know who is in them.
    """
    ids = [one.id for one in groups]
    rows = {row.group_id: row for row in StoredGroup.objects.filter(client=viewer.client, group__in=ids)}
    people = members_via(ids, via_of(viewer.client)) if members else {}
    return [_group(one, rows.get(one.id), people.get(one.id, ()), viewer) for one in groups]


def stated_name(row: StoredUser) -> str:
    """Return the name that a client states."""
    stated = name_of(
        display_name=row.display_name,
        formatted=row.formatted,
        given_name=row.given_name,
        family_name=row.family_name,
    )
    return parse_name(stated)


def group_version(group: KnownGroup, row: StoredGroup | None) -> str:
    """Return the version of a group as a client sees it: its name, what the client calls it, and what it changed."""
    return _digest([group.name, "" if row is None else row.external_id, 0 if row is None else row.changes])


def _user(person: KnownPerson, row: StoredUser | None, managers: dict[str, PersonId], viewer: Viewer) -> User:
    created = datetime.fromtimestamp(person.created_at, UTC)
    user: Any = Person(id=person.id, active=person.active)
    user.user_name, user.title = person.email if row is None else row.user_name, person.title or None
    if row is None or not row.emails:
        user.emails = [Email(value=person.email, type="work", primary=True)]
    else:
        user.emails = [Email(**one) for one in row.emails]
    if row is None:
        user.display_name = person.name or None
    else:
        user.external_id = row.external_id or None
        user.display_name = (row.display_name if stated_name(row) == person.name else person.name) or None
        parts = {"formatted": row.formatted, "given_name": row.given_name, "family_name": row.family_name}
        if any(parts.values()):
            user.name = Name(**{part: text or None for part, text in parts.items()})
    user.groups = [
        GroupOfUser(value=one, ref=Reference(viewer.url("Groups", one)), display=one) for one in person.groups
    ] or None
    manager = managers.get(person.manager)
    if person.department or person.employee_number or manager:
        user[EnterpriseUser] = EnterpriseUser(
            department=person.department or None,
            employee_number=person.employee_number or None,
            manager=Manager(value=manager, ref=Reference(viewer.url("Users", manager))) if manager else None,
        )
    user.meta = Meta(
        resource_type="User",
        created=created,
        last_modified=created if row is None else row.modified_at,
        location=viewer.url("Users", person.id),
        version=_digest(
            [
                person.email,
                person.name,
                person.active,
                person.groups,
                person.title,
                person.department,
                person.employee_number,
                manager,
                None if row is None else row.modified_at,
            ]
        ),
    )
    return user  # type: ignore[no-any-return]


def _group(group: KnownGroup, row: StoredGroup | None, people: Iterable[PersonId], viewer: Viewer) -> Group:
    return Group(
        id=group.id,
        external_id=None if row is None else row.external_id or None,
        display_name=group.name,
        members=[GroupMember(value=one, ref=Reference(viewer.url("Users", one)), type="User") for one in people]
        or None,
        meta=Meta(
            resource_type="Group",
            created=None if row is None else row.created_at,
            last_modified=None if row is None else row.modified_at,
            location=viewer.url("Groups", group.id),
            version=group_version(group, row),
        ),
    )


def _digest(content: object) -> str:
    return f'W/"{hashlib.sha256(msgspec.json.encode(content)).hexdigest()[:24]}"'


def only_group(group_id: GroupId, viewer: Viewer) -> StoredGroup | None:
    """Return what a client says of one group; `None` when it says nothing."""
    return StoredGroup.objects.filter(client=viewer.client, group=group_id).first()
