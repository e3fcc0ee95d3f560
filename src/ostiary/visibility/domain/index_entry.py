"""What the index keeps of a line: from the event's JSON to short, searchable fields. Pure."""

from typing import Final

import msgspec

from ostiary.policy.decision import Allow
from ostiary.visibility.domain import ocsf
from ostiary.visibility.domain.decision_record import DecisionRecord, NotADecision, parse_decision_event
from ostiary.visibility.domain.holding import first_unmet
from ostiary.visibility.domain.unknown_devices import unknown_browser

_KINDS: Final = {
    ocsf.ACCOUNT_CHANGE.uid: "account",
    ocsf.AUTHENTICATION.uid: "sign_in",
    ocsf.AUTHORIZE_SESSION.uid: "session",
    ocsf.ENTITY_MANAGEMENT.uid: "entity",
    ocsf.GROUP_MANAGEMENT.uid: "group",
    ocsf.EVENT_LOG_ACTIVITY.uid: "log",
}


class DecisionEntry(msgspec.Struct, frozen=True, kw_only=True):
    """The fields of `models.IndexedDecision` that come from the event, and `unknown_browser`, which only `SeenBrowser` keeps."""

    at_ms: int
    reference: str
    outcome: str
    reason: str = ""
    person: str = ""
    email: str = ""
    app: str = ""
    rule: str = ""
    method: str = ""
    host: str = ""
    path: str = ""
    address: str = ""
    country: str = ""
    code: int = 0
    search: str = ""
    unknown_browser: str = ""


class EventEntry(msgspec.Struct, frozen=True, kw_only=True):
    """The fields of `models.IndexedEvent` that come from the event."""

    at_ms: int
    uid: str
    kind: str
    activity: str
    success: bool
    actor_kind: str = ""
    actor: str = ""
    actor_label: str = ""
    target_kind: str = ""
    target: str = ""
    target_label: str = ""
    reason: str = ""
    words: str = ""
    address: str = ""
    search: str = ""


class _Thing(msgspec.Struct):
    uid: str = ""
    name: str = ""
    type: str = ""
    ip: str = ""
    svc_name: str = ""


class _Actor(msgspec.Struct):
    user: _Thing = msgspec.field(default_factory=_Thing)


class _Url(msgspec.Struct):
    hostname: str = ""
    path: str = ""


class _HttpRequest(msgspec.Struct):
    http_method: str = ""
    url: _Url = msgspec.field(default_factory=_Url)


class _HttpResponse(msgspec.Struct):
    code: int = 0


class _Metadata(msgspec.Struct):
    uid: str


class _AnyEvent(msgspec.Struct):
    class_uid: int
    time: int
    metadata: _Metadata
    activity_name: str = ""
    status_id: int = ocsf.STATUS_SUCCESS
    status_detail: str = ""
    message: str = ""
    log_name: str = ""
    actor: _Actor = msgspec.field(default_factory=_Actor)
    user: _Thing | None = None
    group: _Thing | None = None
    entity: _Thing | None = None
    src_endpoint: _Thing = msgspec.field(default_factory=_Thing)
    dst_endpoint: _Thing = msgspec.field(default_factory=_Thing)
    http_request: _HttpRequest = msgspec.field(default_factory=_HttpRequest)
    http_response: _HttpResponse = msgspec.field(default_factory=_HttpResponse)


_DECODER: Final = msgspec.json.Decoder(_AnyEvent)


def index_entry(body: bytes) -> DecisionEntry | EventEntry | None:
    """Return what the index keeps of an event; `None` for one that it does not know.

    Args:
        body: the event as it stands in its line.
    """
    try:
        return _decision_entry(parse_decision_event(body))
    except NotADecision:
        pass
    try:
        event = _DECODER.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, ValueError, RecursionError):
        return None
    return _request_entry(event) if event.class_uid == ocsf.HTTP_ACTIVITY.uid else _event_entry(event)


