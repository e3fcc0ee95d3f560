"""All that the sign-in pages and the portal use of the identity pillar, besides `facade`."""

from ostiary.identity.adapters.flow import (
    check_password,
    finish_second_step,
    forget_flow,
    go_on_after_directory,
    go_on_after_passkey,
    go_on_after_password,
    note_proof,
    waiting_person,
)
from ostiary.identity.adapters.passkeys import (
    PasskeyRefused,
    begin_authentication,
    begin_registration,
    complete_authentication,
    complete_registration,
)
from ostiary.identity.arrival import Coming, ask_directory, read_arrival
from ostiary.identity.browser_session import SESSION_KEY, person_actor, sign_browser_in
from ostiary.identity.domain.federation import (
    DIRECTORY,
    Assertion,
    DirectoryRefused,
    Origin,
    Reason,
)
from ostiary.identity.domain.limits import code_limits, link_limits, passkey_limits, password_limits
from ostiary.identity.domain.proofs import (
    BREAK_GLASS,
    EMAIL,
    PASSWORD,
    RECOVERY,
    RECOVERY_CODE,
    TOTP,
    WEBAUTHN,
    is_break_glass_only,
    is_recovering,
    may_change_authenticators,
    may_set_up,
    proof,
    proved_since,
    strongest,
)
from ostiary.identity.domain.return_paths import return_path_or_start
from ostiary.identity.journal import record_handover, record_refused_sign_in
from ostiary.identity.limits import account_mark, attempt
from ostiary.identity.models import OneTimeLink
from ostiary.identity.models import Person as PersonRow
from ostiary.identity.services.authenticators import (
    add_passkey,
    check_code,
    make_recovery_codes,
    new_totp_secret,
    remove_authenticator,
    rename_authenticator,
    set_up_totp,
    totp_address,
)
from ostiary.identity.services.federation import admit, link_directory, unlink_directory
from ostiary.identity.services.guards import is_administrator
from ostiary.identity.services.invitations import (
    accept_with_passkey,
    accept_with_password,
    change_password,
    confirm_email,
    send_confirmation,
    send_password_link,
    set_password_by_link,
)
from ostiary.identity.services.links import look_at_link
from ostiary.identity.services.lost_factor import ask_for_recovery, finish_recovery, use_recovery
from ostiary.identity.services.own_passwords import review_password
from ostiary.identity.services.recovery import use_break_glass
from ostiary.identity.services.sessions import add_proof, note_device, review_session
from ostiary.identity.sign_out_there import Parting, is_back, parting_of, take_logout, way_out

__all__ = [
    "BREAK_GLASS",
    "DIRECTORY",
    "EMAIL",
    "PASSWORD",
    "RECOVERY",
    "RECOVERY_CODE",
    "SESSION_KEY",
    "TOTP",
    "WEBAUTHN",
    "Assertion",
    "Coming",
    "DirectoryRefused",
    "OneTimeLink",
    "Origin",
    "Parting",
    "PasskeyRefused",
    "PersonRow",
    "Reason",
    "accept_with_passkey",
    "accept_with_password",
    "account_mark",
    "add_passkey",
    "add_proof",
    "admit",
    "ask_directory",
    "ask_for_recovery",
    "attempt",
    "begin_authentication",
    "begin_registration",
    "change_password",
    "check_code",
    "check_password",
    "code_limits",
    "complete_authentication",
    "complete_registration",
    "confirm_email",
    "finish_recovery",
    "finish_second_step",
    "forget_flow",
    "go_on_after_directory",
    "go_on_after_passkey",
    "go_on_after_password",
    "is_administrator",
    "is_back",
    "is_break_glass_only",
    "is_recovering",
    "link_directory",
    "link_limits",
    "look_at_link",
    "make_recovery_codes",
    "may_change_authenticators",
    "may_set_up",
    "new_totp_secret",
    "note_device",
    "note_proof",
    "parting_of",
    "passkey_limits",
    "password_limits",
    "person_actor",
    "proof",
    "proved_since",
    "read_arrival",
    "record_handover",
    "record_refused_sign_in",
    "remove_authenticator",
    "rename_authenticator",
    "return_path_or_start",
    "review_password",
    "review_session",
    "send_confirmation",
    "send_password_link",
    "set_password_by_link",
    "set_up_totp",
    "sign_browser_in",
    "strongest",
    "take_logout",
    "totp_address",
    "unlink_directory",
    "use_break_glass",
    "use_recovery",
    "waiting_person",
    "way_out",
]
