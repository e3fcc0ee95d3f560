"""A request that only the data plane saw, as one OCSF HTTP Activity event: passed on a grant, or turned away before anyone was asked.

The data plane's line is the input; how its file is followed lives in `adapters.access_log`. Pure.
Source: OCSF 1.6.0, class 4002 with the profile `security_control`.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from ostiary.errors import OstiaryError
from ostiary.visibility.domain import ocsf

_PROFILES: Final = ("security_control", "host")
_SHORT: Final = 64
_LONG: Final = 2048
_FIRST_ERROR: Final = 400
_ANSWERED_BY_UPSTREAM: Final = "via_upstream"
_REFUSED_BY_DECISION: Final = "ext_authz_denied"


class NotARequest(OstiaryError):
    """A line of the data plane's log cannot be read."""


class AccessLine(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the data plane's log; the names are those of `gateway.plan.access_log`."""

    time: str
    request: str = ""
    grant_reference: str = ""
    grant_session: str = ""
    decision_reference: str = ""
    route: str = ""
    method: str = ""
    host: str = ""
    path: str = "/"
    protocol: str = ""
    status: Annotated[int, Meta(ge=0, le=999)] = 0
    detail: str = ""
    flags: str = ""
    bytes_in: int = 0
    bytes_out: int = 0
    duration_ms: int = 0
    client: str = ""
    peer: str = ""
    upstream: str = ""
    user_agent: str = ""

    @property
    def app(self) -> str:
        """The app, or `id`: the first part of the route's name."""
        return self.route.partition("/")[0]

    @property
    def is_new(self) -> bool:
        """Whether only the data plane knows of it: it passed on a grant, or was turned away before anyone was asked.

        What the decision service answered is on record already; pages of the sign-in host that anybody may open are not
        decided at all.
        """
        if self.decision_reference or self.detail == _REFUSED_BY_DECISION:
            return False
        return bool(self.grant_reference) or (self.status >= _FIRST_ERROR and self.detail != _ANSWERED_BY_UPSTREAM)


class Source(msgspec.Struct, frozen=True):
    """Where a line came from, so that it is taken over once: the file's fingerprint and where the next line begins."""

    file: str
    offset: int


_DECODER: Final = msgspec.json.Decoder(AccessLine)


class _Unmapped(msgspec.Struct):
    source: Source


class _WithSource(msgspec.Struct):
    unmapped: _Unmapped


_SOURCE_DECODER: Final = msgspec.json.Decoder(_WithSource)


def read_access_line(line: bytes) -> AccessLine:
    """Return one line of the data plane's log.

    Raises:
        NotARequest: when it is not one.
    """
    try:
        parsed = _DECODER.decode(line)
        datetime.fromisoformat(parsed.time)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise NotARequest("A line of the data plane's log cannot be read.", detail=str(error)) from None
    return parsed


def request_event(line: AccessLine, *, source: Source, person: tuple[str, str] | None = None) -> bytes:
    """Return the event as one line of JSON, without the line's end.

    Args:
        line: what the data plane wrote.
        source: where.
        person: id and e-mail address of whoever holds the grant, where known.
    """
    activity = ocsf.HTTP_METHODS.get(line.method, ocsf.OTHER)
    granted = bool(line.grant_reference)
    failed = not granted
    body = {
        **ocsf.classification(ocsf.HTTP_ACTIVITY, activity, other=line.method[:_SHORT]),
        "time": int(datetime.fromisoformat(line.time).timestamp() * 1000),
        "duration": line.duration_ms,
        "severity_id": ocsf.SEVERITY_LOW if failed else ocsf.SEVERITY_INFORMATIONAL,
        "status_id": ocsf.STATUS_FAILURE if failed else ocsf.STATUS_SUCCESS,
        "status_detail": line.detail[:_SHORT] if failed else None,
        "action_id": ocsf.ACTION_DENIED if failed else ocsf.ACTION_ALLOWED,
        "action": "Denied" if failed else "Allowed",
        "disposition_id": ocsf.DISPOSITION_BLOCKED if failed else ocsf.DISPOSITION_ALLOWED,
        "disposition": "Blocked" if failed else "Allowed",
        "metadata": {
            **ocsf.metadata(
                uid=line.request or f"{source.file}:{source.offset}", log_name="requests", profiles=_PROFILES
            ),
            **({"correlation_uid": line.grant_reference} if granted else {}),
        },
        "actor": _actor(line, person),
        "authorizations": [{"decision": "allow", "policy": {"uid": line.grant_reference, "name": "grant"}}]
        if granted
        else None,
        "http_request": {
            "http_method": line.method[:_SHORT],
            "url": {"scheme": "https", "hostname": line.host[:_LONG], "path": line.path[:_LONG]},
            "version": line.protocol,
            "user_agent": line.user_agent[:_LONG],
            "uid": line.request,
        },
        "http_response": {"code": line.status, "length": line.bytes_out} if line.status else None,
        "src_endpoint": {"ip": line.client} if line.client else None,
        "dst_endpoint": {"hostname": line.host[:_LONG] or "unknown", "svc_name": line.app},
        "traffic": {"bytes_in": line.bytes_in, "bytes_out": line.bytes_out},
        "unmapped": {"source": source, "flags": line.flags, "peer": line.peer, "upstream": line.upstream},
    }
    return ocsf.encode({name: value for name, value in body.items() if value is not None})


def read_source(event: bytes) -> Source | None:
    """Return where an event of this kind came from; `None` for any other event."""
    try:
        return _SOURCE_DECODER.decode(event).unmapped.source
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return None


def _actor(line: AccessLine, person: tuple[str, str] | None) -> Mapping[str, object] | None:
    if not line.grant_session and person is None:
        return None
    actor: dict[str, object] = {"session": {"uid": line.grant_session}} if line.grant_session else {}
    if person is not None:
        uid, email = person
        actor["user"] = {"uid": uid, "name": email, "email_addr": email, "type_id": ocsf.USER_TYPE_USER}
    return actor
