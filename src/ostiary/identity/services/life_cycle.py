"""Joiner, mover, leaver: one use case each, in one transaction, with a checklist of what it changed."""

from collections.abc import Iterable

import msgspec
from django.db import transaction
from django.db.models import Q

from ostiary.identity.domain import Invitation, RoleId
from ostiary.identity.domain.life_cycle import Holdings, Item, Step, plan_join, plan_leave, plan_move
from ostiary.identity.errors import NotAllowed, UnknownGroup
from ostiary.identity.leaving import carry_out_handover, plan_handovers
from ostiary.identity.models import Group, Person, Role
from ostiary.identity.queries import find_person, get_person
from ostiary.identity.role_queries import access_of, get_role
from ostiary.identity.services.group_owners import set_group_owner
from ostiary.identity.services.guards import lock_person
from ostiary.identity.services.memberships import remove_by_hand, take_out_wholly
from ostiary.identity.services.people import disable_person, invite_person
from ostiary.identity.services.profiles import Profile, change_profile
from ostiary.identity.services.roles import assign_role, change_role, withdraw_role
from ostiary.identity.session_queries import list_sessions
from ostiary.policy.identifiers import GroupId, PersonId
from ostiary.visibility.facade import Actor


class Joined(msgspec.Struct, frozen=True):
    """Somebody who was invited, and what was done for them."""

    invitation: Invitation
    checklist: tuple[Item, ...]


def join(
    *,
    email: str,
    actor: Actor,
    name: str = "",
    roles: Iterable[RoleId] = (),
    groups: Iterable[GroupId] = (),
    profile: Profile | None = None,
    reason: str = "",
) -> Joined:
    """Take somebody on: an account, an invitation, roles and groups.

    Args:
        email: where the invitation is sent; also what they sign in with.
        actor: who does it.
        name: what others read.
        roles: the jobs they do.
        groups: further groups.
        profile: what is known of their job; a contractor's must have an end.
        reason: why, for the record.

    Raises:
        AlreadyExists: when somebody with this address has signed in before.
        UnknownRole, UnknownGroup, UnknownPerson: when a role, a group or the manager does not exist.
        NotAllowed: when it opens the console and the actor is not an administrator, or a contractor has no end.
        UnacceptableText: when a text cannot be stored.
    """
    wanted, further = tuple(get_role(role).id for role in roles), tuple(groups)
    with transaction.atomic():
        invitation = invite_person(email=email, name=name, groups=further, actor=actor)
        for role in wanted:
            assign_role(role_id=role, person_id=invitation.person_id, actor=actor, reason=reason)
        change_profile(person_id=invitation.person_id, profile=profile or Profile(), actor=actor, reason=reason)
    return Joined(invitation, plan_join(email=email.strip().lower(), roles=wanted, groups=further))


def preview_move(*, person_id: PersonId, roles: Iterable[RoleId], drop: Iterable[GroupId] = ()) -> tuple[Item, ...]:
    """Return what `move` would change.

    Raises:
        UnknownPerson, UnknownRole: when somebody or something does not exist.
        UnknownGroup: when they are to leave a group that they were not put into by hand.
    """
    held, leaving = holdings_of(person_id), frozenset(drop)
    direct = {one.group for one in held.access if not one.via}
    if unknown := sorted(leaving - direct):
        raise UnknownGroup(f"{held.person.email} was not put into {unknown[0]} by hand.")
    return plan_move(held, roles=frozenset(get_role(role).id for role in roles), drop=leaving)


@transaction.atomic
def move(
    *,
    person_id: PersonId,
    roles: Iterable[RoleId],
    actor: Actor,
    drop: Iterable[GroupId] = (),
    profile: Profile | None = None,
    reason: str = "",
) -> tuple[Item, ...]:
    """Give somebody another job: the old roles go, the new ones come, at once.

    Args:
        person_id: who.
        roles: the jobs they do from now on.
        actor: who does it.
        drop: groups that they were put into by hand and leave.
        profile: what else changes.
        reason: why, for the record.

    Raises:
        UnknownPerson, UnknownRole, UnknownGroup: as for the preview.
        NotAllowed: when it concerns the console and the actor is not an administrator, or nobody would administer it.
    """
    lock_person(person_id)
    items = preview_move(person_id=person_id, roles=roles, drop=drop)
    # What comes is given first: nobody is without access in between.
    for item in sorted(items, key=lambda item: item.step is not Step.ASSIGN_ROLE):
        _carry_out(item, person_id, actor, reason)
    change_profile(person_id=person_id, profile=profile or Profile(), actor=actor, reason=reason)
    return items


