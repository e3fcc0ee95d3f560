"""People, groups and roles, as other rooms see them. How they are stored is not known here."""

from enum import StrEnum
from typing import Final, NewType

import msgspec

from ostiary.policy.identifiers import GroupId, PersonId

RoleId = NewType("RoleId", str)

ADMINISTRATORS: Final = GroupId("administrators")
AUDITORS: Final = GroupId("auditors")
HELPDESK: Final = GroupId("helpdesk")
ELIGIBLE: Final = GroupId("administrators-eligible")
"""Whose members may become administrators for a while; until they do they may no more in the console than anybody."""
BUILTIN_GROUPS: Final = (ADMINISTRATORS, AUDITORS, HELPDESK, ELIGIBLE)


class PersonKind(StrEnum):
    """In what relation somebody stands to the organisation."""

    EMPLOYEE = "employee"
    CONTRACTOR = "contractor"


class ConsoleRole(StrEnum):
    """What somebody may do in the console, strongest first."""

    ADMINISTRATOR = "administrator"
    HELPDESK = "helpdesk"
    AUDITOR = "auditor"
    NONE = "none"


class Person(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody who can sign in, or could.

    Args:
        active: false when disabled: no door opens.
        groups: identifiers, sorted.
        created_at: seconds since the epoch, like every moment here.
        last_sign_in_at: `None` when they never signed in.
        methods: authenticators they have set up: `password`, `totp`, `webauthn`, `recovery_codes`.
        invited: whether the invitation is still to be taken up.
        locked: whether guesses against this person are being held off somewhere at the moment.
        emergency: whether this is a break-glass account.
        email_confirmed: whether the address is known to reach this person.
        kind: in what relation they stand to the organisation.
        ends_at: when the account ends by itself; `None` for never. `active` is false from then on.
        manager: the address of whoever they report to; empty when nobody is known.
        roles: the jobs they do, sorted.
    """

    id: PersonId
    email: str
    name: str
    active: bool
    groups: tuple[GroupId, ...] = ()
    created_at: float
    last_sign_in_at: float | None = None
    methods: tuple[str, ...] = ()
    invited: bool = False
    locked: bool = False
    emergency: bool = False
    email_confirmed: bool = False
    kind: PersonKind = PersonKind.EMPLOYEE
    ends_at: float | None = None
    title: str = ""
    department: str = ""
    employee_number: str = ""
    manager: str = ""
    roles: tuple[RoleId, ...] = ()


class Group(msgspec.Struct, frozen=True, kw_only=True):
    """A group and how many belong to it. `builtin` ones cannot be deleted; `owner` is an address, or empty."""

    id: GroupId
    name: str
    description: str = ""
    members: int = 0
    builtin: bool = False
    owner: str = ""


class Member(msgspec.Struct, frozen=True, kw_only=True):
    """One person in one group, with who put them there, why and when.

    Args:
        via: `role:ID` where a role brought it; empty where somebody put them there.
        ends_at: when it ends by itself; `None` for never.
    """

    person_id: PersonId
    email: str
    name: str
    active: bool
    granted_by: str
    reason: str
    granted_at: float
    via: str = ""
    ends_at: float | None = None


class Invitation(msgspec.Struct, frozen=True, kw_only=True):
    """A link to hand over, and until when it works (seconds since the epoch).

    Args:
        link: opens once; whoever holds it acts as the person, so it is shown once and never stored.
        mailed: whether it was also sent to the person's address.
    """

    person_id: PersonId
    link: str
    expires_at: float
    mailed: bool = False


def role_of(groups: tuple[GroupId, ...]) -> ConsoleRole:
    """Return what membership in the builtin groups allows in the console; the strongest counts."""
    for group, role in (
        (ADMINISTRATORS, ConsoleRole.ADMINISTRATOR),
        (HELPDESK, ConsoleRole.HELPDESK),
        (AUDITORS, ConsoleRole.AUDITOR),
    ):
        if group in groups:
            return role
    return ConsoleRole.NONE
