"""Events of the control plane: sign-ins, accounts, groups, and what administrators change. Builders are pure.

Decisions are in `decision_event`, what happens to the log itself in `log_event`. Nothing secret goes into an event.
Every builder takes `at` (seconds since the epoch, UTC) and `uid` (unique; `facade.new_uid()` makes one).
Source: OCSF 1.6.0, category 3 (Identity & Access Management).
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final, Literal

import msgspec

from ostiary.visibility.domain import ocsf
from ostiary.visibility.domain.actor import Actor
from ostiary.visibility.domain.sentences import account_sentence, entity_sentence, group_sentence, sentence

AccountChange = Literal[
    "create",
    "invite",
    "enable",
    "disable",
    "delete",
    "rename",
    "password_change",
    "password_reset",
    "lock",
    "unlock",
    "mfa_enable",
    "mfa_disable",
    "recover",
]
GroupChange = Literal["create", "delete", "rename", "add_member", "remove_member"]
EntityChange = Literal["create", "read", "update", "delete", "enable", "disable"]
Details = Mapping[str, str | int | float | bool | None]

_ACCOUNT: Final[dict[str, int]] = {
    "create": 1,
    "enable": 2,
    "password_change": 3,
    "password_reset": 4,
    "disable": 5,
    "delete": 6,
    "lock": 9,
    "mfa_enable": 10,
    "mfa_disable": 11,
    "unlock": 12,
}
_GROUP: Final[dict[str, int]] = {"add_member": 3, "remove_member": 4, "delete": 5, "create": 6}
_ENTITY: Final[dict[str, int]] = {"create": 1, "read": 2, "update": 3, "delete": 4, "enable": 8, "disable": 9}
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


def sign_in_event(
    *,
    at: float,
    uid: str,
    email: str,
    success: bool,
    service: str = "id",
    person_id: str | None = None,
    name: str = "",
    methods: Iterable[str] = (),
    session: str | None = None,
    address: str | None = None,
    user_agent: str = "",
    reason: str = "",
) -> Event:
    """Somebody signed in, or tried to.

    Args:
        at: when it happened, seconds since the epoch, UTC.
        uid: the event's own identifier.
        email: what was typed as the address.
        success: whether it worked.
        service: the app's id, or `id` for the sign-in host itself.
        person_id: who it is, where known.
        name: their name.
        methods: the proofs given: `password`, `totp`, `webauthn`, `recovery_code`, `email`, `break_glass`.
        session: the new session's id.
        address: the client's address.
        user_agent: as sent.
        reason: for a failure: a stable code such as `wrong_password`.
    """
    methods = tuple(methods)
    details = {
        "user": _user(person_id, email, name),
        "service": {"name": service, "uid": service},
        "session": _session(session, is_mfa=len(methods) > 1 or "webauthn" in methods),
        "is_remote": True,
        "is_mfa": len(methods) > 1 or "webauthn" in methods,
        "auth_factors": [_factor(method) for method in methods] or None,
        "http_request": {"user_agent": user_agent[:512]} if user_agent else None,
        "src_endpoint": _endpoint(address),
        "status_detail": reason or None,
        "message": sentence(email, "signed in" if success else "could not sign in", reason),
    }
    return _event(ocsf.AUTHENTICATION, 1, at=at, uid=uid, success=success, details=details)


def sign_out_event(
    *,
    at: float,
    uid: str,
    actor: Actor,
    person_id: str,
    email: str,
    session: str | None = None,
    reason: str = "",
) -> Event:
    """A session ended.

    Args:
        at: when it happened, seconds since the epoch, UTC.
        uid: the event's own identifier.
        actor: who ended it: the person, an administrator, or a scheduled job.
        person_id: whose session.
        email: their address.
        session: its id; `None` when all of them ended.
        reason: why, in words or as a code: `signed_out`, `expired`, `revoked: lost laptop`.
    """
    details = {
        "actor": _actor(actor),
        "user": _user(person_id, email),
        "service": {"name": "id", "uid": "id"},
        "session": _session(session),
        "is_remote": actor.kind == "person",
        "src_endpoint": _endpoint(actor.address),
        "status_detail": reason or None,
        "message": sentence(email, "was signed out" if actor.id != person_id else "signed out", reason),
    }
    return _event(ocsf.AUTHENTICATION, 2, at=at, uid=uid, success=True, details=details)


def session_handover_event(
    *,
    at: float,
    uid: str,
    person_id: str,
    email: str,
    app: str,
    session: str,
    groups: Iterable[str] = (),
    address: str | None = None,
) -> Event:
    """A sign-in was handed over to an app's host: the browser now has a session there.

    Args:
        at: when it happened, seconds since the epoch, UTC.
        uid: the event's own identifier.
        person_id: who.
        email: their address.
        app: the app's id.
        session: the session's id.
        groups: the person's groups at that moment.
        address: the client's IP address.
    """
    details = {
        "user": _user(person_id, email),
        "session": _session(session),
        "privileges": [f"ask:{app}"],
        "group": {"uid": next(iter(sorted(groups)), "none"), "name": ", ".join(sorted(groups)) or "none"},
        "dst_endpoint": {"svc_name": app},
        "src_endpoint": _endpoint(address),
        "message": sentence(email, f"has a session at {app}"),
    }
    return _event(ocsf.AUTHORIZE_SESSION, 1, at=at, uid=uid, success=True, details=details)


def account_change_event(
    *,
    at: float,
    uid: str,
    actor: Actor,
    change: AccountChange,
    person_id: str,
    email: str,
    name: str = "",
    success: bool = True,
    reason: str = "",
    details: Details | None = None,
) -> Event:
    """An account was created, changed or removed.

    Args:
        at: when it happened, seconds since the epoch, UTC.
        uid: the event's own identifier.
        actor: who did it.
        change: what was done.
        person_id: whose account.
        email: its address.
        name: the person's name.
        success: whether it was done.
        reason: why, in the actor's words.
        details: further facts, for instance which authenticator.
    """
    body = {
        "actor": _actor(actor),
        "user": _user(person_id, email, name),
        "src_endpoint": _endpoint(actor.address),
        "status_detail": reason or None,
        "message": account_sentence(who=actor.label, change=change, target=email, why=reason),
        "unmapped": {"change": change, **(details or {})},
    }
    activity = _ACCOUNT.get(change, ocsf.OTHER)
    return _event(ocsf.ACCOUNT_CHANGE, activity, at=at, uid=uid, success=success, details=body, other=change)


def group_change_event(
    *,
    at: float,
    uid: str,
    actor: Actor,
    change: GroupChange,
    group_id: str,
    group_name: str = "",
    person_id: str | None = None,
    email: str = "",
    reason: str = "",
    details: Details | None = None,
) -> Event:
    """A group, or who belongs to it, changed.

    Args:
        at: when it happened, seconds since the epoch, UTC.
        uid: the event's own identifier.
        actor: who did it.
        change: what was done.
        group_id: the group.
        group_name: what people call it.
        person_id: for `add_member` and `remove_member`: whom.
        email: their address.
        reason: why, in the actor's words.
        details: further facts.
    """
    body = {
        "actor": _actor(actor),
        "group": {"uid": group_id, "name": group_name or group_id},
        "user": _user(person_id, email) if person_id or email else None,
        "privileges": None if person_id or email else [f"member:{group_id}"],
        "src_endpoint": _endpoint(actor.address),
        "status_detail": reason or None,
        "message": group_sentence(
            who=actor.label, change=change, group=group_name or group_id, target=email or person_id or "", why=reason
        ),
        "unmapped": {"change": change, **(details or {})},
    }
    activity = _GROUP.get(change, ocsf.OTHER)
    return _event(ocsf.GROUP_MANAGEMENT, activity, at=at, uid=uid, success=True, details=body, other=change)


def entity_change_event(
    *,
    at: float,
    uid: str,
    actor: Actor,
    change: EntityChange,
    entity_type: str,
    entity_id: str,
    entity_name: str = "",
    version: str = "",
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
    comment: str = "",
    success: bool = True,
    log_name: str = "control",
) -> Event:
    """An app, the rules, a setting or another thing was changed or read.

    Args:
        at: when it happened, seconds since the epoch, UTC.
        uid: the event's own identifier.
        actor: who did it.
        change: what was done.
        entity_type: `app`, `rules`, `settings`, `certificate`, `backup` or another short name.
        entity_id: which one.
        entity_name: what people call it.
        version: the new version, where there is one.
        before: what it was, without secrets.
        after: what it is now, without secrets.
        comment: why, in the actor's words.
        success: whether it was done.
        log_name: the stream it is written to.
    """
    entity = {"type": entity_type, "uid": entity_id, "name": entity_name or entity_id, "version": version or None}
    body = {
        "actor": _actor(actor),
        "entity": _present({**entity, "data": before}),
        "entity_result": _present({**entity, "data": after}) if after is not None else None,
        "comment": comment or None,
        "src_endpoint": _endpoint(actor.address),
        "message": entity_sentence(
            who=actor.label, change=change, kind=entity_type, name=entity_name or entity_id, why=comment
        ),
    }
    number = _ENTITY[change]
    return _event(ocsf.ENTITY_MANAGEMENT, number, at=at, uid=uid, success=success, details=body, log_name=log_name)


def _event(
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
    body = {
        **ocsf.classification(event_class, activity, other=other),
        "time": int(at * 1000),
        "severity_id": ocsf.SEVERITY_INFORMATIONAL if success else ocsf.SEVERITY_LOW,
        "status_id": ocsf.STATUS_SUCCESS if success else ocsf.STATUS_FAILURE,
        "metadata": ocsf.metadata(uid=uid, log_name=log_name, profiles=("host",)),
        **details,
    }
    return Event(uid=uid, at=at, class_uid=event_class.uid, encoded=ocsf.encode(_present(body)))


def _present(values: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in values.items() if value is not None}


def _actor(actor: Actor) -> dict[str, Any]:
    user = {"uid": actor.id, "name": actor.label, "type_id": _USER_TYPES[actor.kind], "type": actor.kind}
    return {"user": user}


def _user(person_id: str | None, email: str, name: str = "") -> dict[str, Any]:
    user = {"uid": person_id, "name": email or person_id or "unknown", "email_addr": email or None}
    return _present({**user, "full_name": name or None, "type_id": ocsf.USER_TYPE_USER})


def _session(session: str | None, *, is_mfa: bool | None = None) -> dict[str, Any] | None:
    return None if session is None else _present({"uid": session, "is_mfa": is_mfa})


def _endpoint(address: str | None) -> dict[str, Any] | None:
    return {"ip": address} if address else None


def _factor(method: str) -> dict[str, Any]:
    factor: dict[str, Any] = {"factor_type_id": ocsf.AUTH_FACTORS.get(method, ocsf.OTHER), "factor_type": method}
    return {**factor, "is_totp": True} if method == "totp" else factor
