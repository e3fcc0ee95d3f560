"""What the identity pillar stores. Reads live in `queries`, changes in `services`."""

from ostiary.identity.models.federation import DirectoryLink, DirectoryLogout, DirectoryProvider
from ostiary.identity.models.people import Group, Membership, Person, new_person_id
from ostiary.identity.models.recovery import Recovery
from ostiary.identity.models.roles import Role, RoleAssignment
from ostiary.identity.models.sign_in import FailedProof, OneTimeLink, SignInSession, new_session_id

__all__ = [
    "DirectoryLink",
    "DirectoryLogout",
    "DirectoryProvider",
    "FailedProof",
    "Group",
    "Membership",
    "OneTimeLink",
    "Person",
    "Recovery",
    "Role",
    "RoleAssignment",
    "SignInSession",
    "new_person_id",
    "new_session_id",
]