def preview_leave(*, person_id: PersonId, successor: str = "") -> tuple[Item, ...]:
    """Return what `leave` would change.

    Raises:
        UnknownPerson: when there is no such person, or no such successor.
        NotAllowed: when the successor is the person, or cannot sign in.
    """
    held = holdings_of(person_id)
    heir = _successor(held.person.id, successor)
    return (*plan_leave(held, successor=heir), *plan_handovers(person_id, successor=heir))


@transaction.atomic
def leave(*, person_id: PersonId, actor: Actor, reason: str, successor: str = "") -> tuple[Item, ...]:
    """Let somebody go: every door shuts, what they held is taken back, what they answered for is handed over.

    Args:
        person_id: who.
        actor: who does it.
        reason: why, for the record.
        successor: the address of whoever answers from now on; empty leaves groups, roles and people without anybody.

    Raises:
        UnknownPerson: when there is no such person, or no such successor.
        NotAllowed: for oneself, the last administrator, or an administrator when the actor is none.
    """
    person = lock_person(person_id)
    items = preview_leave(person_id=person_id, successor=successor)
    for item in items:
        _carry_out(item, person_id, actor, reason)
    take_out_wholly(person=person, actor=actor, reason=reason)
    return items


def holdings_of(person_id: PersonId) -> Holdings:
    """Return all that hangs on one person.

    Raises:
        UnknownPerson: when there is no such person.
    """
    owned = Q(owner_id=person_id)
    return Holdings(
        person=get_person(person_id),
        access=access_of(person_id),
        sessions=list_sessions(person_id=person_id).total,
        owned_groups=tuple(map(GroupId, Group.objects.filter(owned).order_by("id").values_list("id", flat=True))),
        owned_roles=tuple(map(RoleId, Role.objects.filter(owned).order_by("id").values_list("id", flat=True))),
        reports=tuple(Person.objects.filter(manager_id=person_id).order_by("email").values_list("email", flat=True)),
    )


def _carry_out(item: Item, person_id: PersonId, actor: Actor, reason: str) -> None:
    match item.step:
        case Step.DISABLE:
            disable_person(person_id=person_id, reason=reason, actor=actor)
        case Step.ASSIGN_ROLE:
            assign_role(role_id=RoleId(item.subject), person_id=person_id, actor=actor, reason=reason)
        case Step.WITHDRAW_ROLE:
            withdraw_role(role_id=RoleId(item.subject), person_id=person_id, actor=actor, reason=reason)
        case Step.LEAVE_GROUP:
            remove_by_hand(group_id=GroupId(item.subject), person_id=person_id, actor=actor, reason=reason)
        case Step.HAND_OVER_GROUP:
            set_group_owner(group_id=GroupId(item.subject), owner=item.to, actor=actor, reason=reason)
        case Step.HAND_OVER_ROLE:
            change_role(role_id=RoleId(item.subject), owner=item.to, actor=actor, reason=reason)
        case Step.HAND_OVER_REPORT:
            report = find_person(item.subject)
            profile = Profile(manager="" if item.to == report.email else item.to)
            change_profile(person_id=report.id, profile=profile, actor=actor, reason=reason)
        case Step.HAND_OVER_SERVICE | Step.DISABLE_SERVICE | Step.RETIRE_DEVICE:
            carry_out_handover(item, actor=actor, reason=reason)
        case Step.END_SESSIONS | Step.KEEP_GROUP | Step.INVITE | Step.JOIN_GROUP:
            """Disabling ended the sessions; the rest is said, not done."""


def _successor(leaver: PersonId, email: str) -> str:
    if not email.strip():
        return ""
    successor = find_person(email)
    if successor.id == leaver or not successor.active:
        raise NotAllowed(f"{successor.email} cannot take over.", hint="Name somebody else who can sign in.")
    return successor.email
