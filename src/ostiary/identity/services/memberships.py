"""Who belongs to a group: put in and taken out, by hand or for another reason. Groups themselves are in `groups`."""

from collections.abc import Iterable
from datetime import UTC, datetime

from django.db import transaction

from ostiary.changes import announce_change
from ostiary.identity.domain import ADMINISTRATORS, ELIGIBLE
from ostiary.identity.eligibility import end_with_eligibility
from ostiary.identity.errors import NotAllowed
from ostiary.identity.journal import record_group_change, record_members_changed
from ostiary.identity.models import Group, Membership, Person
from ostiary.identity.services.groups import lock_group
from ostiary.identity.services.guards import (
    is_eligible,
    lock_person,
    parse_end,
    parse_reason,
    require_another_administrator,
    require_may_change_group,
)
from ostiary.identity.terms import in_force
from ostiary.policy.identifiers import GroupId, PersonId
from ostiary.visibility.facade import Actor

_ADMINISTERING = frozenset({ADMINISTRATORS, ELIGIBLE})


@transaction.atomic
def add_member(
    *, group_id: GroupId, person_id: PersonId, actor: Actor, reason: str = "", ends_at: float | None = None
) -> None:
    """Put somebody into a group, or change until when they are in it; nothing happens when that is so already.

    Args:
        group_id: which group.
        person_id: whom.
        actor: who does it.
        reason: why, for the record.
        ends_at: when it ends by itself, seconds since the epoch; `None` for never.

    Raises:
        UnknownGroup: when there is no such group.
        UnknownPerson: when there is no such person.
        NotAllowed: when the group opens the console and the actor is not an administrator, or an end would leave
            nobody to administer the instance.
        UnacceptableText: when the end is not in the future.
    """
    group = lock_group(group_id)
    person = lock_person(person_id)
    require_may_change_group(actor, group_id)
    end = parse_end(ends_at)
    if group_id in _ADMINISTERING and end is not None:
        require_another_administrator(person, leaves=group_id)
    put_into_group(group=group, person=person, actor=actor, reason=reason, ends_at=end)


def put_into_group(
    *, group: Group, person: Person, actor: Actor, reason: str, via: str = "", ends_at: datetime | None = None
) -> bool:
    """Add a membership, or give it another end, inside a transaction that is open; rules have been checked.

    Returns:
        Whether anything changed.
    """
    given = {
        "granted_by": actor.label[:200],
        "reason": parse_reason(reason),
        "granted_at": datetime.now(UTC),
        "ends_at": ends_at,
    }
    row, created = Membership.objects.get_or_create(person=person, group=group, via=via, defaults=given)
    if not created and row.ends_at == ends_at:
        return False
    if not created:
        Membership.objects.filter(pk=row.pk).update(**given)
    # A rule may deny this group something that the person could open until now.
    announce_change("identity", takes_away=True)
    record_group_change(
        actor=actor,
        change="add_member",
        group_id=group.id,
        group_name=group.name,
        person=person,
        reason=reason,
        details={"via": via or None, "ends_at": ends_at.isoformat() if ends_at else None},
    )
    return True


@transaction.atomic
def remove_member(*, group_id: GroupId, person_id: PersonId, actor: Actor, reason: str = "") -> None:
    """Take somebody out of a group; nothing happens when they are not in it.

    Raises:
        UnknownGroup: when there is no such group.
        UnknownPerson: when there is no such person.
        NotAllowed: when they are the last administrator, the actor may not change this group, or a role or a directory keeps them in.
    """
    kept = Membership.objects.filter(in_force(), person_id=person_id, group_id=group_id).exclude(via="").first()
    if kept is not None:
        raise NotAllowed(
            f"{kept.person.email} is in {group_id} by {kept.via}.",
            hint=_way_out(kept.via),
        )
    remove_by_hand(group_id=group_id, person_id=person_id, actor=actor, reason=reason)


