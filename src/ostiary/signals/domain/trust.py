"""Whom this instance listens to, what their events may bring about, and when it is too much at once. Pure."""

from enum import StrEnum
from typing import Final

import msgspec

from ostiary.signals.domain.events import Effect

MIN_PEOPLE: Final = 3
"""So many people in a few minutes are never held, however small the firm: individual ones always go through."""


class May(StrEnum):
    """What a transmitter's events may bring about; each includes the one before."""

    RECORD = "record"
    END_SESSIONS = "end-sessions"
    DISABLE = "disable"


class Outcome(StrEnum):
    """What became of one signal."""

    RECORDED = "recorded"
    UNKNOWN_SUBJECT = "unknown_subject"
    SESSIONS_ENDED = "sessions_ended"
    DISABLED = "disabled"
    ENABLED = "enabled"
    HELD = "held"
    DISCARDED = "discarded"
    VERIFIED = "verified"


class Transmitter(msgspec.Struct, frozen=True, kw_only=True):
    """One system whose signals are listened to. Moments are seconds since the epoch.

    Args:
        issuer: the one issuer whose tokens count, exactly.
        metadata_url: where it describes itself.
        audience: what we are called there.
        may: what its events may bring about.
        subject_issuers: whose accounts it may speak of, by issuer; its own among them unless others were named.
        email_domains: whose addresses it may name people by, when they are confirmed here.
        may_disable_administrators: whether people who may use the console are disabled too.
        older_form: whether tokens without a type, with the subject in the event, are taken.
        delivery: `push` where it sends, `poll` where the worker fetches.
        by_signature: whether it may send without an authorization header of its own.
        stream_id: its name for the stream that was made there; empty where it was set up by hand.
        status: what it last said of that stream.
        held_at: since when its signals are held; `None` while they are not.
        held: how many are.
        verified_at: when a verification last arrived.
        asked_at: when one was last asked for.
        received_at: when anything last arrived.
        problem: why it cannot be asked at the moment; empty when it can.
        manages: whether there is a token by which we ask it for anything.
    """

    name: str
    issuer: str
    metadata_url: str
    audience: str
    may: May
    subject_issuers: tuple[str, ...] = ()
    email_domains: tuple[str, ...] = ()
    may_disable_administrators: bool = False
    older_form: bool = False
    delivery: str = "push"
    by_signature: bool = False
    stream_id: str = ""
    status: str = ""
    held_at: float | None = None
    held: int = 0
    added_at: float = 0.0
    added_by: str = ""
    verified_at: float | None = None
    asked_at: float | None = None
    received_at: float | None = None
    received: int = 0
    problem: str = ""
    manages: bool = False


def allowed(effect: Effect, may: May) -> Effect:
    """Return what of an effect a transmitter may bring about."""
    if may is May.RECORD:
        return Effect.NOTHING
    if may is May.END_SESSIONS:
        return Effect.END_SESSIONS if effect in (Effect.END_SESSIONS, Effect.DISABLE) else Effect.NOTHING
    return effect


def is_too_much(affected: int, people: int, share_percent: int) -> bool:
    """Tell whether one more person would be too many at once.

    Args:
        affected: people whom this transmitter's signals would have hit within the time, this one among them.
        people: who could sign in.
        share_percent: of them, at most this share.
    """
    return affected > max(MIN_PEOPLE, people * share_percent // 100)
