"""Joiner, mover, leaver: what each of them changes, worked out before anything is done. Carried out in `services.life_cycle`."""

from enum import StrEnum

import msgspec

from ostiary.identity.domain.people import Person, RoleId
from ostiary.identity.domain.roles import Held, is_by_role
from ostiary.policy.identifiers import GroupId


class Step(StrEnum):
    """One thing that changes; `subject` of an item says which."""

    INVITE = "invite"
    ASSIGN_ROLE = "assign_role"
    WITHDRAW_ROLE = "withdraw_role"
    JOIN_GROUP = "join_group"
    LEAVE_GROUP = "leave_group"
    KEEP_GROUP = "keep_group"
    HAND_OVER_GROUP = "hand_over_group"
    HAND_OVER_ROLE = "hand_over_role"
    HAND_OVER_REPORT = "hand_over_report"
    HAND_OVER_SERVICE = "hand_over_service"
    DISABLE_SERVICE = "disable_service"
    RETIRE_DEVICE = "retire_device"
    END_SESSIONS = "end_sessions"
    DISABLE = "disable"


class Item(msgspec.Struct, frozen=True):
    """One line of a checklist.

    Args:
        step: what changes.
        subject: the role, the group or the person; for sessions, how many.
        to: to whom something is handed over; empty when it is left without anybody.
    """

    step: Step
    subject: str
    to: str = ""


class Holdings(msgspec.Struct, frozen=True, kw_only=True):
    """All that hangs on one person.

    Args:
        access: every reason for which they are in a group.
        sessions: in how many browsers they are signed in.
        owned_groups: groups they answer for.
        owned_roles: roles they answer for.
        reports: addresses of those who report to them.
    """

    person: Person
    access: tuple[Held, ...] = ()
    sessions: int = 0
    owned_groups: tuple[GroupId, ...] = ()
    owned_roles: tuple[RoleId, ...] = ()
    reports: tuple[str, ...] = ()


def plan_leave(held: Holdings, *, successor: str = "") -> tuple[Item, ...]:
    """Return what happens when somebody leaves: doors first, then what they held, then what they answered for.

    Args:
        held: all that hangs on them.
        successor: the address of whoever answers from now on; empty leaves it without anybody.
    """
    others = sorted({one.group for one in held.access if not is_by_role(one.via)})
    return (
        Item(Step.DISABLE, held.person.email),
        Item(Step.END_SESSIONS, str(held.sessions)),
        *[Item(Step.WITHDRAW_ROLE, role) for role in held.person.roles],
        *[Item(Step.LEAVE_GROUP, group) for group in others],
        *[Item(Step.HAND_OVER_GROUP, group, successor) for group in held.owned_groups],
        *[Item(Step.HAND_OVER_ROLE, role, successor) for role in held.owned_roles],
        *[Item(Step.HAND_OVER_REPORT, email, successor) for email in held.reports],
    )


def plan_move(held: Holdings, *, roles: frozenset[RoleId], drop: frozenset[GroupId] = frozenset()) -> tuple[Item, ...]:
    """Return what happens when somebody changes jobs: the old roles go, the new ones come.

    Groups that somebody was put into by hand stay, unless they are named; the list says so, for they are what piles up.

    Args:
        held: all that hangs on them.
        roles: the jobs they do from now on.
        drop: groups that they were put into by hand and leave.
    """
    now = frozenset(held.person.roles)
    direct = sorted({one.group for one in held.access if not one.via})
    return (
        *[Item(Step.WITHDRAW_ROLE, role) for role in sorted(now - roles)],
        *[Item(Step.ASSIGN_ROLE, role) for role in sorted(roles - now)],
        *[Item(Step.LEAVE_GROUP, group) for group in direct if group in drop],
        *[Item(Step.KEEP_GROUP, group) for group in direct if group not in drop],
    )


def plan_join(*, email: str, roles: tuple[RoleId, ...], groups: tuple[GroupId, ...]) -> tuple[Item, ...]:
    """Return what happens when somebody joins."""
    return (
        Item(Step.INVITE, email),
        *[Item(Step.ASSIGN_ROLE, role) for role in dict.fromkeys(roles)],
        *[Item(Step.JOIN_GROUP, group) for group in dict.fromkeys(groups)],
    )
