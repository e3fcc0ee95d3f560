"""Adding, revoking and recognising clients. Each change is one transaction, on record."""

import difflib
import secrets
import time
from datetime import UTC, datetime, timedelta

from django.db import transaction

from ostiary.authzen.facade import DEFAULT_LIFETIME, TOKEN_BYTES, digest_of, parse_lifetime, token_from
from ostiary.policy.identifiers import parse_slug
from ostiary.scim.domain.clients import Client, ClientExists, NewClient, UnknownClient
from ostiary.scim.models import StoredClient
from ostiary.scim.queries.clients import to_client
from ostiary.visibility.domain.events import EntityChange, entity_change_event
from ostiary.visibility.facade import Actor, new_uid, record

ENTITY = "scim client"
USED_EVERY = timedelta(minutes=1)


@transaction.atomic
def add_client(name: str, *, actor: Actor, lifetime: str = DEFAULT_LIFETIME, reason: str = "") -> NewClient:
    """Let a directory keep people and groups here, and return its token, which is kept nowhere.

    A name whose token is revoked or has expired may be given again; it gets a new token and keeps what it kept.

    Args:
        name: as it stands on record: 1 to 63 of `a-z`, `0-9` and inner `-`.
        actor: who does it.
        lifetime: how long the token works: a whole number and `h`, `d` or `w`.
        reason: what it is for, in the actor's words.

    Raises:
        MalformedIdentifier, UnusableLifetime: when a value cannot be used; nothing was changed.
        ClientExists: when there is such a client and its token works.
        RecordUnavailable: when the change cannot be put on record; nothing was changed.
    """
    name, seconds, now = parse_slug(name, what="client"), parse_lifetime(lifetime), time.time()
    known = StoredClient.objects.select_for_update().filter(pk=name).first()
    if known is not None and to_client(known).works(now):
        raise ClientExists(
            f"There is a client {name} already, and its token works.",
            hint=f"Revoke it first: ostiary scim client revoke {name}",
        )
    token = token_from(secrets.token_bytes(TOKEN_BYTES))
    row = known or StoredClient(name=name)
    row.digest = digest_of(token).hex()
    row.added_at, row.added_by = datetime.fromtimestamp(now, UTC), actor.label
    row.expires_at, row.revoked_at = datetime.fromtimestamp(now + seconds, UTC), None
    row.save(force_insert=known is None, force_update=known is not None)
    client = to_client(row)
    _changed(client, "create", actor=actor, reason=reason)
    return NewClient(client=client, token=token)


@transaction.atomic
def revoke_client(name: str, *, actor: Actor, reason: str = "") -> Client:
    """Take a client's token back; what it asks from then on is answered with 401. Whom it kept stays as they are.

    Raises:
        UnknownClient: when there is none, or its token is revoked already.
        RecordUnavailable: when the change cannot be put on record; nothing was changed.
    """
    row = StoredClient.objects.select_for_update().filter(pk=name, revoked_at=None).first()
    if row is None:
        raise _unknown(name)
    return _revoke(row, actor=actor, reason=reason)


@transaction.atomic
def revoke_all_clients(*, actor: Actor, reason: str) -> int:
    """Take every token back; return how many there were.

    Raises:
        RecordUnavailable: when the change cannot be put on record; nothing was changed.
    """
    rows = list(StoredClient.objects.select_for_update().filter(revoked_at=None))
    for row in rows:
        _revoke(row, actor=actor, reason=reason)
    return len(rows)


def client_with_token(token: str) -> Client | None:
    """Return whose token this is, and note that it was used; `None` for one that is unknown, revoked or expired."""
    row = StoredClient.objects.filter(digest=digest_of(token).hex()).first()
    now = datetime.now(UTC)
    if row is None or not to_client(row).works(now.timestamp()):
        return None
    if row.used_at is None or row.used_at < now - USED_EVERY:
        StoredClient.objects.filter(pk=row.pk).update(used_at=now)
    return to_client(row)


def _revoke(row: StoredClient, *, actor: Actor, reason: str) -> Client:
    row.revoked_at = datetime.now(UTC)
    row.save(update_fields=["revoked_at"])
    client = to_client(row)
    _changed(client, "delete", actor=actor, reason=reason)
    return client


def _changed(client: Client, change: EntityChange, *, actor: Actor, reason: str) -> None:
    facts = {"expires_at": client.expires_at}
    record(
        entity_change_event(
            at=time.time(),
            uid=new_uid(),
            actor=actor,
            change=change,
            entity_type=ENTITY,
            entity_id=client.name,
            before=facts if change == "delete" else None,
            after=facts if change == "create" else None,
            comment=reason,
        )
    )


def _unknown(name: str) -> UnknownClient:
    names = StoredClient.objects.filter(revoked_at=None).values_list("pk", flat=True)
    near = difflib.get_close_matches(name, names, n=1)
    meant = f"Did you mean {near[0]}?" if near else "See: ostiary scim client list"
    shown = name if len(name) <= 40 else name[:40] + "…"
    return UnknownClient(f"There is no client {shown!r} whose token could be revoked.", hint=meant)
