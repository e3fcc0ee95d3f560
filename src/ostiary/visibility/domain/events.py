"""Events of what is changed: accounts, groups, apps, rules, settings. Builders are pure.

Sign-ins are in `sign_in_events`, decisions in `decision_event`, what happens to the log itself in `log_event`. Nothing secret
goes into an event. Every builder takes `at` (seconds since the epoch, UTC) and `uid` (unique; `facade.new_uid()` makes one).
Source: OCSF 1.6.0, category 3 (Identity & Access Management).
"""

from collections.abc import Mapping
from typing import Any, Final, Literal

from ostiary.visibility.domain import ocsf
from ostiary.visibility.domain.actor import Actor
from ostiary.visibility.domain.event import Event, actor_object, build_event, endpoint_object, present, user_object
from ostiary.visibility.domain.sentences import account_sentence, entity_sentence, group_sentence

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
    "update",
]
GroupChange = Literal["create", "delete", "rename", "add_member", "remove_member", "set_owner"]
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
        "actor": actor_object(actor),
        "user": user_object(person_id, email, name),
        "src_endpoint": endpoint_object(actor.address),
        "status_detail": reason or None,
        "message": account_sentence(who=actor.label, change=change, target=email, why=reason),
        "unmapped": {"change": change, **(details or {})},
    }
    activity = _ACCOUNT.get(change, ocsf.OTHER)
    return build_event(ocsf.ACCOUNT_CHANGE, activity, at=at, uid=uid, success=success, details=body, other=change)


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
        "actor": actor_object(actor),
        "group": {"uid": group_id, "name": group_name or group_id},
        "user": user_object(person_id, email) if person_id or email else None,
        "privileges": None if person_id or email else [f"member:{group_id}"],
        "src_endpoint": endpoint_object(actor.address),
        "status_detail": reason or None,
        "message": group_sentence(
            who=actor.label, change=change, group=group_name or group_id, target=email or person_id or "", why=reason
        ),
        "unmapped": {"change": change, **(details or {})},
    }
    activity = _GROUP.get(change, ocsf.OTHER)
    return build_event(ocsf.GROUP_MANAGEMENT, activity, at=at, uid=uid, success=True, details=body, other=change)


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
        "actor": actor_object(actor),
        "entity": present({**entity, "data": before}),
        "entity_result": present({**entity, "data": after}) if after is not None else None,
        "comment": comment or None,
        "src_endpoint": endpoint_object(actor.address),
        "message": entity_sentence(
            who=actor.label, change=change, kind=entity_type, name=entity_name or entity_id, why=comment
        ),
    }
    number = _ENTITY[change]
    return build_event(ocsf.ENTITY_MANAGEMENT, number, at=at, uid=uid, success=success, details=body, log_name=log_name)
