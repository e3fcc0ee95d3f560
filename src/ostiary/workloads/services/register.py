"""Adding, changing, switching off and removing services. Each is one transaction, on record, and told to the gateway."""

import time
from datetime import UTC, datetime
from typing import Final

from django.db import transaction

from ostiary.changes import announce_change
from ostiary.identity.facade import find_owner, parse_name
from ostiary.policy.identifiers import parse_slug
from ostiary.visibility.domain.events import EntityChange
from ostiary.visibility.facade import Actor, record_entity_change
from ostiary.workloads.domain.services import (
    DEFAULT_DAYS,
    MAX_PURPOSE_CHARACTERS,
    TOKEN_MINUTES,
    Closed,
    Service,
    ServiceExists,
    UnusableService,
    parse_days,
    parse_token_minutes,
)
from ostiary.workloads.journal import SERVICE, told_of
from ostiary.workloads.models import StoredService
from ostiary.workloads.queries import get_service, unknown_service

SECTION: Final = "workloads"


@transaction.atomic
def add_service(
    name: str,
    *,
    owner: str,
    actor: Actor,
    days: int = DEFAULT_DAYS,
    purpose: str = "",
    token_minutes: int = TOKEN_MINUTES,
    reason: str = "",
) -> Service:
    """Make a service. It opens nothing until it can prove itself and a rule names it.

    Args:
        name: as rules name it: 1 to 63 of `a-z`, `0-9` and inner `-`.
        owner: the address of whoever answers for it.
        actor: who does it.
        days: until it ends by itself.
        purpose: what it is for.
        token_minutes: how long each of its tokens lives.
        reason: why, for the record.

    Raises:
        MalformedIdentifier, UnusableService, UnacceptableText: when a value cannot be used; nothing was changed.
        UnknownPerson: when nobody who can sign in has the owner's address.
        ServiceExists: when there is one of this name.
        RecordUnavailable: when the change cannot be put on record; nothing was changed.
    """
    name, seconds = parse_slug(name, what="service"), parse_days(days)
    if StoredService.objects.filter(pk=name).exists():
        raise ServiceExists(f"There is a service {name} already.", hint=f"See: ostiary workload show {name}")
    now = time.time()
    row = StoredService(
        name=name,
        purpose=parse_name(purpose, what="purpose", limit=MAX_PURPOSE_CHARACTERS),
        owner=find_owner(owner),
        ends_at=_moment(now + seconds),
        token_seconds=parse_token_minutes(token_minutes),
        created_at=_moment(now),
        created_by=actor.label[:254],
        tokens_after=now,
    )
    row.save(force_insert=True)
    return changed(name, "create", None, actor=actor, reason=reason)


@transaction.atomic
def change_service(
    name: str,
    *,
    actor: Actor,
    owner: str | None = None,
    days: int | None = None,
    purpose: str | None = None,
    token_minutes: int | None = None,
    reason: str = "",
) -> Service:
    """Change what is known of a service; what is `None` stays as it is. Arguments and errors as for `add_service`.

    Args:
        name: which.
        actor: who does it.
        owner: the address of whoever answers from now on.
        days: until it ends by itself, from now.
        purpose: what it is for.
        token_minutes: how long each of its tokens lives.
        reason: why, for the record.

    Raises:
        UnknownService: when there is none of this name.
    """
    row = lock_service(name)
    before = get_service(name)
    if owner is not None:
        # Whoever answers from now on has not been told of anything.
        row.owner, row.told_at = find_owner(owner), None
    if days is not None:
        row.ends_at, row.told_at = _moment(time.time() + parse_days(days)), None
    if purpose is not None:
        row.purpose = parse_name(purpose, what="purpose", limit=MAX_PURPOSE_CHARACTERS)
    if token_minutes is not None:
        row.token_seconds = parse_token_minutes(token_minutes)
    row.save()
    return changed(name, "update", before, actor=actor, reason=reason)


@transaction.atomic
def disable_service(name: str, *, actor: Actor, why: Closed = Closed.BY_HAND, reason: str = "") -> Service:
    """Switch a service off: its next request is refused, and the tokens it has are worth nothing even once it is on again.

    Raises:
        UnknownService: when there is none of this name.
        UnusableService: when it is off already.
    """
    row = lock_service(name)
    before = get_service(name)
    if row.disabled_at is not None:
        raise UnusableService(f"{name} is switched off already.")
    now = time.time()
    row.disabled_at, row.closed, row.tokens_after = _moment(now), why.value, now
    row.save(update_fields=["disabled_at", "closed", "tokens_after"])
    return changed(name, "disable", before, actor=actor, reason=reason)


@transaction.atomic
def enable_service(name: str, *, actor: Actor, reason: str = "") -> Service:
    """Switch a service on again. Tokens from before stay worthless, and its unused time begins anew.

    Raises:
        UnknownService: when there is none of this name.
        UnusableService: when it is on, nobody answers for it, or its time is over.
    """
    row = lock_service(name)
    before = get_service(name)
    if row.disabled_at is None:
        raise UnusableService(f"{name} is not switched off.")
    if before.owner_gone:
        raise UnusableService(
            f"Nobody answers for {name}.", hint=f"Name somebody first: ostiary workload change {name} --owner ADDRESS"
        )
    now = time.time()
    if now >= before.ends_at:
        raise UnusableService(
            f"The time of {name} is over.", hint=f"Give it another end: ostiary workload change {name} --days 365"
        )
    row.disabled_at, row.closed, row.tokens_after, row.told_at = None, "", now, None
    row.used_at = _moment(now) if row.used_at is not None else None
    row.created_at = row.created_at if row.used_at is not None else _moment(now)
    row.save(update_fields=["disabled_at", "closed", "tokens_after", "told_at", "used_at", "created_at"])
    return changed(name, "enable", before, actor=actor, reason=reason)


@transaction.atomic
def remove_service(name: str, *, actor: Actor, reason: str = "") -> None:
    """Remove a service with its keys; whoever is given the name later inherits none of its tokens.

    Raises:
        UnknownService: when there is none of this name.
    """
    row = lock_service(name)
    before = get_service(name)
    row.delete()
    announce_change(SECTION, takes_away=False)
    record_entity_change(SERVICE, name, "delete", actor=actor, before=told_of(before), comment=reason)


def lock_service(name: str) -> StoredService:
    """Return one service, locked until the transaction ends.

    Raises:
        UnknownService: when there is none of this name.
    """
    get_service(name)
    row = StoredService.objects.select_for_update().filter(pk=name).first()
    if row is None:
        raise unknown_service(name)
    return row


def changed(name: str, change: EntityChange, before: Service | None, *, actor: Actor, reason: str) -> Service:
    """Tell the gateway, write the record, and return the service as it is now. No grant rests on one, so none ends."""
    after = get_service(name)
    announce_change(SECTION, takes_away=False)
    record_entity_change(
        SERVICE,
        name,
        change,
        actor=actor,
        before=told_of(before) if before is not None else None,
        after=told_of(after),
        comment=reason,
    )
    return after


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
