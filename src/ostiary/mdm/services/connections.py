"""Making, trying and removing connections. Each change is one transaction, on record."""

import time
from datetime import UTC, datetime
from typing import Final

import msgspec
from django.conf import settings
from django.db import transaction

from ostiary.devices.facade import forget_source
from ostiary.mdm.adapters.asked import Asked, Wait, usable_secret
from ostiary.mdm.domain.connections import (
    MAX_SECRET_CHARACTERS,
    Connection,
    ConnectionExists,
    Described,
    UnusableConnection,
)
from ostiary.mdm.domain.records import Record
from ostiary.mdm.journal import CONNECTION
from ostiary.mdm.models import StoredConnection
from ostiary.mdm.queries import get_connection, to_described, unknown_connection
from ostiary.outgoing.addresses import Unreachable, may_be_asked
from ostiary.outgoing.sealed import seal, unseal
from ostiary.policy.identifiers import parse_slug
from ostiary.visibility.facade import Actor, record_entity_change

PURPOSE: Final = "mdm"


class Tried(msgspec.Struct, frozen=True, kw_only=True):
    """What a connection answered when it was tried: how many devices are on its first page, whether there are more, and one."""

    found: int
    more: bool
    skipped: int
    example: Record | None = None


def connect(name: str, described: Described, *, secret: str, actor: Actor, reason: str = "") -> Connection:
    """Ask device management from now on. It is tried before anything is stored.

    Args:
        name: as it stands on record: 1 to 63 of `a-z`, `0-9` and inner `-`.
        described: where and what it is.
        secret: the token, or the client's secret; kept encrypted, and shown nowhere.
        actor: who does it.
        reason: why.

    Raises:
        MalformedIdentifier, UnusableConnection: when a value cannot be used; nothing was changed.
        ConnectionExists: when there is one of this name.
        Unreachable, UnreadableAnswer: when it does not answer as it should; nothing was changed.
        RecordUnavailable: when the change cannot be put on record; nothing was changed.
    """
    name = parse_slug(name, what="connection")
    secret = secret.strip()
    if not usable_secret(secret, MAX_SECRET_CHARACTERS):
        raise UnusableConnection(
            "The secret cannot be sent.", hint="Give the token or the client's secret alone, as it is."
        )
    for address in filter(None, (described.address, described.token_address)):
        if not may_be_asked(address):
            raise UnusableConnection(f"Nothing is sent to {address[:100]}: it has to be https.")
    if StoredConnection.objects.filter(pk=name).exists():
        raise _taken(name)
    _try(described, secret)
    now = datetime.now(UTC)
    row = StoredConnection(
        name=name,
        kind=described.kind.value,
        address=described.address,
        token_address=described.token_address,
        client_id=described.client_id,
        sealed_secret=seal(secret, purpose=PURPOSE),
        added_at=now,
        added_by=actor.label[:254],
        next_try_at=now,
    )
    with transaction.atomic():
        if StoredConnection.objects.filter(pk=name).exists():
            raise _taken(name)
        row.save(force_insert=True)
        record_entity_change(CONNECTION, name, "create", actor=actor, after=_told(described), comment=reason)
    return get_connection(name)


def try_connection(name: str) -> Tried:
    """Ask for the first page, and keep nothing of it.

    Raises:
        UnknownConnection: when there is none of this name.
        UnusableConnection, Unreachable, UnreadableAnswer: when it does not answer as it should.
    """
    row = _row(name)
    return _try(to_described(row), secret_of(row))


def ask_for_import(name: str, *, actor: Actor) -> Connection:
    """Have the worker import at once.

    Raises:
        UnknownConnection: when there is none of this name.
    """
    with transaction.atomic():
        row = _row(name)
        row.next_try_at = datetime.now(UTC)
        row.save(update_fields=["next_try_at"])
        record_entity_change(CONNECTION, name, "update", actor=actor, after={"import": "asked for"})
    return get_connection(name)


def remove_connection(name: str, *, actor: Actor, reason: str = "") -> Connection:
    """Ask a system no more, and forget what it said of devices.

    Raises:
        UnknownConnection: when there is none of this name.
    """
    with transaction.atomic():
        row = StoredConnection.objects.select_for_update().filter(pk=_row(name).pk).first()
        if row is None:
            raise unknown_connection(name)
        removed = get_connection(name)
        for linked in row.records.exclude(device=None):
            forget_source(device=str(linked.device_id), source=row.kind, now=time.time())
        row.delete()
        record_entity_change(CONNECTION, name, "delete", actor=actor, before=_told(removed.described), comment=reason)
    return removed


def secret_of(row: StoredConnection) -> str:
    """Return what is sent to prove who we are.

    Raises:
        UnusableConnection: when it cannot be read any more.
    """
    secret = unseal(row.sealed_secret, purpose=PURPOSE)
    if not secret:
        raise UnusableConnection(
            f"The secret of {row.name} cannot be read: the instance's key has changed since.",
            hint="Remove the connection and make it anew.",
        )
    return secret


def asked_at(described: Described, secret: str, *, wait: Wait) -> Asked:
    """Return the vendor, ready to be asked."""
    return Asked(described, secret, authority=settings.INSTANCE.configuration.devices.management_authority, wait=wait)


def _try(described: Described, secret: str) -> Tried:
    page = next(asked_at(described, secret, wait=_do_not_wait).pages())
    example = page.records[0] if page.records else None
    return Tried(found=len(page.records), more=bool(page.more), skipped=page.skipped, example=example)


def _do_not_wait(seconds: float) -> None:
    raise Unreachable(f"It asks to be left alone for {seconds:.0f} seconds.", hint="Try again later.")


def _row(name: str) -> StoredConnection:
    get_connection(name)
    row = StoredConnection.objects.filter(pk=name).first()
    if row is None:
        raise unknown_connection(name)
    return row


def _taken(name: str) -> ConnectionExists:
    return ConnectionExists(
        f"There is a connection {name!r} already.", hint=f"Remove it first: ostiary mdm remove {name}"
    )


def _told(described: Described) -> dict[str, str]:
    return {
        "kind": described.kind.value,
        "address": described.address,
        "token_address": described.token_address,
        "client_id": described.client_id,
    }
