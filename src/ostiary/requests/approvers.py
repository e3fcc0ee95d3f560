"""Whose it is to answer a request, as things are now: the group's owner, else the manager, else administrators."""

from collections.abc import Iterable

from ostiary.identity.facade import ADMINISTRATORS
from ostiary.identity.models import Group, Person
from ostiary.identity.terms import in_force
from ostiary.policy.identifiers import PersonId
from ostiary.requests.domain import Voter


def approvers_of(*, group_id: str, asker: Person) -> tuple[Person, ...]:
    """Return who may answer from the start; never the asker, and nobody who cannot sign in."""
    group = Group.objects.select_related("owner").filter(pk=group_id).first()
    for candidate in (group.owner if group else None, asker.manager):
        if candidate is not None and _able(candidate, asker):
            return (candidate,)
    return administrators_but(asker)


def administrators_but(asker: Person) -> tuple[Person, ...]:
    """Return the administrators who can sign in, without the asker and without emergency accounts."""
    rows = Person.objects.filter(
        in_force(), in_force("memberships__"), is_active=True, emergency=False, memberships__group_id=ADMINISTRATORS
    ).exclude(pk=asker.pk)
    return tuple(rows.distinct().order_by("email"))


def voter_of(person: Person) -> Voter:
    """Return somebody as one who would answer."""
    memberships = person.memberships.filter(in_force(), group_id=ADMINISTRATORS)
    return Voter(id=PersonId(person.id), able=person.may_sign_in, administrator=memberships.exists())


def identifiers_of(people: Iterable[Person]) -> frozenset[PersonId]:
    """Return who they are."""
    return frozenset(PersonId(one.id) for one in people)


def _able(candidate: Person, asker: Person) -> bool:
    return candidate.pk != asker.pk and candidate.may_sign_in
