"""When a session was last used at an app, as an event of the record tells. Refused requests are no use of it. Pure.

Nor is what a program asks about a session over the AuthZEN API, nor what a page of the console asks for by itself: else a
program, or a page that somebody left open, could keep a sign-in from growing idle.
"""

from typing import Final

import msgspec

from ostiary.policy.background import is_background
from ostiary.policy.identifiers import SessionId
from ostiary.visibility.domain import ocsf


class _Session(msgspec.Struct):
    uid: str


class _Actor(msgspec.Struct):
    session: _Session
    app_name: str = ""


class _Endpoint(msgspec.Struct):
    svc_name: str = ""


class _Url(msgspec.Struct):
    path: str = ""


class _Request(msgspec.Struct):
    url: _Url = msgspec.field(default_factory=_Url)


class _Use(msgspec.Struct):
    class_uid: int
    action_id: int
    time: int
    actor: _Actor
    dst_endpoint: _Endpoint = msgspec.field(default_factory=_Endpoint)
    http_request: _Request = msgspec.field(default_factory=_Request)


_DECODER: Final = msgspec.json.Decoder(_Use)


def session_use(body: bytes) -> tuple[SessionId, float] | None:
    """Return the session with which an app was used, and when (seconds since the epoch); `None` for any other event.

    Args:
        body: the event as it stands in its line.
    """
    try:
        use = _DECODER.decode(body)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return None
    if (use.class_uid, use.action_id) != (ocsf.HTTP_ACTIVITY.uid, ocsf.ACTION_ALLOWED):
        return None
    if use.actor.app_name or is_background(use.dst_endpoint.svc_name, use.http_request.url.path):
        return None
    return SessionId(use.actor.session.uid), use.time / 1000
