"""What this instance tells others when something happened to somebody: events and their claims.

Source: OpenID CAEP 1.0, sections 2 and 3; OpenID RISC 1.0, section 2; CAEP Interoperability Profile 1.0, section 3
(`reason_admin` is never empty); RFC 8176 for the names of what was proved.
"""

from collections.abc import Iterator
from typing import Any, Final

from ostiary.changes import Happening
from ostiary.signals.domain.events import (
    ACCOUNT_DISABLED,
    ACCOUNT_ENABLED,
    ASSURANCE_LEVEL_CHANGE,
    CREDENTIAL_CHANGE,
    SESSION_REVOKED,
)

_CREDENTIALS: Final = {
    "totp": "app",
    "webauthn": "fido2-roaming",
    "password": "password",
    "recovery_codes": "recovery-codes",
}
"""CAEP 1.0, section 3.3.1. A passkey may be of either kind, and is called the one that can be carried away."""

_PROVED: Final = {"SINGLE": "pwd", "ANY": "mfa", "OTP": "otp", "PHISHING_RESISTANT": "pop"}
_REASON_CHARACTERS: Final = 200


def events_of(happening: Happening, *, at: float) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the events that tell of something: each with its URI and its claims.

    Args:
        happening: what happened.
        at: seconds since the epoch.
    """
    common: dict[str, Any] = {"event_timestamp": int(at), "initiating_entity": happening.initiated_by}

    def because(words: str) -> dict[str, Any]:
        return {**common, "reason_admin": {"en": (happening.reason or words)[:_REASON_CHARACTERS]}}

    match happening.kind:
        case "sessions_ended":
            yield SESSION_REVOKED, because("signed out")
        case "disabled":
            yield ACCOUNT_DISABLED, {}
            yield SESSION_REVOKED, because("the account was disabled")
        case "enabled":
            yield ACCOUNT_ENABLED, {}
        case "authenticator_added" | "authenticator_removed":
            change = "create" if happening.kind == "authenticator_added" else "delete"
            kind = _CREDENTIALS.get(happening.what, "app")
            yield CREDENTIAL_CHANGE, {**because(f"{kind}: {change}"), "credential_type": kind, "change_type": change}
        case "password_changed":
            claims = {"credential_type": "password", "change_type": "update"}
            yield CREDENTIAL_CHANGE, {**because("the password was changed"), **claims}
            if happening.what == "reset":
                yield SESSION_REVOKED, because("the sign-in was reset")
        case "assurance_raised":
            yield (
                ASSURANCE_LEVEL_CHANGE,
                {
                    **because("proved more"),
                    "namespace": "RFC8176",
                    "current_level": _PROVED[happening.what],
                    "previous_level": _PROVED[happening.before],
                    "change_direction": "increase",
                },
            )
