"""Event streams of receivers: how one is described, asked for and changed. Storing and sending is not done here.

Source: OpenID SSF 1.0, sections 6.1 (delivery) and 8.1.1 (stream configuration).
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Final

import msgspec

from ostiary.outgoing.addresses import may_be_asked, split_url
from ostiary.programs.tokens import Program
from ostiary.signals.domain.errors import BadRequest, UnusableReceiver
from ostiary.signals.domain.events import SENT
from ostiary.signals.domain.subjects import SubjectFormat

PUSH: Final = "urn:ietf:rfc:8935"
POLL: Final = "urn:ietf:rfc:8936"
METHODS: Final = (PUSH, POLL)
VERIFY_EVERY_SECONDS: Final = 30
MAX_STREAMS: Final = 10
MAX_HEADER_CHARACTERS: Final = 4000
MAX_EVENTS: Final = 100
MAX_EVENT_CHARACTERS: Final = 500
MAX_DESCRIPTION_CHARACTERS: Final = 200

_TRANSMITTER_SAYS: Final = frozenset(
    {"stream_id", "iss", "aud", "events_supported", "events_delivered", "min_verification_interval"}
)


class Status(StrEnum):
    """Whether events are sent: `paused` keeps them, `disabled` does not."""

    ENABLED = "enabled"
    PAUSED = "paused"
    DISABLED = "disabled"


class Receiver(Program, frozen=True, kw_only=True):
    """One system that may be told of what happens here.

    Args:
        audience: what it is called in the tokens it gets.
        push_to: the origin (scheme, host, port) it may have events sent to; empty where it may only fetch them.
        subject_format: how people are named to it.
        events: which it may have.
        used_at: when it last asked for something, to the minute, in seconds since the epoch; `None` when it never did.
    """

    audience: str
    push_to: str
    subject_format: SubjectFormat
    events: tuple[str, ...]
    used_at: float | None = None


class NewReceiver(msgspec.Struct, frozen=True, kw_only=True):
    """A receiver that was just added, with its token: the only moment at which anybody but the receiver knows it."""

    receiver: Receiver
    token: str


class Stream(msgspec.Struct, frozen=True, kw_only=True):
    """One stream to a receiver, and how it does. Moments are seconds since the epoch.

    Args:
        method: `PUSH` or `POLL`.
        endpoint_url: where events are sent to; empty when they are fetched.
        events: those that are sent over it.
        waiting: events that are still to be taken.
        delivered: events that were taken.
        refused: events that the receiver said it cannot use.
        dropped: events that were thrown away, the oldest first, because too many waited.
        problem: why the last one was not taken; empty when it was.
    """

    id: str
    receiver: str
    method: str
    endpoint_url: str = ""
    events_requested: tuple[str, ...] = ()
    events: tuple[str, ...] = ()
    description: str = ""
    status: Status = Status.ENABLED
    status_reason: str = ""
    created_at: float = 0.0
    waiting: int = 0
    delivered: int = 0
    delivered_at: float | None = None
    refused: int = 0
    dropped: int = 0
    dropped_at: float | None = None
    verified_at: float | None = None
    next_try_at: float | None = None
    problem: str = ""


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """What a receiver asks a stream to be; `None` where it says nothing of it."""

    method: str | None = None
    endpoint_url: str = ""
    authorization_header: str | None = None
    events_requested: tuple[str, ...] | None = None
    description: str | None = None


def read_wanted(body: Mapping[str, Any], *, push_to: str) -> Wanted:
    """Return what a receiver asks for.

    Args:
        body: a stream configuration, of which only what the receiver says is read.
        push_to: the origin it may have events sent to; empty for none.

    Raises:
        BadRequest: when a member cannot be read, or asks for what it may not have.
    """
    events = body.get("events_requested")
    if events is not None and not (
        isinstance(events, list) and len(events) <= MAX_EVENTS and all(_is_event(one) for one in events)
    ):
        raise BadRequest("events_requested is a list of event types.")
    description = body.get("description")
    if description is not None and not (
        isinstance(description, str) and len(description) <= MAX_DESCRIPTION_CHARACTERS and description.isprintable()
    ):
        raise BadRequest(f"description is a text of at most {MAX_DESCRIPTION_CHARACTERS} characters.")
    wanted = Wanted(events_requested=None if events is None else tuple(events), description=description)
    delivery = body.get("delivery")
    if delivery is None:
        return wanted
    if not isinstance(delivery, Mapping) or delivery.get("method") not in METHODS:
        raise BadRequest(f"delivery.method is {PUSH} or {POLL}.")
    if delivery["method"] == POLL:
        return msgspec.structs.replace(wanted, method=POLL)
    header = delivery.get("authorization_header")
    if header is not None and not is_header(header):
        raise BadRequest("delivery.authorization_header cannot be sent.")
    url = delivery.get("endpoint_url")
    if not isinstance(url, str) or not is_below(url, push_to):
        where = (
            f"Events may be sent to addresses at {push_to} only." if push_to else "This receiver fetches its events."
        )
        raise BadRequest(f"delivery.endpoint_url cannot be used. {where}")
    return msgspec.structs.replace(wanted, method=PUSH, endpoint_url=url, authorization_header=header)


def check_unchanged(body: Mapping[str, Any], now: Mapping[str, Any]) -> None:
    """Refuse a change of what only the transmitter says (sections 8.1.1.3 and 8.1.1.4).

    Args:
        body: what was sent.
        now: the configuration as it is.

    Raises:
        BadRequest: when they differ.
    """
    for name in sorted(_TRANSMITTER_SAYS & body.keys()):
        if body[name] != now.get(name):
            raise BadRequest(f"{name} is not the receiver's to change.")


def delivered_of(requested: tuple[str, ...], supported: tuple[str, ...]) -> tuple[str, ...]:
    """Return which events go over a stream: those that were asked for and may be had; all of these where none were named."""
    return tuple(one for one in supported if one in requested) if requested else supported


def parse_origin(text: str) -> str:
    """Return the origin of an address: the part that an administrator allows events to be sent to.

    Raises:
        UnusableReceiver: when it is none; without TLS only this machine itself is one.
    """
    parts = split_url(text)
    if parts is None or not may_be_asked(text):
        raise UnusableReceiver(
            f"{text[:100]!r} is no address to send events to.",
            hint="Write https:// and the host, for instance https://app.example.com",
        )
    return f"{parts.scheme}://{parts.netloc.lower()}"


def parse_events(names: tuple[str, ...]) -> tuple[str, ...]:
    """Return event types by the last part of their names; all that are sent where none are named.

    Raises:
        UnusableReceiver: when one is not sent by this instance.
    """
    known = {one.rpartition("/")[2]: one for one in SENT}
    for name in names:
        if name not in known and name not in SENT:
            raise UnusableReceiver(f"No event {name[:60]!r} is sent.", hint=f"There are: {', '.join(known)}")
    wanted = {known.get(name, name) for name in names}
    return tuple(one for one in SENT if not wanted or one in wanted)


def is_below(url: str, origin: str) -> bool:
    """Tell whether an address is at an origin, and says nothing that could lead elsewhere."""
    parts = split_url(url)
    return bool(origin) and parts is not None and f"{parts.scheme}://{parts.netloc.lower()}" == origin


def is_header(value: Any) -> bool:
    """Tell whether a text can be sent as a header's value."""
    return (
        isinstance(value, str) and 0 < len(value) <= MAX_HEADER_CHARACTERS and value.isascii() and value.isprintable()
    )


def _is_event(value: Any) -> bool:
    return isinstance(value, str) and len(value) <= MAX_EVENT_CHARACTERS and value.isprintable()
