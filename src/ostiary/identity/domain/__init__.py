"""The identity pillar's types and rules of thumb. Pure: no Django, I/O, clock or randomness."""

from ostiary.identity.domain.people import (
    ADMINISTRATORS,
    AUDITORS,
    BUILTIN_GROUPS,
    ELIGIBLE,
    HELPDESK,
    ConsoleRole,
    Group,
    Invitation,
    Member,
    Person,
    PersonKind,
    RoleId,
)
from ostiary.identity.domain.proofs import STRENGTH_OF, is_enough, proof
from ostiary.identity.domain.sessions import SignInSession

__all__ = [
    "ADMINISTRATORS",
    "AUDITORS",
    "BUILTIN_GROUPS",
    "ELIGIBLE",
    "HELPDESK",
    "STRENGTH_OF",
    "ConsoleRole",
    "Group",
    "Invitation",
    "Member",
    "Person",
    "PersonKind",
    "RoleId",
    "SignInSession",
    "is_enough",
    "proof",
]
