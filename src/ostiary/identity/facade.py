"""All that other rooms use of the identity pillar. Frozen types in, frozen types out."""

from ostiary.identity.afresh import end_too
from ostiary.identity.client import Client, client_of
from ostiary.identity.directory_queries import (
    can_sign_in,
    count_groups,
    count_people,
    groups_via,
    has_member,
    ids_of,
    is_in_group,
    members_via,
    read_groups,
    read_people,
)
from ostiary.identity.domain import (
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
    SignInSession,
)
from ostiary.identity.domain.authenticator_policy import Standing, Unmet
from ostiary.identity.domain.authenticators import AuthenticatorInfo
from ostiary.identity.domain.federation import (
    GOOGLE_ISSUER,
    LinkedSignIn,
    Preset,
    Provider,
    ProviderId,
    UnacceptableProvider,
)
from ostiary.identity.domain.hygiene import Finding, Found
from ostiary.identity.domain.hygiene_report import hygiene_row
from ostiary.identity.domain.life_cycle import Item, Step
from ostiary.identity.domain.people import role_of
from ostiary.identity.domain.proofs import is_break_glass_only, strongest
from ostiary.identity.domain.recoveries import RecoveryInfo, RecoveryState
from ostiary.identity.domain.roles import Assignment, Held, Role
from ostiary.identity.eligibility import end_too_with_eligibility
from ostiary.identity.errors import (
    AlreadyExists,
    LinkRefused,
    NotAllowed,
    UnacceptableText,
    UnknownAuthenticator,
    UnknownGroup,
    UnknownPerson,
    UnknownProvider,
    UnknownRecovery,
    UnknownRole,
    UnknownSession,
)
from ostiary.identity.federation_queries import (
    ProviderKey,
    callback_url,
    find_linked,
    get_provider,
    keys_url,
    linked_sign_ins,
    list_client_keys,
    list_providers,
    logout_url,
    search_linked,
    signed_out_url,
)
from ostiary.identity.leaving import Handover, hand_over_too
from ostiary.identity.limits import TooManyAttempts
from ostiary.identity.people_file import ImportPlan, decode_people_file
from ostiary.identity.people_table import UnreadablePeopleFile
from ostiary.identity.provider_check import ProviderCheck, check_provider
from ostiary.identity.queries import (
    find_person,
    get_group,
    get_person,
    list_groups,
    list_members,
    list_people,
    memberships_in,
    names_of,
    search_members,
)
from ostiary.identity.recovery_queries import get_recovery, search_recoveries
from ostiary.identity.role_effects import Effect, preview_role
from ostiary.identity.role_queries import access_of, assignments_of, get_role, list_assignments, list_roles
from ostiary.identity.services.authenticators import list_authenticators, unsafe_provision_totp
from ostiary.identity.services.federation import unlink_directory
from ostiary.identity.services.group_owners import set_group_owner
from ostiary.identity.services.groups import create_group, delete_group, rename_group
from ostiary.identity.services.guards import find_owner, parse_email, parse_name
from ostiary.identity.services.hygiene import check_also, check_directory, record_hygiene_export
from ostiary.identity.services.life_cycle import Joined, join, leave, move, preview_leave, preview_move
from ostiary.identity.services.lost_factor import confirm_recovery, may_answer_recovery, refuse_recovery
from ostiary.identity.services.memberships import add_member, change_members_via, remove_by_hand, remove_member
from ostiary.identity.services.nudges import MISSING_WORDS, nudge_people
from ostiary.identity.services.people import (
    change_address,
    create_person,
    disable_person,
    enable_person,
    invite_person,
    register_person,
    rename_person,
)
from ostiary.identity.services.people_import import (
    Imported,
    export_people,
    import_people,
    plan_people_import,
    read_people_file,
)
from ostiary.identity.services.profiles import Profile, change_profile
from ostiary.identity.services.provider_keys import prepare_key, switch_key
from ostiary.identity.services.providers import add_provider, change_provider, remove_provider
from ostiary.identity.services.recovery import recover_administrator
from ostiary.identity.services.resetting import reset_sign_in
from ostiary.identity.services.roles import assign_role, change_role, create_role, delete_role, withdraw_role
from ostiary.identity.services.session_ends import (
    expire_sessions,
    revoke_all_sessions,
    revoke_session,
    revoke_sessions_of,
)
from ostiary.identity.services.sessions import note_activity, touch_session
from ostiary.identity.services.terms import expire_terms
from ostiary.identity.session_queries import get_session, list_sessions, living_sessions
from ostiary.identity.standings import authenticator_policy, list_standings
from ostiary.policy.request import AuthStrength
from ostiary.visibility.domain.browsers import describe_browser

