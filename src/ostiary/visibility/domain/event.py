"""An event of the control plane, and the parts that several kinds of it have. The kinds are in `events` and `sign_in_events`.

Source: OCSF 1.6.0, category 3 (Identity & Access Management).
"""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from ostiary.visibility.domain import ocsf
from ostiary.visibility.domain.actor import Actor

_USER_TYPES: Final[dict[str, int]] = {
    "person": ocsf.USER_TYPE_USER,
    "machine": ocsf.USER_TYPE_ADMIN,
    "system": ocsf.USER_TYPE_SYSTEM,
}


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """An event that is ready to be recorded.

    Args:
        uid: its own identifier.
        at: when it happened, seconds since the epoch, UTC.
        class_uid: its OCSF class.
        encoded: the whole event as one line of JSON, without the line's end.
    """

    uid: str
    at: float
    class_uid: int
    encoded: bytes

    @property
    def body(self) -> dict[str, Any]:
        """The event as plain values."""
        return dict(msgspec.json.decode(self.encoded))


def build_event(
    event_class: ocsf.EventClass,
    activity: int,
    *,
    at: float,
    uid: str,
    success: bool,
    details: Mapping[str, Any],
    other: str = "",
    log_name: str = "control",
) -> Event:
    """Return an event of the control plane, without what is `None`.

    Args:
        event_class: its OCSF class.
        activity: the number of what was done, in that class.
        at: when it happened, seconds since the epoch, UTC.
        uid: its own identifier.
        success: whether it was done.
        details: what only this event says.
        other: the activity in words where OCSF has no number for it.
        log_name: the stream it is written to.
    """
    body = {
        **ocsf.classification(event_class, activity, other=other),
        "time": int(at * 1000),
        "severity_id": ocsf.SEVERITY_INFORMATIONAL if success else ocsf.SEVERITY_LOW,
        "status_id": ocsf.STATUS_SUCCESS if success else ocsf.STATUS_FAILURE,
        "metadata": ocsf.metadata(uid=uid, log_name=log_name, profiles=("host",)),
        **details,
    }
    return Event(uid=uid, at=at, class_uid=event_class.uid, encoded=ocsf.encode(present(body)))


def present(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values that are there."""
    return {key: value for key, value in values.items() if value is not None}


def actor_object(actor: Actor) -> dict[str, Any]:
    """Return who did it."""
    user = {"uid": actor.id, "name": actor.label, "type_id": _USER_TYPES[actor.kind], "type": actor.kind}
    return {"user": user}


def user_object(person_id: str | None, email: str, name: str = "") -> dict[str, Any]:
    """Return whom it is about."""
    user = {"uid": person_id, "name": email or person_id or "unknown", "email_addr": email or None}
    return present({**user, "full_name": name or None, "type_id": ocsf.USER_TYPE_USER})


def session_object(session: str | None, *, is_mfa: bool | None = None) -> dict[str, Any] | None:
    """Return the session, where there is one."""
    return None if session is None else present({"uid": session, "is_mfa": is_mfa})


def endpoint_object(address: str | None) -> dict[str, Any] | None:
    """Return where it came from, where that is known."""
    return {"ip": address} if address else None


def factor_object(method: str) -> dict[str, Any]:
    """Return a proof that was given."""
    factor: dict[str, Any] = {"factor_type_id": ocsf.AUTH_FACTORS.get(method, ocsf.OTHER), "factor_type": method}
    return {**factor, "is_totp": True} if method == "totp" else factor
