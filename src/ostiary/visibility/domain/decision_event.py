"""One decision as one line of JSON: an OCSF HTTP Activity event that also carries everything the decision read.

Reading such a line back lives in `decision_record`. Nothing here knows where the line is kept.
Source: OCSF 1.6.0, class 4002 with the profiles `security_control` and `host`.
"""

from functools import lru_cache
from typing import Final

import msgspec

from ostiary.policy.decision import Allow, Decision, Deny, ReasonCode
from ostiary.policy.identifiers import NO_RULE, GroupId, PolicyVersion, RuleName
from ostiary.policy.request import AccessRequest, AuthStrength, Device
from ostiary.policy.snapshot import PersonFact
from ostiary.visibility.domain import decision_objects as objects
from ostiary.visibility.domain import ocsf
from ostiary.visibility.domain.holding import is_held, told_words

STREAM_ENDED: Final = "stream_ended"
INPUTS_VERSION: Final = 1
MAX_TEXT_CHARACTERS: Final = 2048
_PROFILES: Final = ("security_control", "host")
_ERRORS: Final = frozenset({ReasonCode.ENGINE_ERROR, ReasonCode.STALE_FACTS, ReasonCode.RECORD_UNAVAILABLE})


class HttpFacts(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The HTTP request as the gateway saw it. Never holds cookies, bodies or queries: they may carry secrets.

    Args:
        method: as sent, upper case.
        host: the host asked for, lower case, without port.
        path: as forwarded, without the query.
        scheme: `https` unless something odd happened.
        version: `HTTP/1.1`, `HTTP/2`, or empty when not known.
        user_agent: as sent; longer ones are cut.
        request_id: the gateway's own number for the request.
        peer: address and port of the connection, for instance `192.0.2.7:50112`.
        code: the status sent back, where the decision service itself answered; 0 when the app answers.
    """

    method: str = ""
    host: str = ""
    path: str = "/"
    scheme: str = "https"
    version: str = ""
    user_agent: str = ""
    request_id: str = ""
    peer: str = ""
    code: int = 0


class AskedBy(msgspec.Struct, frozen=True, kw_only=True):
    """The program that asked on somebody's behalf, over the AuthZEN API.

    Args:
        client: its name.
        subject: whom it named; stands on record as it was said where nobody of that name is known.
    """

    client: str
    subject: str


class Inputs(msgspec.Struct, frozen=True, kw_only=True):
    """What the decision read and said, exactly as it was; `decision_record` makes a decision of it again.

    Args:
        version: of this part of the event.
        at: when it was decided, seconds since the epoch, UTC.
        request: what was asked; `None` when the HTTP request could not be turned into one.
        decision: the answer.
        peer: address and port of the connection, where it is known.
    """

    version: int = INPUTS_VERSION
    at: float
    request: AccessRequest | None
    decision: Decision
    peer: str = ""


class _Unmapped(msgspec.Struct, gc=False):
    ostiary: Inputs


class _Rest(msgspec.Struct, omit_defaults=True, gc=False):
    """What differs from event to event; the part before it is prepared once for each kind of event."""

    time: int
    http_request: objects.HttpRequest
    dst_endpoint: objects.Endpoint
    authorizations: msgspec.Raw
    unmapped: _Unmapped
    status_code: str | None = None
    status_detail: str | None = None
    actor: objects.Actor | None = None
    src_endpoint: objects.Endpoint | None = None
    http_response: objects.HttpResponse | None = None
    device: objects.Device | None = None
    risk_score: int | None = None
    message: str | None = None


_ENCODER: Final = msgspec.json.Encoder(order="deterministic")


def decision_event(
    *,
    reference: str,
    at: float,
    request: AccessRequest | None,
    decision: Decision,
    http: HttpFacts,
    person: PersonFact | None = None,
    service: str | None = None,
    asked_by: AskedBy | None = None,
    log_name: str = "decisions",
    stream_ended: bool = False,
) -> bytes:
    """Return the event as one line of JSON, without the line's end.

    Args:
        reference: what the refused person sees; finds this event again.
        at: when it was decided, seconds since the epoch, UTC.
        request: what was asked; `None` when the HTTP request could not be turned into one.
        decision: the answer.
        http: the HTTP request.
        person: who asks, where known.
        service: which service asks, where one does.
        asked_by: the program that asked on their behalf, where one did.
        log_name: the stream it is written to.
        stream_ended: the request was let in before and its stream was ended now.
    """
    if len(http.user_agent) > MAX_TEXT_CHARACTERS or len(http.path) > MAX_TEXT_CHARACTERS:
        http = msgspec.structs.replace(
            http, user_agent=http.user_agent[:MAX_TEXT_CHARACTERS], path=http.path[:MAX_TEXT_CHARACTERS]
        )
    start = _start(http.method[:32], _disposition(decision), _severity(decision), log_name)
    rest = _rest(at, request, decision, http, person)
    if rest.actor is None and service is not None:
        rest.actor = objects.Actor(objects.User(service, ocsf.USER_TYPE_SERVICE))
    if stream_ended:
        rest.status_detail = STREAM_ENDED
    if asked_by is not None:
        rest.actor = rest.actor or objects.Actor(objects.User(asked_by.subject[:MAX_TEXT_CHARACTERS] or "unknown"))
        rest.actor.app_name = asked_by.client
    try:
        return start + _ENCODER.encode(reference) + b"}," + _ENCODER.encode(rest)[1:]
    except UnicodeEncodeError:
        whole = ocsf.clean(msgspec.to_builtins(rest, order="deterministic", builtin_types=(msgspec.Raw,)))
        return start + _ENCODER.encode(ocsf.clean(reference)) + b"}," + _ENCODER.encode(whole)[1:]


@lru_cache(maxsize=256)
def _start(method: str, disposition: tuple[int, str], severity: int, log_name: str) -> bytes:
    activity = ocsf.HTTP_METHODS.get(method, ocsf.OTHER)
    allowed = disposition[0] == ocsf.DISPOSITION_ALLOWED
    known = {
        "activity_id": activity,
        "activity_name": method if activity == ocsf.OTHER else ocsf.HTTP_ACTIVITY.activities[activity],
        "category_uid": ocsf.HTTP_ACTIVITY.category_uid,
        "category_name": ocsf.HTTP_ACTIVITY.category_name,
        "class_uid": ocsf.HTTP_ACTIVITY.uid,
        "class_name": ocsf.HTTP_ACTIVITY.name,
        "type_uid": ocsf.HTTP_ACTIVITY.type_uid(activity),
        "type_name": ocsf.HTTP_ACTIVITY.type_name(activity),
        "severity_id": severity,
        "status_id": ocsf.STATUS_SUCCESS if allowed else ocsf.STATUS_FAILURE,
        "action_id": ocsf.ACTION_ALLOWED if allowed else ocsf.ACTION_DENIED,
        "action": "Allowed" if allowed else "Denied",
        "disposition_id": disposition[0],
        "disposition": disposition[1],
        "metadata": {
            "version": ocsf.OCSF_VERSION,
            "product": ocsf.PRODUCT,
            "profiles": _PROFILES,
            "log_name": log_name,
        },
    }
    return msgspec.json.encode(ocsf.clean(known))[:-2] + b',"uid":'


def _rest(
    at: float, request: AccessRequest | None, decision: Decision, http: HttpFacts, person: PersonFact | None
) -> _Rest:
    return _Rest(
        time=int(at * 1000),
        status_code=decision.reason.value if isinstance(decision, Deny) else None,
        actor=_actor(request, person),
        src_endpoint=_source(http, request),
        dst_endpoint=objects.Endpoint(
            hostname=http.host or "unknown", svc_name=request.resource.app if request else ""
        ),
        http_request=objects.HttpRequest(
            http.method, objects.Url(http.scheme, http.host, http.path), http.version, http.user_agent, http.request_id
        ),
        http_response=objects.HttpResponse(http.code) if http.code else None,
        device=_device(request.device) if request and request.device else None,
        risk_score=request.context.risk if request else None,
        authorizations=_authorizations(*_grounds(decision)),
        message=told_words(decision) or None,
        unmapped=_Unmapped(Inputs(at=at, request=request, decision=decision, peer=http.peer)),
    )


def _disposition(decision: Decision) -> tuple[int, str]:
    if isinstance(decision, Allow):
        return ocsf.DISPOSITION_ALLOWED, "Allowed"
    if decision.reason in _ERRORS:
        return ocsf.DISPOSITION_ERROR, "Error"
    if is_held(decision):
        return ocsf.DISPOSITION_CHALLENGE, "Challenge"
    return ocsf.DISPOSITION_BLOCKED, "Blocked"


def _severity(decision: Decision) -> int:
    if isinstance(decision, Allow):
        return ocsf.SEVERITY_INFORMATIONAL
    return ocsf.SEVERITY_HIGH if decision.reason in _ERRORS else ocsf.SEVERITY_LOW


def _actor(request: AccessRequest | None, person: PersonFact | None) -> objects.Actor | None:
    if request is None:
        return (
            None
            if person is None
            else objects.Actor(objects.User(person.id, ocsf.USER_TYPE_USER, person.email, person.email))
        )
    subject = request.subject
    uid = subject.person or subject.service
    if uid is None:
        return None
    user = objects.User(
        uid=uid,
        type_id=ocsf.USER_TYPE_USER if subject.person else ocsf.USER_TYPE_SERVICE,
        groups=_groups(subject.groups) if subject.groups else None,
    )
    if person is not None:
        user.name = user.email_addr = person.email
        user.full_name = person.name
    session = None
    if subject.session is not None:
        second_factor = any(proof.strength >= AuthStrength.ANY for proof in subject.authentications)
        session = objects.Session(subject.session, second_factor, True)
    return objects.Actor(user, session)


def _source(http: HttpFacts, request: AccessRequest | None) -> objects.Endpoint | None:
    address, _, port = http.peer.rpartition(":")
    number = int(port) if port.isascii() and port.isdigit() and len(port) <= 5 else 0
    country = request.context.country if request else None
    address = (request.context.address if request else None) or address.strip("[]")
    if not address:
        return None
    return objects.Endpoint(ip=address, port=number, location=objects.Location(country) if country else None)


def _device(device: Device) -> objects.Device:
    return objects.Device(device.id or "unknown", 0, device.managed, device.compliant)


@lru_cache(maxsize=1024)
def _groups(groups: frozenset[GroupId]) -> msgspec.Raw:
    return msgspec.Raw(msgspec.json.encode(ocsf.clean([{"uid": group} for group in sorted(groups)])))


def _grounds(decision: Decision) -> tuple[str, tuple[RuleName, ...], PolicyVersion]:
    if isinstance(decision, Allow):
        return "allow", decision.rules, decision.policy_version
    rules = decision.rules or tuple(dict.fromkeys(condition.rule for condition in decision.unmet))
    return "deny", rules, decision.policy_version


@lru_cache(maxsize=1024)
def _authorizations(outcome: str, rules: tuple[RuleName, ...], version: PolicyVersion) -> msgspec.Raw:
    """Without a rule the default decides, and that is what stands there."""
    policies = [{"uid": rule, "name": rule, "version": version} for rule in rules]
    policies = policies or [{"uid": NO_RULE, "name": NO_RULE, "version": version}]
    return msgspec.Raw(
        msgspec.json.encode(ocsf.clean([{"decision": outcome, "policy": policy} for policy in policies]))
    )
