"""From an event of the record to what is kept of it for deciding it again. Pure."""

from typing import Final
from urllib.parse import unquote

import msgspec

from ostiary.policy.decision import Allow, ReasonCode
from ostiary.policy.identifiers import BREAK_GLASS
from ostiary.policy.past import (
    ALLOWED,
    EMERGENCY,
    HELD,
    NO_GRANT,
    NO_INPUTS,
    NOT_BY_RULES,
    NOTHING,
    REFUSED,
    Situation,
    situation_of,
)
from ostiary.policy.request import AuthStrength
from ostiary.visibility.domain import ocsf
from ostiary.visibility.domain.decision_record import DecisionRecord, NotADecision, parse_decision_event
from ostiary.visibility.domain.holding import is_held

_BY_RULES: Final = frozenset(
    {
        ReasonCode.NO_RULES,
        ReasonCode.NO_RULE_APPLIES,
        ReasonCode.CONDITIONS_UNMET,
        ReasonCode.DENIED_BY_RULE,
        ReasonCode.UNKNOWN_SUBJECT,
    }
)
_EMERGENCY_METHOD: Final = "break_glass"


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """What is kept of one event.

    Args:
        at: seconds since the epoch.
        outcome: of `policy.past`.
        situation: what the decision read; `NOTHING` where it cannot be replayed.
        reference: of the decision itself, where it gave permission.
    """

    at: float
    outcome: int
    situation: Situation = NOTHING
    reference: str = ""


class Passed(msgspec.Struct, frozen=True, kw_only=True):
    """A request that the data plane let pass on a grant, or turned away before anyone was asked.

    Args:
        at: seconds since the epoch.
        grant: the reference of the decision that gave the grant; empty where it was turned away.
        path: as an app reads it, decoded once.
        address: the client's, empty when not known.
    """

    at: float
    grant: str
    path: str
    address: str

    def on(self, granted: Situation | None) -> Kept:
        """Return what is kept, given what the decision read that gave the grant; `None` when that is not on record."""
        if not self.grant:
            return Kept(at=self.at, outcome=NO_INPUTS)
        if granted is None:
            return Kept(at=self.at, outcome=NO_GRANT)
        around = granted.surroundings
        if self.address != (around.address or ""):
            around = msgspec.structs.replace(around, address=self.address or None, country=None)
        situation = msgspec.structs.replace(granted, path=self.path, surroundings=around)
        return Kept(at=self.at, outcome=ALLOWED, situation=situation)


class _Metadata(msgspec.Struct):
    uid: str = ""
    correlation_uid: str = ""


class _Url(msgspec.Struct):
    path: str = "/"


class _HttpRequest(msgspec.Struct):
    url: _Url = msgspec.field(default_factory=_Url)


class _Source(msgspec.Struct):
    ip: str = ""


class _Line(msgspec.Struct):
    class_uid: int
    time: int
    metadata: _Metadata
    http_request: _HttpRequest = msgspec.field(default_factory=_HttpRequest)
    src_endpoint: _Source = msgspec.field(default_factory=_Source)


_DECODER: Final = msgspec.json.Decoder(_Line)


def kept_decision(body: bytes) -> Kept | None:
    """Return what is kept of an event of stream `decisions`; `None` when it is no decision that a request asked for.

    Args:
        body: the event as it stands in its line.
    """
    try:
        record = parse_decision_event(body)
    except NotADecision:
        return None
    if record.stream_ended:
        return None
    outcome = _outcome(record)
    if record.request is None or outcome not in (ALLOWED, HELD, REFUSED):
        return Kept(at=record.at, outcome=outcome)
    reference = record.reference if outcome == ALLOWED else ""
    return Kept(at=record.at, outcome=outcome, situation=situation_of(record.request), reference=reference)


def passed_request(body: bytes) -> Passed | None:
    """Return a request of stream `requests`; `None` when the event is none."""
    line = _read(body)
    if line is None:
        return None
    return Passed(
        at=line.time / 1000,
        grant=line.metadata.correlation_uid,
        path=unquote(line.http_request.url.path, errors="replace"),
        address=line.src_endpoint.ip,
    )


def reference_of(body: bytes) -> str:
    """Return the reference of the decision that an event is, or that gave its grant; empty for any other event."""
    line = _read(body)
    return (line.metadata.correlation_uid or line.metadata.uid) if line is not None else ""


def _read(body: bytes) -> _Line | None:
    try:
        line = _DECODER.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, ValueError, RecursionError):
        return None
    return line if line.class_uid == ocsf.HTTP_ACTIVITY.uid else None


def _outcome(record: DecisionRecord) -> int:
    decision, request = record.decision, record.request
    if request is None:
        return NO_INPUTS
    proofs = request.subject.authentications
    if any(proof.method == _EMERGENCY_METHOD for proof in proofs) and (
        decision.rules == (BREAK_GLASS,) or not any(proof.strength >= AuthStrength.ANY for proof in proofs)
    ):
        return EMERGENCY
    if isinstance(decision, Allow):
        return ALLOWED
    if decision.reason not in _BY_RULES:
        return NOT_BY_RULES
    return HELD if is_held(decision) else REFUSED
