"""Finds what does not belong in a directory: accounts nobody uses, and things nobody answers for. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum
from typing import Final

import msgspec

from ostiary.identity.domain.authenticator_policy import Unmet
from ostiary.identity.domain.people import Group, Person, PersonKind
from ostiary.identity.domain.roles import Role

DAY_SECONDS: Final = 24 * 3600
ENDS_SOON_DAYS: Final = 14


class Finding(StrEnum):
    """What is wrong, the most pressing first."""

    ADMINISTRATOR_WITHOUT_PASSKEY = Unmet.ADMINISTRATOR_WITHOUT_PASSKEY.value
    BREACHED_PASSWORD = Unmet.BREACHED_PASSWORD.value
    NO_SECOND_FACTOR = Unmet.NO_SECOND_FACTOR.value
    NO_PASSKEY = Unmet.NO_PASSKEY.value
    TOO_FEW_FACTORS = Unmet.TOO_FEW_FACTORS.value
    NO_RECOVERY_CODES = Unmet.NO_RECOVERY_CODES.value
    DORMANT = "dormant"
    NEVER_JOINED = "never_joined"
    NO_ACCESS = "no_access"
    CONTRACTOR_WITHOUT_END = "contractor_without_end"
    ENDS_SOON = "ends_soon"
    MANAGER_GONE = "manager_gone"
    ROLE_WITHOUT_OWNER = "role_without_owner"
    GROUP_OWNER_GONE = "group_owner_gone"
    ROLE_NOBODY_HAS = "role_nobody_has"
    SERVICE_OWNER_GONE = "service_owner_gone"


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """One finding.

    Args:
        subject: an address, a role or a group.
        since: the moment that counts, seconds since the epoch: the last sign-in, the invitation, the end; or `None`.
        detail: who is gone, where somebody is.
        due_at: by when it is to be mended, where there is a day for that.
    """

    finding: Finding
    subject: str
    since: float | None = None
    detail: str = ""
    due_at: float | None = None


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """How long is too long.

    Args:
        dormant_days: without a sign-in.
        invitation_days: until an invitation that was not taken up is one that never will be.
    """

    dormant_days: int
    invitation_days: int


def find(
    people: Sequence[Person],
    groups: Sequence[Group],
    roles: Sequence[Role],
    *,
    limits: Limits,
    now: float,
    lacking: Mapping[str, tuple[Sequence[Unmet], float]] | None = None,
) -> tuple[Found, ...]:
    """Return what is wrong, the most pressing first.

    Args:
        people: everybody, disabled people included.
        groups: every group.
        roles: every role.
        limits: how long is too long.
        now: seconds since the epoch.
        lacking: for each address what its owner lacks to sign in as is asked for, and by when that is to be mended (0
            for at once).
    """
    lacking = lacking or {}
    able = {person.email for person in people if person.active}
    found = [
        *(one for person in people if person.active for one in _of_person(person, able, limits, now)),
        *(
            Found(finding=Finding(unmet.value), subject=email, due_at=due_at or None)
            for email, (everything, due_at) in lacking.items()
            for unmet in everything
        ),
        *(one for role in roles for one in _of_role(role, able)),
        *(
            Found(finding=Finding.GROUP_OWNER_GONE, subject=group.id, detail=group.owner)
            for group in groups
            if group.owner and group.owner not in able
        ),
    ]
    order = list(Finding)
    return tuple(sorted(found, key=lambda one: (order.index(one.finding), one.subject)))


def _of_person(person: Person, able: set[str], limits: Limits, now: float) -> Iterator[Found]:
    if not person.emergency:
        yield from _of_sign_in(person, limits, now)
        yield from _of_standing(person, able, now)


def _of_sign_in(person: Person, limits: Limits, now: float) -> Iterator[Found]:
    """Yield what is wrong with when somebody signed in, or did not."""
    if person.invited:
        if now - person.created_at > limits.invitation_days * DAY_SECONDS:
            yield _found(person, Finding.NEVER_JOINED, person.created_at)
        return
    seen = max(person.last_sign_in_at or 0.0, person.created_at)
    if now - seen > limits.dormant_days * DAY_SECONDS:
        yield _found(person, Finding.DORMANT, person.last_sign_in_at)


def _of_standing(person: Person, able: set[str], now: float) -> Iterator[Found]:
    """Yield what is wrong with what somebody has, until when, and under whom."""
    if not person.groups and not person.roles:
        yield _found(person, Finding.NO_ACCESS)
    if person.kind is PersonKind.CONTRACTOR and person.ends_at is None:
        yield _found(person, Finding.CONTRACTOR_WITHOUT_END)
    if person.ends_at is not None and person.ends_at - now < ENDS_SOON_DAYS * DAY_SECONDS:
        yield _found(person, Finding.ENDS_SOON, person.ends_at)
    if person.manager and person.manager not in able:
        yield _found(person, Finding.MANAGER_GONE, detail=person.manager)


def _found(person: Person, finding: Finding, since: float | None = None, detail: str = "") -> Found:
    return Found(finding=finding, subject=person.email, since=since, detail=detail)


def _of_role(role: Role, able: set[str]) -> Iterator[Found]:
    if role.owner not in able:
        yield Found(finding=Finding.ROLE_WITHOUT_OWNER, subject=role.id, detail=role.owner)
    if not role.people:
        yield Found(finding=Finding.ROLE_NOBODY_HAS, subject=role.id)
