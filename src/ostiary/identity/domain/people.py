"""People, groups and roles, as other rooms see them. How they are stored is not known here."""

from enum import StrEnum
from typing import Final

import msgspec

from ostiary.policy.identifiers import GroupId, PersonId

ADMINISTRATORS: Final = GroupId("administrators")
AUDITORS: Final = GroupId("auditors")
HELPDESK: Final = GroupId("helpdesk")
BUILTIN_GROUPS: Final = (ADMINISTRATORS, AUDITORS, HELPDESK)


class Role(StrEnum):
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


class Group(msgspec.Struct, frozen=True, kw_only=True):
    """A group and how many belong to it. `builtin` ones cannot be deleted."""

    id: GroupId
    name: str
    description: str = ""
    members: int = 0
    builtin: bool = False


class Member(msgspec.Struct, frozen=True, kw_only=True):
    """One person in one group, with who put them there, why and when."""

    person_id: PersonId
    email: str
    name: str
    active: bool
    granted_by: str
    reason: str
    granted_at: float


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


def role_of(groups: tuple[GroupId, ...]) -> Role:
    """Return what membership in the builtin groups allows in the console; the strongest counts."""
    for group, role in ((ADMINISTRATORS, Role.ADMINISTRATOR), (HELPDESK, Role.HELPDESK), (AUDITORS, Role.AUDITOR)):
        if group in groups:
            return role
    return Role.NONE
