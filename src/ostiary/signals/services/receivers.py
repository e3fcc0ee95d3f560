"""Registering, revoking and recognising receivers. Each change is one transaction, on record."""

import msgspec
from django.core import signing
from django.db import transaction

from ostiary.policy.identifiers import parse_slug
from ostiary.programs.stored import (
    find_asking,
    give_token,
    lock_all_unrevoked,
    lock_program,
    lock_unrevoked,
    take_token_back,
)
from ostiary.programs.tokens import DEFAULT_LIFETIME, digest_of, parse_lifetime
from ostiary.signals.domain.errors import ReceiverExists, UnusableReceiver
from ostiary.signals.domain.streams import NewReceiver, Receiver, parse_events, parse_origin
from ostiary.signals.domain.subjects import SubjectFormat
from ostiary.signals.journal import RECEIVER
from ostiary.signals.models import StoredReceiver
from ostiary.signals.queries.receivers import receiver_of, unknown_receiver
from ostiary.visibility.facade import Actor, record_entity_change

ACCESS_SECONDS = 3600
MAX_AUDIENCE_CHARACTERS = 300
_SALT = "ostiary.signals.access"
_SEPARATOR = "~"
"""Stands for the colon of a signed text, which no bearer token may hold (RFC 6750, section 2.1)."""


@transaction.atomic
def add_receiver(
    name: str, *, audience: str, actor: Actor, push_to: str = "", subject_format: str = SubjectFormat.ISS_SUB.value,
    events: tuple[str, ...] = (), lifetime: str = DEFAULT_LIFETIME, reason: str = "",
) -> NewReceiver:  # fmt: skip
    """Let a system be told of what happens here, and return its token, which is kept nowhere.

    A name whose token is revoked or has expired may be given again; it gets a new token and keeps its streams.

    Args:
        name: as it stands on record: 1 to 63 of `a-z`, `0-9` and inner `-`.
        audience: what it is called in the tokens it gets.
        actor: who does it.
        push_to: the address at which it may have events sent to it; empty where it may only fetch them.
        subject_format: how people are named to it: `iss_sub` or `email`.
        events: which it may have; empty for all that are sent.
        lifetime: how long the token works: a whole number and `h`, `d` or `w`.
        reason: what it is for.

    Raises:
        MalformedIdentifier, UnusableLifetime, UnusableReceiver: when a value cannot be used; nothing was changed.
        ReceiverExists: when there is such a receiver and its token works.
        RecordUnavailable: when the change cannot be put on record; nothing was changed.
    """
    name, seconds = parse_slug(name, what="receiver"), parse_lifetime(lifetime)
    if not 0 < len(audience) <= MAX_AUDIENCE_CHARACTERS or not audience.isascii() or not audience.isprintable():
        raise UnusableReceiver(
            "This cannot be an audience.", hint="It is what the receiver calls itself, often its address."
        )
    if subject_format not in {one.value for one in SubjectFormat}:
        raise UnusableReceiver(f"People cannot be named as {subject_format[:40]!r}.", hint="Write iss_sub or email.")
    known = lock_program(StoredReceiver, name)
    if known is not None and known.works:
        raise ReceiverExists(
            f"There is a receiver {name} already, and its token works.",
            hint=f"Revoke it first: ostiary signal receiver revoke {name}",
        )
    row = known or StoredReceiver(name=name)
    row.audience, row.push_to = audience, parse_origin(push_to) if push_to else ""
    row.subject_format, row.events = subject_format, list(parse_events(events))
    token = give_token(row, seconds=seconds, by=actor.label, new=known is None)
    receiver = receiver_of(row)
    record_entity_change(RECEIVER, name, "create", actor=actor, after=msgspec.to_builtins(receiver), comment=reason)
    return NewReceiver(receiver=receiver, token=token)


@transaction.atomic
def revoke_receiver(name: str, *, actor: Actor, reason: str = "") -> Receiver:
    """Take a receiver's token back, and its streams with all that waits in them: it is told nothing more.

    Raises:
        UnknownReceiver: when there is none, or its token is revoked already.
        RecordUnavailable: when the change cannot be put on record; nothing was changed.
    """
    row = lock_unrevoked(StoredReceiver, name)
    if row is None:
        raise unknown_receiver(name)
    return _revoke(row, actor=actor, reason=reason)


@transaction.atomic
def revoke_all_receivers(*, actor: Actor, reason: str) -> int:
    """Take every token back; return how many there were.

    Raises:
        RecordUnavailable: when the change cannot be put on record; nothing was changed.
    """
    rows = lock_all_unrevoked(StoredReceiver)
    for row in rows:
        _revoke(row, actor=actor, reason=reason)
    return len(rows)


def receiver_with_token(token: str) -> Receiver | None:
    """Return whose token this is, and note that it was used; `None` for one that is unknown, revoked or expired.

    A short-lived token that `access_token` made counts as the one it was asked for with.
    """
    row = find_asking(StoredReceiver, _digest_behind(token))
    return None if row is None else receiver_of(row)


def access_token(name: str, secret: str) -> str | None:
    """Return a token that is good for an hour, for a receiver that proves itself (RFC 6749, section 4.4); `None` otherwise.

    Args:
        name: the receiver's name, which is its client identifier.
        secret: the token it was given, which is its client secret.
    """
    digest = digest_of(secret).hex()
    row = StoredReceiver.objects.filter(pk=name, digest=digest).first() if name.isprintable() else None
    if row is None or not row.works:
        return None
    return signing.dumps([name, digest], salt=_SALT).replace(":", _SEPARATOR)


def _digest_behind(token: str) -> str:
    if _SEPARATOR not in token:
        return digest_of(token).hex()
    try:
        signed = token.replace(_SEPARATOR, ":")
        _name, digest = signing.loads(signed, salt=_SALT, max_age=ACCESS_SECONDS)
    except (signing.BadSignature, ValueError, TypeError):
        return ""
    return str(digest)


def _revoke(row: StoredReceiver, *, actor: Actor, reason: str) -> Receiver:
    row.streams.all().delete()
    take_token_back(row)
    receiver = receiver_of(row)
    record_entity_change(RECEIVER, row.name, "delete", actor=actor, before={"audience": row.audience}, comment=reason)
    return receiver
