"""Which acts want a fresh proof of who acts: the one list, for the console and for the sign-in host.

A page that takes a form stands in one of the two sets of its site, which a test sees to. In the console a form that stands in
neither is sensitive. How the console asks is in `console.fresh_proof`, how the sign-in host does in `signin.prove`.
Source: OWASP ASVS 5.0, 7.5.3 (further authentication before highly sensitive operations).
"""

from typing import Final

FRESH_SECONDS: Final = 15 * 60
"""How old a proof may be."""

CONSOLE_HARMLESS: Final = frozenset(
    {
        "audit",
        "device_lost",
        "device_quarantine",
        "device_rename",
        "device_seen_ask",
        "device_seen_ignore",
        "group_add",
        "person_invite_again",
        "person_rename",
        "request_end",
        "review_remind",
        "rules_replay",
        "rules_roll_back",
        "rules_unused_review",
        "service_disable",
        "service_key_remove",
        "service_trust_remove",
        "service_trust_try",
        "session_revoke",
        "sessions_revoke_of",
        "signal_stream_verify",
        "source_import",
        "source_try",
        "signal_transmitter_verify",
        "token_revoke",
    }
)
"""They change nothing, or nothing that opens anything; or they only take away what must end at once."""

CONSOLE_SENSITIVE: Final = frozenset(
    {
        "administrators_eligible",
        "app_add",
        "app_change",
        "app_remove",
        "baseline_edit",
        "baseline_remove",
        "baseline_require",
        "baselines_held",
        "client_add",
        "client_change",
        "client_remove",
        "client_secret",
        "device_approve",
        "device_deny",
        "device_exception_answer",
        "device_release",
        "device_retire",
        "group_approvers",
        "group_owner",
        "group_remove",
        "label_limits_change",
        "member_add",
        "member_remove",
        "people_import",
        "person_disable",
        "person_enable",
        "person_invite",
        "person_leave",
        "person_move",
        "person_profile",
        "person_reset",
        "person_unlink",
        "request_answer",
        "request_review",
        "recovery_answer",
        "review_close",
        "review_start",
        "role_add",
        "role_change",
        "role_assign",
        "role_withdraw",
        "role_remove",
        "rules_confirm",
        "rules_edit",
        "rules_proposal",
        "signal_transmitter_held",
        "saml_add",
        "saml_certificate",
        "saml_change",
        "scim_client_add",
        "scim_client_revoke",
        "service_add",
        "service_change",
        "service_enable",
        "service_key_add",
        "service_remove",
        "service_trust_add",
        "osquery_link",
        "osquery_remove",
        "osquery_secret_add",
        "osquery_secret_revoke",
        "osquery_unlink",
        "source_connect",
        "source_link",
        "source_remove",
        "source_suggested",
        "source_unlink",
    }
)

CONSOLE_LOOKED_AT: Final = frozenset(
    {
        "rules_confirm",
        "rules_edit",
        "rules_proposal",
        "request_answer",
        "request_review",
        "saml_certificate",
        "source_suggested",
    }
)
"""Pages of sensitive acts that are also there to be read: only sending their form wants the proof."""

PORTAL_SENSITIVE: Final = frozenset(
    {
        "portal_device_enrol",
        "portal_link_confirm",
        "portal_password",
        "portal_recovery",
        "portal_remove",
        "portal_remove_password",
        "portal_request_answer",
        "portal_token_new",
        "portal_unlink",
        "set_up_app",
        "set_up_codes",
        "set_up_passkey",
    }
)

PORTAL_HARMLESS: Final = frozenset(
    {
        "oidc_authorize",
        "oidc_end_session",
        "portal_ask",
        "portal_administrator",
        "portal_check_again",
        "portal_confirm_address",
        "portal_device_lost",
        "portal_device_rename",
        "portal_device_retire",
        "portal_more_time",
        "portal_emergency",
        "portal_end_all_sessions",
        "portal_end_session",
        "portal_profile",
        "portal_rename",
        "portal_request_extend",
        "portal_request_hand_back",
        "portal_request_prove",
        "portal_request_review",
        "portal_request_withdraw",
        "portal_review",
        "portal_review_hand_on",
        "portal_reviews_confirm",
        "portal_token_revoke",
        "prove",
        "saml_again",
        "saml_sign_in",
        "saml_sign_out",
        "sign_in_again",
        "step_up",
    }
)
"""They say something, give something back, end something, or are the proof itself. Emergency access and becoming an
administrator ask for one of their own, not older than ten minutes."""
