"""Events of people's sign-ins: tried, ended, handed over to an app. Builders are pure.

Nothing secret goes into an event. Every builder takes `at` (seconds since the epoch, UTC) and `uid` (unique;
`facade.new_uid()` makes one).
Source: OCSF 1.6.0, classes 3002 (Authentication) and 3003 (Authorize Session).
"""

from collections.abc import Iterable
from typing import Final

from ostiary.visibility.domain import ocsf
from ostiary.visibility.domain.actor import Actor
from ostiary.visibility.domain.event import (
    Event,
    actor_object,
    build_event,
    endpoint_object,
    factor_object,
    session_object,
    user_object,
)
from ostiary.visibility.domain.sentences import sentence

_MORE_THAN_ONE_FACTOR: Final = frozenset({"webauthn", "directory_otp", "directory_phishing_resistant"})


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
        methods: the proofs given: `password`, `totp`, `webauthn`, `recovery_code`, `email`, `break_glass`,
            `directory` and its stronger forms.
        session: the new session's id.
        address: the client's address.
        user_agent: as sent.
        reason: a stable code such as `wrong_password`; `directory:NAME` for a sign-in by that directory.
    """
    methods = tuple(methods)
    is_mfa = len(methods) > 1 or bool(_MORE_THAN_ONE_FACTOR & set(methods))
    details = {
        "user": user_object(person_id, email, name),
        "service": {"name": service, "uid": service},
        "session": session_object(session, is_mfa=is_mfa),
        "is_remote": True,
        "is_mfa": is_mfa,
        "auth_factors": [factor_object(method) for method in methods] or None,
        "http_request": {"user_agent": user_agent[:512]} if user_agent else None,
        "src_endpoint": endpoint_object(address),
        "status_detail": reason or None,
        "message": sentence(email, "signed in" if success else "could not sign in", reason),
    }
    return build_event(ocsf.AUTHENTICATION, 1, at=at, uid=uid, success=success, details=details)


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
        "actor": actor_object(actor),
        "user": user_object(person_id, email),
        "service": {"name": "id", "uid": "id"},
        "session": session_object(session),
        "is_remote": actor.kind == "person",
        "src_endpoint": endpoint_object(actor.address),
        "status_detail": reason or None,
        "message": sentence(email, "was signed out" if actor.id != person_id else "signed out", reason),
    }
    return build_event(ocsf.AUTHENTICATION, 2, at=at, uid=uid, success=True, details=details)


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
        "user": user_object(person_id, email),
        "session": session_object(session),
        "privileges": [f"ask:{app}"],
        "group": {"uid": next(iter(sorted(groups)), "none"), "name": ", ".join(sorted(groups)) or "none"},
        "dst_endpoint": {"svc_name": app},
        "src_endpoint": endpoint_object(address),
        "message": sentence(email, f"has a session at {app}"),
    }
    return build_event(ocsf.AUTHORIZE_SESSION, 1, at=at, uid=uid, success=True, details=details)
