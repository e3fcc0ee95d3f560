"""A decision read back from its event: the very request and answer, and who and what they were about.

Where the line was found is the caller's knowledge; writing the line lives in `decision_event`.
"""

from typing import Final, Literal

import msgspec

from ostiary.errors import OstiaryError
from ostiary.policy.decision import Allow, Decision
from ostiary.policy.request import AccessRequest
from ostiary.visibility.domain import ocsf
from ostiary.visibility.domain.decision_event import INPUTS_VERSION, STREAM_ENDED, HttpFacts, Inputs
from ostiary.visibility.domain.holding import Way, is_held, told_words, ways_of

Outcome = Literal["allowed", "held", "refused"]


class NotADecision(OstiaryError):
    """A line is not a decision event that this version can read."""


class DecisionRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One decision as it stands on the record, with every input it was decided on.

    Args:
        reference: what the refused person saw.
        at: when it was decided, seconds since the epoch, UTC.
        request: what was asked; `None` when the HTTP request could not be turned into a question.
        decision: the answer.
        http: the HTTP request.
        person_id: who asked; empty when not known.
        email: their address at that time.
        name: their name at that time.
        client: the program that asked on their behalf, over the AuthZEN API; empty where none did.
        stream_ended: nobody asked: the request had been let in before, and its open stream was ended by this.
    """

    reference: str
    at: float
    request: AccessRequest | None
    decision: Decision
    http: HttpFacts
    person_id: str = ""
    email: str = ""
    name: str = ""
    client: str = ""
    stream_ended: bool = False

    @property
    def outcome(self) -> Outcome:
        """How it reads to a person."""
        return outcome_of(self.decision)

    @property
    def told(self) -> str:
        """Why, as the person was told; empty where there was nothing to tell."""
        return told_words(self.decision)

    @property
    def ways(self) -> tuple[Way, ...]:
        """What each rule still asked for, the nearest first."""
        return ways_of(self.decision)

    @property
    def authentication_ages(self) -> tuple[tuple[str, float], ...]:
        """Each proof of the session with its age in seconds when it was decided."""
        if self.request is None:
            return ()
        return tuple((proof.method, self.at - proof.at) for proof in self.request.subject.authentications)


def outcome_of(decision: Decision) -> Outcome:
    """Return `allowed`, `held` (the person can lift it alone and at once) or `refused`."""
    if isinstance(decision, Allow):
        return "allowed"
    return "held" if is_held(decision) else "refused"


class _Metadata(msgspec.Struct):
    uid: str


class _Url(msgspec.Struct):
    scheme: str
    hostname: str
    path: str


class _HttpRequest(msgspec.Struct):
    http_method: str
    url: _Url
    version: str = ""
    user_agent: str = ""
    uid: str = ""


class _HttpResponse(msgspec.Struct):
    code: int


class _User(msgspec.Struct):
    uid: str = ""
    email_addr: str = ""
    full_name: str = ""


class _Actor(msgspec.Struct):
    user: _User
    app_name: str = ""


class _Unmapped(msgspec.Struct):
    ostiary: Inputs


class _Line(msgspec.Struct):
    class_uid: int
    metadata: _Metadata
    http_request: _HttpRequest
    unmapped: _Unmapped
    http_response: _HttpResponse | None = None
    actor: _Actor | None = None
    status_detail: str = ""


class _Message(msgspec.Struct):
    message: str = ""


_DECODER: Final = msgspec.json.Decoder(_Line)
_MESSAGE_DECODER: Final = msgspec.json.Decoder(_Message)
_UNREADABLE: Final = (msgspec.MsgspecError, UnicodeDecodeError, ValueError, RecursionError)


def message_of(line: bytes) -> str:
    """Return the sentence for people in an event, without reading the rest of it; empty where there is none to read.

    Args:
        line: one JSON object.
    """
    try:
        return _MESSAGE_DECODER.decode(line).message
    except _UNREADABLE:
        return ""


def parse_decision_event(line: bytes) -> DecisionRecord:
    """Return the decision that `decision_event` wrote.

    Args:
        line: one JSON object.

    Raises:
        NotADecision: when it is anything else.
    """
    try:
        event = _DECODER.decode(line)
    except _UNREADABLE as error:
        raise NotADecision("This line of the record is not a decision.", detail=str(error)) from None
    inputs = event.unmapped.ostiary
    if event.class_uid != ocsf.HTTP_ACTIVITY.uid or inputs.version != INPUTS_VERSION:
        raise NotADecision("This line of the record is not a decision that this version can read.")
    sent = event.http_request
    user = event.actor.user if event.actor else _User()
    return DecisionRecord(
        reference=event.metadata.uid,
        at=inputs.at,
        request=inputs.request,
        decision=inputs.decision,
        http=HttpFacts(
            method=sent.http_method,
            host=sent.url.hostname,
            path=sent.url.path,
            scheme=sent.url.scheme,
            version=sent.version,
            user_agent=sent.user_agent,
            request_id=sent.uid,
            peer=inputs.peer,
            code=event.http_response.code if event.http_response else 0,
        ),
        person_id=user.uid,
        email=user.email_addr,
        name=user.full_name,
        client=event.actor.app_name if event.actor else "",
        stream_ended=event.status_detail == STREAM_ENDED,
    )
