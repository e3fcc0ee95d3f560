"""Reads of people and groups. Sessions are read in `session_queries`."""

import difflib
import time
from collections import defaultdict
from collections.abc import Iterable

from allauth.mfa.models import Authenticator
from django.db.models import Count, Prefetch, Q, QuerySet

from ostiary.identity.domain import Group, Member, Person, PersonKind, RoleId
from ostiary.identity.domain.stored_text import can_be_stored
from ostiary.identity.errors import UnknownGroup, UnknownPerson
from ostiary.identity.limits import accounts_held_off
from ostiary.identity.models import Group as GroupRow
from ostiary.identity.models import Membership
from ostiary.identity.models import Person as PersonRow
from ostiary.identity.terms import in_force, is_in_force, seconds_of
from ostiary.policy.identifiers import GroupId, PersonId
from ostiary.visibility.facade import Page


def list_people(*, text: str = "", group: GroupId | None = None, page: int = 1, page_size: int = 50) -> Page[Person]:
    """Return people by name, filtered.

    Args:
        text: part of a name or an address; empty for everybody.
        group: only its members.
        page: from 1.
        page_size: people a page.
    """
    rows = PersonRow.objects.order_by("name", "email")
    if not can_be_stored(text):
        rows = rows.none()
    if text.strip():
        rows = rows.filter(Q(name__icontains=text.strip()) | Q(email__icontains=text.strip()))
    if group is not None:
        members = Membership.objects.filter(in_force(), group_id=group)
        rows = rows.filter(pk__in=members.values("person_id"))
    total = rows.count()
    start = (max(page, 1) - 1) * page_size
    return Page(items=people_of(rows[start : start + page_size]), total=total, page=max(page, 1), page_size=page_size)


def get_person(person_id: PersonId) -> Person:
    """Return one person.

    Raises:
        UnknownPerson: when there is nobody with this identifier.
    """
    people = people_of(PersonRow.objects.filter(pk=person_id)) if can_be_stored(person_id) else ()
    if not people:
        raise UnknownPerson("There is nobody with this identifier.", detail=str(person_id)[:100])
    return people[0]


def names_of(person_ids: Iterable[PersonId]) -> dict[PersonId, str]:
    """Return the names of people, or their addresses where they have none; who is not known is left out."""
    rows = PersonRow.objects.filter(pk__in=set(person_ids)).values_list("pk", "name", "email")
    return {PersonId(pk): name or email for pk, name, email in rows}


def find_person(email: str) -> Person:
    """Return the person with this address, whatever its case.

    Raises:
        UnknownPerson: with the most similar address as a hint.
    """
    wanted = email.strip().lower()
    people = people_of(PersonRow.objects.filter(email=wanted)) if can_be_stored(wanted) else ()
    if people:
        return people[0]
    similar = difflib.get_close_matches(wanted, PersonRow.objects.values_list("email", flat=True)[:5000], n=1)
    raise UnknownPerson(
        f"Nobody has the address {email.strip()[:100]}.", hint=f"Did you mean {similar[0]}?" if similar else ""
    )


def list_groups() -> tuple[Group, ...]:
    """Return every group with its number of members, by identifier."""
    return tuple(group_of(row) for row in groups_with_sizes().order_by("id"))


def get_group(group_id: GroupId) -> Group:
    """Return one group.

    Raises:
        UnknownGroup: with the most similar identifier as a hint.
    """
    row = groups_with_sizes().filter(pk=group_id).first() if can_be_stored(group_id) else None
    if row is not None:
        return group_of(row)
    similar = difflib.get_close_matches(group_id, GroupRow.objects.values_list("id", flat=True), n=1)
    raise UnknownGroup(
        f"There is no group {str(group_id)[:70]!r}.", hint=f"Did you mean {similar[0]!r}?" if similar else ""
    )


def list_members(group_id: GroupId) -> tuple[Member, ...]:
    """Return who is in a group, by address.

    Raises:
        UnknownGroup: when there is no such group.
    """
    get_group(group_id)
    return tuple(_member(row) for row in _memberships(group_id))