@transaction.atomic
def remove_by_hand(*, group_id: GroupId, person_id: PersonId, actor: Actor, reason: str = "") -> None:
    """Undo `add_member`; whoever is in the group by a role as well stays in it.

    Raises:
        UnknownGroup, UnknownPerson, NotAllowed: as for `remove_member`.
    """
    group = lock_group(group_id)
    person = lock_person(person_id)
    require_may_change_group(actor, group_id)
    if group_id in _ADMINISTERING:
        require_another_administrator(person, leaves=group_id)
    take_out_of_group(group=group, person=person, actor=actor, reason=reason)


def take_out_wholly(*, person: Person, actor: Actor, reason: str) -> None:
    """Delete every membership of somebody, whatever brought it, inside a transaction that is open; rules have been checked."""
    for row in Membership.objects.filter(person=person).select_related("group"):
        take_out_of_group(group=row.group, person=person, actor=actor, reason=reason, via=row.via)


def take_out_of_group(*, group: Group, person: Person, actor: Actor, reason: str, via: str = "") -> bool:
    """Delete a membership inside a transaction that is open; rules have been checked.

    Returns:
        Whether there was one.
    """
    deleted, _by_model = Membership.objects.filter(person=person, group=group, via=via).delete()
    if not deleted:
        return False
    announce_change("identity", takes_away=True)
    record_group_change(
        actor=actor,
        change="remove_member",
        group_id=group.id,
        group_name=group.name,
        person=person,
        reason=reason,
        details={"via": via or None},
    )
    if group.id == ELIGIBLE:
        _end_what_eligibility_gave(person, actor)
    return True


def _end_what_eligibility_gave(person: Person, actor: Actor) -> None:
    """Whoever may not become an administrator any more is none any more, where they became one by that."""
    if not is_eligible(person.pk):
        end_with_eligibility(PersonId(person.pk), actor=actor, reason="may not become an administrator any more")


def _way_out(via: str) -> str:
    if via.startswith("scim:"):
        return "The directory that put them there takes them out."
    if via.startswith("request:"):
        return f"It ends by itself; end it now with: ostiary request hand-back {via.removeprefix('request:')}"
    return "Take the role away, or change what it brings."


@transaction.atomic
def change_members_via(
    *, group_id: GroupId, via: str, add: Iterable[PersonId] = (), remove: Iterable[PersonId] = (), actor: Actor
) -> int:
    """Put people into a group and take others out, for one reason other than by hand; return how many that changed.

    Args:
        group_id: which group.
        via: the reason, as it stands in each membership; other reasons for which somebody is in the group stay.
        add: whom to put in; who is in it for this reason already stays.
        remove: whom to take out; who is not in it for this reason is left alone.
        actor: who does it.

    Raises:
        UnknownGroup: when there is no such group.
        UnknownPerson: when there is nobody with one of the identifiers to add.
        NotAllowed: when the actor may not change this group, or it would leave nobody to administer the instance.
    """
    group = lock_group(group_id)
    require_may_change_group(actor, group_id)
    leaving, wanted = _memberships_via(group, via, remove), dict.fromkeys(add)
    there = {row.person_id for row in _memberships_via(group, via, wanted)}
    joining = [lock_person(person_id) for person_id in wanted if person_id not in there]
    if not leaving and not joining:
        return 0
    if group_id in _ADMINISTERING:
        for row in leaving:
            require_another_administrator(row.person, leaves=group_id)
            Membership.objects.filter(pk=row.pk).delete()
    Membership.objects.filter(pk__in=[row.pk for row in leaving]).delete()
    given = {"group": group, "via": via, "granted_by": actor.label[:200], "granted_at": datetime.now(UTC)}
    Membership.objects.bulk_create([Membership(person=person, **given) for person in joining], batch_size=500)
    announce_change("identity", takes_away=True)
    record_members_changed(
        actor=actor,
        group_id=group.id,
        group_name=group.name,
        via=via,
        added=joining,
        removed=[row.person for row in leaving],
    )
    for row in leaving if group_id == ELIGIBLE else ():
        _end_what_eligibility_gave(row.person, actor)
    return len(leaving) + len(joining)


def _memberships_via(group: Group, via: str, person_ids: Iterable[PersonId]) -> list[Membership]:
    rows = Membership.objects.filter(group=group, via=via, person_id__in=set(person_ids))
    return list(rows.select_related("person").order_by("person_id"))
