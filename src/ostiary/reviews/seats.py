"""Whose it is to answer: who answers for the group or the role, else the person's manager, else administrators. Never oneself."""

from ostiary.identity.facade import ADMINISTRATORS
from ostiary.identity.models import Group, Person, Role
from ostiary.identity.terms import in_force
from ostiary.reviews.domain.campaign import Seat

Tier = tuple[Seat, tuple[Person, ...]]


class Chain:
    """Finds reviewers; reads administrators, groups and roles once."""

    def __init__(self) -> None:
        rows = Person.objects.filter(
            in_force(), in_force("memberships__"), is_active=True, emergency=False, memberships__group_id=ADMINISTRATORS
        )
        self.administrators = tuple(rows.distinct().order_by("email"))
        self._owners = {
            "group": {one.pk: one.owner for one in Group.objects.select_related("owner")},
            "role": {one.pk: one.owner for one in Role.objects.select_related("owner")},
        }
        self._managers = {one.pk: one.manager for one in Person.objects.select_related("manager")}

    def tiers(self, *, kind: str, name: str, person_id: str) -> tuple[Tier, ...]:
        """Return who would answer for somebody's entitlement, the first first; later ones are substitutes.

        Nobody is in it twice, nobody for their own access, and nobody who cannot sign in.
        """
        owner, manager = self._owners[kind].get(name), self._managers.get(person_id)
        wanted: tuple[Tier, ...] = (
            (Seat.OWNER, (owner,) if owner else ()),
            (Seat.MANAGER, (manager,) if manager else ()),
            (Seat.ADMINISTRATOR, self.administrators),
        )
        found: list[Tier] = []
        seen = {person_id}
        for seat, people in wanted:
            able = tuple(one for one in people if one.pk not in seen and one.may_sign_in)
            seen.update(one.pk for one in able)
            if able:
                found.append((seat, able))
        return tuple(found)
