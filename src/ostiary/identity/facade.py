"""All that other rooms use of the identity pillar. Frozen types in, frozen types out."""

from ostiary.identity.client import Client, client_of
from ostiary.identity.domain import (
    ADMINISTRATORS,
    AUDITORS,
    BUILTIN_GROUPS,
    HELPDESK,
    Group,
    Invitation,
    Member,
    Person,
    Role,
    SignInSession,
)
from ostiary.identity.domain.authenticators import AuthenticatorInfo
from ostiary.identity.domain.people import role_of
from ostiary.identity.domain.proofs import strongest
from ostiary.identity.domain.sessions import describe_browser
from ostiary.identity.errors import (
    AlreadyExists,
    LinkRefused,
    NotAllowed,
    UnacceptableText,
    UnknownAuthenticator,
    UnknownGroup,
    UnknownPerson,
    UnknownSession,
)
from ostiary.identity.limits import TooManyAttempts
from ostiary.identity.people_file import ImportPlan, read_people_file
from ostiary.identity.queries import (
    find_person,
    get_group,
    get_person,
    list_groups,
    list_members,
    list_people,
    names_of,
    search_members,
)
from ostiary.identity.services.authenticators import list_authenticators, unsafe_provision_totp
from ostiary.identity.services.groups import add_member, create_group, delete_group, remove_member
from ostiary.identity.services.people import (
    create_person,
    disable_person,
    enable_person,
    invite_person,
    rename_person,
    reset_sign_in,
)
from ostiary.identity.services.recovery import recover_administrator
from ostiary.identity.services.sessions import (
    expire_sessions,
    note_activity,
    revoke_all_sessions,
    revoke_session,
    revoke_sessions_of,
    touch_session,
)
from ostiary.identity.session_queries import get_session, list_sessions
from ostiary.policy.request import AuthStrength

__all__ = [
    "ADMINISTRATORS",
    "AUDITORS",
    "BUILTIN_GROUPS",
    "HELPDESK",
    "AlreadyExists",
    "AuthenticatorInfo",
    "Client",
    "Group",
    "ImportPlan",
    "Invitation",
    "LinkRefused",
    "Member",
    "NotAllowed",
    "Person",
    "Role",
    "SignInSession",
    "TooManyAttempts",
    "UnacceptableText",
    "UnknownAuthenticator",
    "UnknownGroup",
    "UnknownPerson",
    "UnknownSession",
    "add_member",
    "client_of",
    "console_role",
    "create_group",
    "create_person",
    "delete_group",
    "describe_browser",
    "disable_person",
    "enable_person",
    "expire_sessions",
    "find_person",
    "get_group",
    "get_person",
    "get_session",
    "invite_person",
    "list_authenticators",
    "list_groups",
    "list_members",
    "list_people",
    "list_sessions",
    "names_of",
    "note_activity",
    "read_people_file",
    "recover_administrator",
    "remove_member",
    "rename_person",
    "reset_sign_in",
    "revoke_all_sessions",
    "revoke_session",
    "revoke_sessions_of",
    "search_members",
    "strongest_proof",
    "touch_session",
    "unsafe_provision_totp",
]


def console_role(person: Person) -> Role:
    """Return what somebody may do in the console, by their membership in the builtin groups."""
    return role_of(person.groups) if person.active else Role.NONE


def strongest_proof(person: Person) -> AuthStrength:
    """Return what the best second factor that somebody has set up is worth; `SINGLE` when they have none."""
    return strongest(person.methods)
