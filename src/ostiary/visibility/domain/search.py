"""What can be asked of the index, and what comes back. The index itself is in `models`, the questions' code in `queries`."""

from typing import Literal

import msgspec

from ostiary.visibility.domain.decision_record import Outcome

EventKind = Literal["sign_in", "session", "account", "group", "entity", "log"]


class DecisionQuery(msgspec.Struct, frozen=True, kw_only=True):
    """Which decisions; empty fields do not narrow.

    Args:
        text: anywhere in person, app, path, host, address, rule, reason or reference; all its words must occur.
        person: a person's id, or part of their e-mail address.
        app: an app's id.
        reason: a reason code.
        reference: a reference, however it was typed.
        outcome: `allowed`, `held` or `refused`.
        since: not before, seconds since the epoch.
        until: before, seconds since the epoch.
        stream: `decisions`, `requests` (those that passed on a grant), or empty for both.
        page: from 1.
        page_size: 1 to 500.
    """

    text: str = ""
    person: str = ""
    app: str = ""
    reason: str = ""
    reference: str = ""
    outcome: str = ""
    since: float | None = None
    until: float | None = None
    stream: str = "decisions"
    page: int = 1
    page_size: int = 50


class DecisionRow(msgspec.Struct, frozen=True, kw_only=True):
    """One decision in a list. `at` is in seconds since the epoch; `code` is 0 when the app's answer is not known."""

    stream: str
    seq: int
    reference: str
    at: float
    outcome: Outcome
    reason: str
    person: str
    email: str
    app: str
    rule: str
    method: str
    host: str
    path: str
    address: str
    country: str
    code: int


class EventQuery(msgspec.Struct, frozen=True, kw_only=True):
    """Which of the other events; empty fields do not narrow.

    Args:
        text: anywhere in the sentence, the actor, the target or the address; all its words must occur.
        kinds: any of `sign_in`, `session`, `account`, `group`, `entity`, `log`.
        actor: an actor's id.
        target: the id of the person, group, app or thing it was done to.
        success: only what succeeded, or only what did not.
        since: not before, seconds since the epoch.
        until: before, seconds since the epoch.
        page: from 1.
        page_size: 1 to 500.
    """

    text: str = ""
    kinds: tuple[EventKind, ...] = ()
    actor: str = ""
    target: str = ""
    success: bool | None = None
    since: float | None = None
    until: float | None = None
    page: int = 1
    page_size: int = 50


class EventRow(msgspec.Struct, frozen=True, kw_only=True):
    """One event in a list. `at` is in seconds since the epoch; `words` is a whole sentence."""

    stream: str
    seq: int
    uid: str
    at: float
    kind: EventKind
    activity: str
    success: bool
    actor_kind: str
    actor: str
    actor_label: str
    target_kind: str
    target: str
    target_label: str
    reason: str
    words: str
    address: str


class ActivityBucket(msgspec.Struct, frozen=True, kw_only=True):
    """How many in one slice of time. `at` is its beginning, seconds since the epoch."""

    at: float
    allowed: int = 0
    held: int = 0
    refused: int = 0


class AppActivity(msgspec.Struct, frozen=True, kw_only=True):
    """How many at one app."""

    app: str
    total: int


class Activity(msgspec.Struct, frozen=True, kw_only=True):
    """What went on in a span of time, requests on grants included.

    Args:
        since: its beginning, seconds since the epoch.
        until: its end.
        bucket_seconds: length of a slice.
        buckets: every slice of the span, empty ones too.
        per_second: decisions a second over the last ten seconds that are indexed.
        allowed: how many passed.
        held: how many were asked for more first.
        refused: how many did not pass.
        refusals: reason and count of what was held or refused, most frequent first.
        apps: by app, busiest first.
    """

    since: float
    until: float
    bucket_seconds: int
    buckets: tuple[ActivityBucket, ...]
    per_second: float
    allowed: int
    held: int
    refused: int
    refusals: tuple[tuple[str, int], ...]
    apps: tuple[AppActivity, ...]


class StreamStatus(msgspec.Struct, frozen=True, kw_only=True):
    """How one stream is.

    Args:
        stream: its name.
        segments: how many files.
        size_bytes: their size together.
        last_seq: number of the last line; -1 when there is none.
        indexed_seq: number of the last line that search knows.
        signed_seq: number of the last line that is signed; -1 when none is.
        signed_at: when, seconds since the epoch; 0 when none is.
        truncated: the files hold less than was indexed or signed before: someone cut them.
    """

    stream: str
    segments: int
    size_bytes: int
    last_seq: int
    indexed_seq: int
    signed_seq: int
    signed_at: float
    truncated: bool


class LogStatus(msgspec.Struct, frozen=True, kw_only=True):
    """How the record is.

    Args:
        writable: whether an append would be taken now, as far as can be seen without making one.
        problem: what stands in the way, in words; empty when nothing does.
        free_bytes: free space on its disk.
        min_free_bytes: with less than this, requests are refused.
        streams: each stream.
    """

    writable: bool
    problem: str
    free_bytes: int
    min_free_bytes: int
    streams: tuple[StreamStatus, ...]
