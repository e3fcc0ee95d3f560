"""Whose it is to answer a request, as things are now: those that a rule names, the group's owner, the manager, administrators."""

from collections.abc import Iterable

from ostiary.identity.facade import ADMINISTRATORS, ELIGIBLE
from ostiary.identity.models import Group, Person
from ostiary.identity.services.guards import is_administrator, is_eligible
from ostiary.identity.terms import in_force
from ostiary.policy.identifiers import PersonId
from ostiary.requests.domain import Voter
from ostiary.requests.models import ApprovalRule


def approvers_of(*, group_id: str, asker: Person) -> tuple[Person, ...]:
    """Return who may answer from the start; never the asker, and nobody who cannot sign in.

    Where a rule names a group that has too few others, administrators complete it: as many have to agree as before.
    """
    if group_id == ADMINISTRATORS:
        return administrators_but(asker)
    rule = rule_for(group_id)
    if rule is not None:
        named = members_but(rule.by_id, asker)
        return named if len(named) >= rule.needed else _united(named, administrators_but(asker))
    group = Group.objects.select_related("owner").filter(pk=group_id).first()
    for candidate in (group.owner if group else None, asker.manager):
        if candidate is not None and _able(candidate, asker):
            return (candidate,)
    return administrators_but(asker)


def needed_for(group_id: str) -> int:
    """Return how many have to agree that somebody gets into a group."""
    rule = rule_for(group_id)
    return 1 if rule is None else rule.needed


def rule_for(group_id: str) -> ApprovalRule | None:
    """Return who answers requests for a group, where that is not left to its owner."""
    return ApprovalRule.objects.filter(pk=group_id).first()


def administrators_but(asker: Person) -> tuple[Person, ...]:
    """Return who is or may become an administrator and can sign in, without the asker and without emergency accounts."""
    return _united(members_but(ADMINISTRATORS, asker), members_but(ELIGIBLE, asker))


def members_but(group_id: str, asker: Person) -> tuple[Person, ...]:
    """Return the members of a group who can sign in, without the asker and without emergency accounts."""
    rows = Person.objects.filter(
        in_force(), in_force("memberships__"), is_active=True, emergency=False, memberships__group_id=group_id
    ).exclude(pk=asker.pk)
    return tuple(rows.distinct().order_by("email"))


def reviewers_of(*, group_id: str, user: Person) -> tuple[Person, ...]:
    """Return who may review emergency access: whoever answers requests for the group, and administrators; never its user."""
    return _united(approvers_of(group_id=group_id, asker=user), administrators_but(user))


def voter_of(person: Person) -> Voter:
    """Return somebody as one who would answer."""
    administers = is_administrator(person.pk) or is_eligible(person.pk)
    return Voter(id=PersonId(person.id), able=person.may_sign_in, administrator=administers)


def identifiers_of(people: Iterable[Person]) -> frozenset[PersonId]:
    """Return who they are."""
    return frozenset(PersonId(one.id) for one in people)


def _united(*groups: tuple[Person, ...]) -> tuple[Person, ...]:
    return tuple({one.pk: one for group in groups for one in group}.values())


def _able(candidate: Person, asker: Person) -> bool:
    return candidate.pk != asker.pk and candidate.may_sign_in
