"""Reads of many people and groups for other directories: any condition, any order, pages that stay the same while one reads on."""

from collections import defaultdict
from collections.abc import Collection, Iterable
from typing import Any

from django.db.models import Q, QuerySet

from ostiary.identity.domain import Group, Person
from ostiary.identity.models import Group as GroupRow
from ostiary.identity.models import Membership
from ostiary.identity.models import Person as PersonRow
from ostiary.identity.queries import group_of, people_of
from ostiary.identity.terms import in_force
from ostiary.policy.identifiers import GroupId, PersonId


def count_people(where: Q) -> int:
    """Return how many people a condition over `identity.Person` holds for; emergency accounts are left out."""
    return _people(where).count()


def read_people(where: Q, *, order: Iterable[Any] = (), start: int = 0, count: int) -> tuple[Person, ...]:
    """Return some of the people for whom a condition holds; emergency accounts are left out.

    Args:
        where: a condition over `identity.Person`.
        order: what they are ordered by; then by when they were created, so that every order is whole.
        start: how many to leave out from the front.
        count: at most so many.
    """
    rows = _people(where).order_by(*order, "created_at", "id")
    return people_of(rows[start : start + count])


def count_groups(where: Q) -> int:
    """Return how many groups a condition over `identity.Group` holds for."""
    return GroupRow.objects.filter(where).count()


def read_groups(where: Q, *, order: Iterable[Any] = (), start: int = 0, count: int) -> tuple[Group, ...]:
    """Return some of the groups for which a condition holds; how many people are in them is not counted.

    Args:
        where: a condition over `identity.Group`.
        order: what they are ordered by; then by identifier.
        start: how many to leave out from the front.
        count: at most so many.
    """
    rows = GroupRow.objects.filter(where).select_related("owner").order_by(*order, "id")
    return tuple(group_of(row) for row in rows[start : start + count])


def members_via(group_ids: Collection[GroupId], via: str) -> dict[GroupId, tuple[PersonId, ...]]:
    """Return who is in each of some groups now for one reason, sorted."""
    found: dict[GroupId, list[PersonId]] = defaultdict(list)
    rows = Membership.objects.filter(in_force(), group_id__in=group_ids, via=via).order_by("group_id", "person_id")
    for group_id, person_id in rows.values_list("group_id", "person_id"):
        found[GroupId(group_id)].append(PersonId(person_id))
    return {group_id: tuple(people) for group_id, people in found.items()}


def groups_via(person_id: PersonId, via: str) -> tuple[GroupId, ...]:
    """Return the groups somebody is in for one reason, sorted."""
    rows = Membership.objects.filter(person_id=person_id, via=via).order_by("group_id")
    return tuple(map(GroupId, rows.values_list("group_id", flat=True)))


def ids_of(addresses: Iterable[str]) -> dict[str, PersonId]:
    """Return whose addresses these are; what is nobody's is left out."""
    rows = PersonRow.objects.filter(email__in=set(addresses)).values_list("email", "pk")
    return {email: PersonId(pk) for email, pk in rows}


def is_in_group(group_id: str) -> Q:
    """Return the condition over `identity.Person` that somebody is in a group now, for whatever reason."""
    return Q(pk__in=Membership.objects.filter(in_force(), group_id=group_id).values("person_id"))


def has_member(person_id: str, via: str) -> Q:
    """Return the condition over `identity.Group` that somebody is in it now, for one reason."""
    return Q(pk__in=Membership.objects.filter(in_force(), person_id=person_id, via=via).values("group_id"))


def can_sign_in() -> Q:
    """Return the condition over `identity.Person` that an account is neither disabled nor over."""
    return Q(is_active=True) & in_force()


def _people(where: Q) -> QuerySet[PersonRow]:
    return PersonRow.objects.filter(where, emergency=False)
