"""Which events are known, what each says, and what it would bring about here.

Source: OpenID CAEP 1.0, sections 2 and 3; OpenID RISC Profile 1.0, section 2; OpenID SSF 1.0, sections 8.1.4 and 8.1.5.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Final

import msgspec

from ostiary.outgoing.wording import fit
from ostiary.signals.domain.errors import RefusedSignal

CAEP: Final = "https://schemas.openid.net/secevent/caep/event-type/"
RISC: Final = "https://schemas.openid.net/secevent/risc/event-type/"
SSF: Final = "https://schemas.openid.net/secevent/ssf/event-type/"

SESSION_REVOKED: Final = f"{CAEP}session-revoked"
CREDENTIAL_CHANGE: Final = f"{CAEP}credential-change"
ASSURANCE_LEVEL_CHANGE: Final = f"{CAEP}assurance-level-change"
DEVICE_COMPLIANCE_CHANGE: Final = f"{CAEP}device-compliance-change"
ACCOUNT_DISABLED: Final = f"{RISC}account-disabled"
ACCOUNT_ENABLED: Final = f"{RISC}account-enabled"
VERIFICATION: Final = f"{SSF}verification"
STREAM_UPDATED: Final = f"{SSF}stream-updated"

SENT: Final = (SESSION_REVOKED, CREDENTIAL_CHANGE, ASSURANCE_LEVEL_CHANGE, ACCOUNT_DISABLED, ACCOUNT_ENABLED)
"""What this instance tells others. Devices have no posture here yet, so nothing is said of it."""

ASKED_FOR: Final = (*SENT, DEVICE_COMPLIANCE_CHANGE)
"""What it asks other transmitters for."""

MAX_WORDS: Final = 300
_CHANGES: Final = ("create", "revoke", "update", "delete")
_COMPLIANCE: Final = ("compliant", "not-compliant")
_ENTITIES: Final = ("admin", "user", "policy", "system")
_STREAM_STATES: Final = ("enabled", "paused", "disabled")


class Effect(StrEnum):
    """What an event would bring about, were its transmitter allowed to."""

    NOTHING = "nothing"
    END_SESSIONS = "end_sessions"
    DISABLE = "disable"
    ENABLE = "enable"


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """One event, read.

    Args:
        type: its URI.
        effect: what it would bring about.
        words: what it says, for people: the claims that matter and the reason given.
        state: of a verification: what we asked to hear.
        status: of an updated stream: how it stands now.
    """

    type: str
    effect: Effect = Effect.NOTHING
    words: str = ""
    state: str | None = None
    status: str = ""

    @property
    def name(self) -> str:
        """The last part of its URI."""
        return name_of(self.type)


_RISC_EFFECTS: Final = {
    ACCOUNT_DISABLED: Effect.DISABLE,
    f"{RISC}account-purged": Effect.DISABLE,
    ACCOUNT_ENABLED: Effect.ENABLE,
    f"{RISC}sessions-revoked": Effect.END_SESSIONS,
    f"{RISC}credential-compromise": Effect.END_SESSIONS,
    f"{RISC}account-credential-change-required": Effect.END_SESSIONS,
}


def name_of(event_type: str) -> str:
    """Return the last part of an event's URI, as people read it."""
    return event_type.rstrip("/").rpartition("/")[2][:80]