def search_members(group_id: GroupId, *, text: str = "", page: int = 1, page_size: int = 50) -> Page[Member]:
    """Return one page of who is in a group, by address; nobody when there is no such group.

    Args:
        group_id: the group.
        text: words that must all stand in the name or the address; empty for everybody.
        page: from 1; one beyond the end is the last one.
        page_size: people a page.
    """
    rows = _memberships(group_id)
    if not can_be_stored(text):
        rows = rows.none()
    for word in text.split():
        rows = rows.filter(Q(person__name__icontains=word) | Q(person__email__icontains=word))
    total = rows.count()
    number = min(max(page, 1), max(1, -(-total // page_size)))
    start = (number - 1) * page_size
    found = tuple(_member(row) for row in rows[start : start + page_size])
    return Page(items=found, total=total, page=number, page_size=page_size)


def memberships_in(
    groups: Iterable[GroupId], people: Iterable[PersonId] | None = None
) -> dict[PersonId, frozenset[GroupId]]:
    """Return in which of these groups people are now; whoever is in none of them is left out, and so is a group that does not exist.

    Args:
        groups: of these alone.
        people: of whom; of everybody for `None`. What is read grows with these, not with the groups.
    """
    wanted = list(groups)
    if not wanted:
        return {}
    rows = Membership.objects.filter(in_force(), group_id__in=wanted).order_by()
    rows = rows if people is None else rows.filter(person_id__in=list(people))
    found: defaultdict[PersonId, set[GroupId]] = defaultdict(set)
    for person, group in rows.values_list("person_id", "group_id"):
        found[PersonId(person)].add(GroupId(group))
    return {person: frozenset(theirs) for person, theirs in found.items()}


def _memberships(group_id: GroupId) -> QuerySet[Membership]:
    rows = Membership.objects.filter(in_force(), group_id=group_id).select_related("person")
    return rows.order_by("person__email", "via")


def _member(row: Membership) -> Member:
    return Member(
        person_id=PersonId(row.person_id),
        email=row.person.email,
        name=row.person.name,
        active=row.person.is_active,
        granted_by=row.granted_by,
        reason=row.reason,
        granted_at=row.granted_at.timestamp(),
        via=row.via,
        ends_at=seconds_of(row.ends_at),
    )


def groups_with_sizes() -> QuerySet[GroupRow]:
    """Return the groups with how many people are in them now."""
    size = Count("memberships__person_id", distinct=True, filter=in_force("memberships__"))
    return GroupRow.objects.select_related("owner").annotate(size=size)


def group_of(row: GroupRow) -> Group:
    """Return one of the groups of `groups_with_sizes` as other rooms see it."""
    size: int = getattr(row, "size", 0)
    return Group(
        id=GroupId(row.id),
        name=row.name,
        description=row.description,
        members=size,
        builtin=row.builtin,
        owner=row.owner.email if row.owner else "",
    )


def people_of(rows: QuerySet[PersonRow]) -> tuple[Person, ...]:
    """Return people as other rooms see them, in the order of the rows."""
    found = list(
        rows.select_related("manager").prefetch_related(
            Prefetch("memberships", queryset=Membership.objects.filter(in_force()).order_by("group_id")),
            "role_assignments",
            Prefetch("authenticator_set", queryset=Authenticator.objects.order_by("type")),
        )
    )
    held_off = accounts_held_off((row.email for row in found), now=time.time())
    return tuple(_person(row, locked=row.email in held_off) for row in found)


def _person(row: PersonRow, *, locked: bool) -> Person:
    authenticators: Iterable[Authenticator] = row.authenticator_set.all()  # type: ignore[attr-defined]
    return Person(
        id=PersonId(row.id),
        email=row.email,
        name=row.name,
        active=row.is_active and is_in_force(row.ends_at),
        groups=tuple(dict.fromkeys(GroupId(one.group_id) for one in row.memberships.all())),
        roles=tuple(sorted(RoleId(one.role_id) for one in row.role_assignments.all() if is_in_force(one.ends_at))),
        created_at=row.created_at.timestamp(),
        last_sign_in_at=row.last_login.timestamp() if row.last_login else None,
        methods=methods_of(row, authenticators),
        invited=row.accepted_at is None,
        locked=locked,
        emergency=row.emergency,
        email_confirmed=row.email_confirmed_at is not None,
        kind=PersonKind(row.kind),
        ends_at=seconds_of(row.ends_at),
        title=row.title,
        department=row.department,
        employee_number=row.employee_number,
        manager=row.manager.email if row.manager else "",
    )


def methods_of(row: PersonRow, authenticators: Iterable[Authenticator]) -> tuple[str, ...]:
    """Return the methods somebody has set up, sorted, each once."""
    methods = {str(one.type) for one in authenticators}
    if row.has_usable_password():
        methods.add("password")
    return tuple(sorted(methods))