__all__ = [
    "ADMINISTRATORS",
    "AUDITORS",
    "BUILTIN_GROUPS",
    "ELIGIBLE",
    "GOOGLE_ISSUER",
    "HELPDESK",
    "MISSING_WORDS",
    "AlreadyExists",
    "Assignment",
    "AuthenticatorInfo",
    "Client",
    "ConsoleRole",
    "Effect",
    "Finding",
    "Found",
    "Group",
    "Handover",
    "Held",
    "ImportPlan",
    "Imported",
    "Invitation",
    "Item",
    "Joined",
    "LinkRefused",
    "LinkedSignIn",
    "Member",
    "NotAllowed",
    "Person",
    "PersonKind",
    "Preset",
    "Profile",
    "Provider",
    "ProviderCheck",
    "ProviderId",
    "ProviderKey",
    "RecoveryInfo",
    "RecoveryState",
    "Role",
    "RoleId",
    "SignInSession",
    "Standing",
    "Step",
    "TooManyAttempts",
    "UnacceptableProvider",
    "UnacceptableText",
    "UnknownAuthenticator",
    "UnknownGroup",
    "UnknownPerson",
    "UnknownProvider",
    "UnknownRecovery",
    "UnknownRole",
    "UnknownSession",
    "Unmet",
    "UnreadablePeopleFile",
    "access_of",
    "add_member",
    "add_provider",
    "assign_role",
    "assignments_of",
    "authenticator_policy",
    "callback_url",
    "can_sign_in",
    "change_address",
    "change_members_via",
    "change_profile",
    "change_provider",
    "change_role",
    "check_also",
    "check_directory",
    "check_provider",
    "client_of",
    "confirm_recovery",
    "console_role",
    "count_groups",
    "count_people",
    "create_group",
    "create_person",
    "create_role",
    "decode_people_file",
    "delete_group",
    "delete_role",
    "describe_browser",
    "disable_person",
    "enable_person",
    "end_too",
    "end_too_with_eligibility",
    "expire_sessions",
    "expire_terms",
    "export_people",
    "find_linked",
    "find_owner",
    "find_person",
    "get_group",
    "get_person",
    "get_provider",
    "get_recovery",
    "get_role",
    "get_session",
    "groups_via",
    "hand_over_too",
    "has_member",
    "hygiene_row",
    "ids_of",
    "import_people",
    "invite_person",
    "is_break_glass_only",
    "is_in_group",
    "join",
    "keys_url",
    "leave",
    "linked_sign_ins",
    "list_assignments",
    "list_authenticators",
    "list_client_keys",
    "list_groups",
    "list_members",
    "list_people",
    "list_providers",
    "list_roles",
    "list_sessions",
    "list_standings",
    "living_sessions",
    "logout_url",
    "may_answer_recovery",
    "members_via",
    "memberships_in",
    "move",
    "names_of",
    "note_activity",
    "nudge_people",
    "parse_email",
    "parse_name",
    "plan_people_import",
    "prepare_key",
    "preview_leave",
    "preview_move",
    "preview_role",
    "read_groups",
    "read_people",
    "read_people_file",
    "record_hygiene_export",
    "recover_administrator",
    "refuse_recovery",
    "register_person",
    "remove_by_hand",
    "remove_member",
    "remove_provider",
    "rename_group",
    "rename_person",
    "reset_sign_in",
    "revoke_all_sessions",
    "revoke_session",
    "revoke_sessions_of",
    "search_linked",
    "search_members",
    "search_recoveries",
    "set_group_owner",
    "signed_out_url",
    "strongest_proof",
    "switch_key",
    "touch_session",
    "unlink_directory",
    "unsafe_provision_totp",
    "withdraw_role",
]


def console_role(person: Person) -> ConsoleRole:
    """Return what somebody may do in the console, by their membership in the builtin groups."""
    return role_of(person.groups) if person.active else ConsoleRole.NONE


def strongest_proof(person: Person) -> AuthStrength:
    """Return what the best second factor that somebody has set up is worth; `SINGLE` when they have none."""
    return strongest(person.methods)
