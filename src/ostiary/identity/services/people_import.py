"""Carries out what a file of people is to change. What that is, and what is wrong with it, is `people_file`'s to say."""

from collections.abc import Callable, Mapping
from pathlib import Path

import msgspec
from django.db import transaction

from ostiary.identity.domain import Invitation
from ostiary.identity.models import Group, Membership, Person, Role
from ostiary.identity.people_file import (
    Directory,
    ImportPlan,
    PlannedChange,
    PlannedInvitation,
    plan_import,
    read_text,
)
from ostiary.identity.people_table import Entry, write_table
from ostiary.identity.queries import find_person, list_people
from ostiary.identity.services.life_cycle import join
from ostiary.identity.services.memberships import add_member, remove_by_hand
from ostiary.identity.services.people import rename_person
from ostiary.identity.services.profiles import Profile, change_profile
from ostiary.identity.services.roles import assign_role, withdraw_role
from ostiary.identity.terms import in_force
from ostiary.policy.identifiers import GroupId, PersonId
from ostiary.visibility.facade import Actor

EVERYBODY = 1_000_000
REASON = "Import of a file"


class Imported(msgspec.Struct, frozen=True):
    """What an import did."""

    invited: tuple[Invitation, ...]
    changed: int


def read_directory() -> Directory:
    """Return everybody as a file of people would say it."""
    people = list_people(page_size=EVERYBODY).items
    by_hand: dict[str, list[GroupId]] = {}
    rows = Membership.objects.filter(in_force(), via="").order_by("group_id").values_list("person_id", "group_id")
    for person_id, group_id in rows:
        by_hand.setdefault(person_id, []).append(GroupId(group_id))
    return Directory(
        people={
            person.email: Entry(
                email=person.email,
                name=person.name,
                kind=person.kind,
                title=person.title,
                department=person.department,
                employee_number=person.employee_number,
                manager=person.manager,
                ends_at=person.ends_at,
                roles=person.roles,
                groups=tuple(by_hand.get(person.id, ())),
            )
            for person in people
        },
        waiting=frozenset(person.email for person in people if person.invited),
        groups=frozenset(Group.objects.values_list("id", flat=True)),
        roles=frozenset(Role.objects.values_list("id", flat=True)),
    )


def export_people() -> str:
    """Return everybody as CSV, by address; importing it with `update` changes nothing."""
    people = read_directory().people
    return write_table(people[email] for email in sorted(people))


def read_people_file(path: Path, *, update: bool = False) -> ImportPlan:
    """Return what importing a file would do.

    Raises:
        UnreadablePeopleFile: when it cannot be opened or used as a whole.
    """
    return plan_import(read_text(path), read_directory(), update=update)


def plan_people_import(text: str, *, update: bool = False) -> ImportPlan:
    """Return what importing the text of a file would do.

    Raises:
        UnreadablePeopleFile: when it cannot be used as a whole.
    """
    return plan_import(text, read_directory(), update=update)


def import_people(*, plan: ImportPlan, actor: Actor, step: Callable[[], None] = lambda: None) -> Imported:
    """Carry out a plan without problems: first every change, all or none of them; then the invitations, one by one.

    Args:
        plan: from `read_people_file`.
        actor: who imports.
        step: called after each person.

    Raises:
        NotAllowed: when a change would break a rule that protects the instance; then nothing is changed.
        ValueError: when the plan has problems.
    """
    if plan.problems:
        raise ValueError("a plan with problems is not carried out")
    with transaction.atomic():
        for one in plan.change:
            _change(one, actor)
            step()
    invited = []
    for person in plan.invite:
        invited.append(_invite(person, actor))
        step()
    with transaction.atomic():
        _set_managers(plan, actor)
    return Imported(tuple(invited), len(plan.change))


def _change(planned: PlannedChange, actor: Actor) -> None:
    before, after = planned.before, planned.after
    person_id = find_person(planned.email).id
    if after.name != before.name:
        rename_person(person_id=person_id, name=after.name, actor=actor)
    # What comes is given first: nobody is without access in between.
    for role in set(after.roles) - set(before.roles):
        assign_role(role_id=role, person_id=person_id, actor=actor, reason=REASON)
    for group in set(after.groups) - set(before.groups):
        add_member(group_id=group, person_id=person_id, actor=actor, reason=REASON)
    for role in set(before.roles) - set(after.roles):
        withdraw_role(role_id=role, person_id=person_id, actor=actor, reason=REASON)
    for group in set(before.groups) - set(after.groups):
        remove_by_hand(group_id=group, person_id=person_id, actor=actor, reason=REASON)
    profile = Profile(
        kind=after.kind,
        title=after.title,
        department=after.department,
        employee_number=after.employee_number,
        ends_at=None if after.ends_at == before.ends_at else after.ends_at or 0.0,
    )
    change_profile(person_id=person_id, profile=profile, actor=actor, reason=REASON)


def _invite(planned: PlannedInvitation, actor: Actor) -> Invitation:
    profile = Profile(
        kind=planned.kind,
        title=planned.title,
        department=planned.department,
        employee_number=planned.employee_number,
        ends_at=planned.ends_at,
    )
    joined = join(
        email=planned.email,
        name=planned.name,
        roles=planned.roles,
        groups=planned.groups,
        profile=profile,
        reason=REASON,
        actor=actor,
    )
    return joined.invitation


def _set_managers(plan: ImportPlan, actor: Actor) -> None:
    """Set who reports to whom, from the top down: so two people who change places are never in a circle."""
    wanted = {one.email: one.manager for one in plan.invite}
    wanted |= {one.email: one.after.manager for one in plan.change if one.after.manager != one.before.manager}
    managers = {
        email: manager or "" for email, manager in Person.objects.values_list("email", "manager__email")
    } | wanted
    for email in sorted(wanted, key=lambda email: _levels_above(email, managers)):
        person_id: PersonId = find_person(email).id
        profile = Profile(manager=wanted[email])
        change_profile(person_id=person_id, profile=profile, actor=actor, reason=REASON)


def _levels_above(email: str, managers: Mapping[str, str]) -> int:
    """Return how many managers are above somebody; a circle, which a plan does not have, ends the count."""
    levels = 0
    while (email := managers.get(email, "")) and levels < len(managers):
        levels += 1
    return levels