def _decision_entry(record: DecisionRecord) -> DecisionEntry:
    decision, request = record.decision, record.request
    allowed = isinstance(decision, Allow)
    rules = decision.rules or ()
    unmet = first_unmet(decision)
    rule = rules[0] if rules else unmet.rule if unmet else ""
    return _with_search(
        DecisionEntry(
            at_ms=int(record.at * 1000),
            reference=_short(record.reference, 64),
            outcome=record.outcome,
            reason="" if isinstance(decision, Allow) else decision.reason.value,
            person=_short(record.person_id, 128),
            email=_short(record.email, 320),
            app=_short(request.resource.app if request else "", 64),
            rule=_short(rule, 128),
            method=_short(record.http.method, 32),
            host=_short(record.http.host, 255),
            path=_short(record.http.path, 512),
            address=_short((request.context.address if request else "") or record.http.peer.rpartition(":")[0], 64),
            country=_short((request.context.country if request else "") or "", 2),
            code=0 if allowed else record.http.code,
            unknown_browser=_short(unknown_browser(record), 64),
        ),
        record.name,
        record.client,
    )


def _request_entry(event: _AnyEvent) -> DecisionEntry:
    """A request that passed on a grant: the data plane saw it, nothing was decided anew."""
    return _with_search(
        DecisionEntry(
            at_ms=event.time,
            reference=_short(event.metadata.uid, 64),
            outcome="allowed" if event.status_id == ocsf.STATUS_SUCCESS else "refused",
            reason=_short(event.status_detail, 40),
            person=_short(event.actor.user.uid, 128),
            email=_short(event.actor.user.name, 320),
            app=_short(event.dst_endpoint.svc_name, 64),
            method=_short(event.http_request.http_method, 32),
            host=_short(event.http_request.url.hostname, 255),
            path=_short(event.http_request.url.path, 512),
            address=_short(event.src_endpoint.ip, 64),
            code=max(0, min(event.http_response.code, 999)),
        )
    )


def _with_search(entry: DecisionEntry, *more: str) -> DecisionEntry:
    parts = (
        entry.email,
        entry.person,
        entry.app,
        entry.rule,
        entry.reason,
        entry.reference,
        entry.method,
        entry.host + entry.path,
        entry.address,
        *more,
    )
    return msgspec.structs.replace(entry, search=_searchable(parts))


def _event_entry(event: _AnyEvent) -> EventEntry | None:
    kind = _KINDS.get(event.class_uid)
    if kind is None:
        return None
    target_kind, target = _target(event)
    actor = event.actor.user if event.actor.user.uid else (event.user or _Thing())
    entry = EventEntry(
        at_ms=event.time,
        uid=_short(event.metadata.uid, 64),
        kind=kind,
        activity=_short(event.activity_name, 40),
        success=event.status_id == ocsf.STATUS_SUCCESS,
        actor_kind=_short(actor.type or ("person" if actor.uid else ""), 16),
        actor=_short(actor.uid, 128),
        actor_label=_short(actor.name, 320),
        target_kind=target_kind,
        target=_short(target.uid, 128),
        target_label=_short(target.name, 320),
        reason=_short(event.status_detail, 255),
        words=_short(event.message, 512),
        address=_short(event.src_endpoint.ip, 64),
    )
    parts = (entry.words, entry.actor, entry.actor_label, entry.target, entry.target_label, entry.reason, entry.address)
    return msgspec.structs.replace(entry, search=_searchable(parts))


def _target(event: _AnyEvent) -> tuple[str, _Thing]:
    if event.entity is not None:
        return _short(event.entity.type, 32), event.entity
    if event.class_uid == ocsf.GROUP_MANAGEMENT.uid and event.group is not None:
        return "group", event.group
    if event.user is not None:
        return "person", event.user
    return "log", _Thing(uid=event.log_name, name=event.log_name)


def _searchable(parts: tuple[str, ...]) -> str:
    return " ".join(dict.fromkeys(part.lower() for part in parts if part))[:2000]


def _short(text: str, characters: int) -> str:
    """Databases refuse NUL, and columns have an end."""
    return text.replace("\x00", "")[:characters]