def read_event(event_type: str, payload: Any) -> Event:
    """Return what an event says. One that nobody here knows says nothing, and is no error.

    Args:
        event_type: its URI.
        payload: what stands under it in the `events` claim.

    Raises:
        RefusedSignal: when a claim that the specification demands is missing, or has a value it does not allow.
    """
    if not isinstance(payload, Mapping):
        raise _malformed("an event's claims are no object")
    entity = payload.get("initiating_entity")
    if entity is not None and entity not in _ENTITIES:
        raise _malformed("initiating_entity")
    reason = _reason(payload)
    if event_type == SESSION_REVOKED:
        return Event(type=event_type, effect=Effect.END_SESSIONS, words=reason)
    if event_type == CREDENTIAL_CHANGE:
        return _credential_change(payload, reason)
    if event_type == ASSURANCE_LEVEL_CHANGE:
        return _assurance_level_change(payload, reason)
    if event_type == DEVICE_COMPLIANCE_CHANGE:
        return _device_compliance_change(payload, reason)
    if event_type == VERIFICATION:
        state = payload.get("state")
        return Event(type=event_type, state=None if state is None else _text(payload, "state", limit=1000))
    if event_type == STREAM_UPDATED:
        status = _choice(payload, "status", _STREAM_STATES)
        return Event(type=event_type, status=status, words=_join(status, _optional(payload, "reason")))
    effect = _RISC_EFFECTS.get(event_type, Effect.NOTHING)
    return Event(type=event_type, effect=effect, words=_join(_optional(payload, "reason"), reason))


def _credential_change(payload: Mapping[str, Any], reason: str) -> Event:
    """A credential that was added takes nothing away; one that was changed, withdrawn or deleted may have been stolen."""
    change = _choice(payload, "change_type", _CHANGES)
    kind = _text(payload, "credential_type")
    effect = Effect.NOTHING if change == "create" else Effect.END_SESSIONS
    return Event(type=CREDENTIAL_CHANGE, effect=effect, words=_join(f"{kind}: {change}", reason))


def _assurance_level_change(payload: Mapping[str, Any], reason: str) -> Event:
    namespace, level = _text(payload, "namespace"), _text(payload, "current_level")
    before = _optional(payload, "previous_level")
    direction = payload.get("change_direction")
    if direction is not None and direction not in ("increase", "decrease"):
        raise _malformed("change_direction")
    effect = Effect.END_SESSIONS if direction == "decrease" else Effect.NOTHING
    words = f"{namespace}: {before} → {level}" if before else f"{namespace}: {level}"
    return Event(type=ASSURANCE_LEVEL_CHANGE, effect=effect, words=_join(words, reason))


def _device_compliance_change(payload: Mapping[str, Any], reason: str) -> Event:
    before = _choice(payload, "previous_status", _COMPLIANCE)
    now = _choice(payload, "current_status", _COMPLIANCE)
    effect = Effect.END_SESSIONS if now == "not-compliant" else Effect.NOTHING
    return Event(type=DEVICE_COMPLIANCE_CHANGE, effect=effect, words=_join(f"{before} → {now}", reason))


def _reason(payload: Mapping[str, Any]) -> str:
    """Return the reason given to administrators: a text by language, or a bare text as older transmitters send it."""
    found = payload.get("reason_admin")
    if found is None:
        return ""
    if isinstance(found, str):
        return fit(found, MAX_WORDS)
    if not isinstance(found, Mapping) or not all(isinstance(one, str) for one in found.values()):
        raise _malformed("reason_admin")
    return fit(str(found.get("en") or next(iter(found.values()), "")), MAX_WORDS)


def _text(payload: Mapping[str, Any], name: str, *, limit: int = 200) -> str:
    value = payload.get(name)
    if not isinstance(value, str) or not value or len(value) > limit:
        raise _malformed(name)
    return value


def _optional(payload: Mapping[str, Any], name: str) -> str:
    value = payload.get(name)
    return value[:MAX_WORDS] if isinstance(value, str) else ""


def _choice(payload: Mapping[str, Any], name: str, choices: tuple[str, ...]) -> str:
    value = payload.get(name)
    if not isinstance(value, str) or value not in choices:
        raise _malformed(name)
    return value


def _join(*parts: str) -> str:
    return fit("; ".join(filter(None, parts)), MAX_WORDS)


def _malformed(what: str) -> RefusedSignal:
    return RefusedSignal("invalid_request", f"The event cannot be read: {what}.")
