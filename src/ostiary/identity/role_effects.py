"""What people would gain and lose if a role brought other groups, or somebody no longer had it. Nothing is changed here."""

import msgspec

from ostiary.identity.domain import RoleId
from ostiary.identity.domain.roles import by_role
from ostiary.identity.models import Membership
from ostiary.identity.role_queries import list_assignments
from ostiary.identity.terms import in_force
from ostiary.policy.identifiers import GroupId, PersonId


class Effect(msgspec.Struct, frozen=True, kw_only=True):
    """What one person would gain and lose.

    Args:
        gains: groups that they are not in now.
        loses: groups that nothing else keeps them in.
    """

    person_id: PersonId
    email: str
    name: str
    gains: tuple[GroupId, ...] = ()
    loses: tuple[GroupId, ...] = ()


def preview_role(
    *, role_id: RoleId, groups: frozenset[GroupId], person_id: PersonId | None = None
) -> tuple[Effect, ...]:
    """Return what those who have a role would gain and lose, by address; who would notice nothing is left out.

    Args:
        role_id: which role.
        groups: what it would bring; nothing at all where it is deleted or withdrawn.
        person_id: only for this person.

    Raises:
        UnknownRole: when there is no such role.
    """
    holders = [one for one in list_assignments(role_id) if person_id in (None, one.person_id)]
    rows = Membership.objects.filter(in_force(), person_id__in=[one.person_id for one in holders])
    brought: dict[str, set[GroupId]] = {}
    otherwise: dict[str, set[GroupId]] = {}
    for person, group, via in rows.values_list("person_id", "group_id", "via"):
        ways = brought if via == by_role(role_id) else otherwise
        ways.setdefault(person, set()).add(GroupId(group))
    effects = (
        Effect(
            person_id=one.person_id,
            email=one.email,
            name=one.name,
            gains=tuple(sorted(groups - brought.get(one.person_id, set()) - otherwise.get(one.person_id, set()))),
            loses=tuple(sorted(brought.get(one.person_id, set()) - groups - otherwise.get(one.person_id, set()))),
        )
        for one in holders
    )
    return tuple(one for one in effects if one.gains or one.loses)
