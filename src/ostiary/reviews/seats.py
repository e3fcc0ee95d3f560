"""Whose it is to answer: who answers for the group, role or service, else a manager, else administrators. Never oneself."""

from ostiary.identity.facade import ADMINISTRATORS
from ostiary.identity.models import Group, Person, Role
from ostiary.identity.services.guards import is_administrator
from ostiary.identity.terms import in_force
from ostiary.reviews.domain.campaign import Seat
from ostiary.reviews.holdings import GROUP, ROLE, SERVICE
from ostiary.workloads.facade import list_services

Tier = tuple[Seat, tuple[Person, ...]]


class Chain:
    """Finds reviewers; reads people, administrators, groups, roles and services once."""

    def __init__(self) -> None:
        self._administrators = administrators()
        self._people = {one.pk: one for one in Person.objects.all()}
        self._owners: dict[str, dict[str, str | None]] = {
            GROUP: dict(Group.objects.values_list("pk", "owner_id")),
            ROLE: dict(Role.objects.values_list("pk", "owner_id")),
            SERVICE: {one.id: one.owner_id for one in list_services()},
        }

    def tiers(self, *, kind: str, name: str, person_id: str) -> tuple[Tier, ...]:
        """Return who would answer for somebody's entitlement, or for a service; the first first, later ones are substitutes.

        Nobody is in it twice, nobody for their own access, and nobody who cannot sign in. For a service, which nobody
        manages, the manager is that of its owner.
        """
        owner = self._people.get(self._owners.get(kind, {}).get(name) or "")
        whose = owner if kind == SERVICE else self._people.get(person_id)
        manager = self._people.get(whose.manager_id or "") if whose is not None else None
        wanted: tuple[Tier, ...] = (
            (Seat.OWNER, (owner,) if owner else ()),
            (Seat.MANAGER, (manager,) if manager else ()),
            (Seat.ADMINISTRATOR, self._administrators),
        )
        found: list[Tier] = []
        seen = {person_id}
        for seat, people in wanted:
            able = tuple(one for one in people if one.pk not in seen and one.may_sign_in)
            seen.update(one.pk for one in able)
            if able:
                found.append((seat, able))
        return tuple(found)


def administrators() -> tuple[Person, ...]:
    """Return the administrators who can sign in, by address; emergency accounts answer nothing."""
    rows = Person.objects.filter(
        in_force(), in_force("memberships__"), is_active=True, emergency=False, memberships__group_id=ADMINISTRATORS
    )
    return tuple(rows.distinct().order_by("email"))


def still_answers(*, kind: str, name: str, person_id: str, reviewer: str) -> bool:
    """Return whether somebody is in an item's chain now: they may have been asked as who they are not any more."""
    owner = _owner_of(kind, name)
    whose = owner if kind == SERVICE else person_id
    manager = Person.objects.filter(pk=whose or "").values_list("manager_id", flat=True).first()
    return reviewer in {owner, manager} or is_administrator(reviewer)


def _owner_of(kind: str, name: str) -> str | None:
    if kind == SERVICE:
        return next((one.owner_id for one in list_services() if one.id == name), None)
    model: type[Group] | type[Role] = Role if kind == ROLE else Group
    return model.objects.filter(pk=name).values_list("owner_id", flat=True).first()
