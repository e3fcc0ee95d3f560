"""Adding and revoking clients. Each is one transaction, on record, and told to the gateway."""

import difflib
import secrets
import time
from datetime import UTC, datetime

from django.db import transaction

from ostiary.authzen.domain import (
    DEFAULT_LIFETIME,
    TOKEN_BYTES,
    Client,
    ClientExists,
    NewClient,
    UnknownClient,
    digest_of,
    parse_lifetime,
    token_from,
)
from ostiary.authzen.models import StoredClient
from ostiary.authzen.queries import to_client
from ostiary.changes import announce_change
from ostiary.policy.identifiers import parse_slug
from ostiary.visibility.domain.events import EntityChange, entity_change_event
from ostiary.visibility.facade import Actor, new_uid, record

ENTITY = "authzen client"


@transaction.atomic
def add_client(
    name: str, *, actor: Actor, lifetime: str = DEFAULT_LIFETIME, may_search: bool = False, reason: str = ""
) -> NewClient:
    """Let a program ask, and return its token, which is kept nowhere.

    A name whose token is revoked or has expired may be given again; it gets a new token.

    Args:
        name: as it stands on record: 1 to 63 of `a-z`, `0-9` and inner `-`.
        actor: who does it.
        lifetime: how long the token works: a whole number and `h`, `d` or `w`.
        may_search: whether it may also ask who may do what.
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
            hint=f"Revoke it first: ostiary authzen client revoke {name}",
        )
    token = token_from(secrets.token_bytes(TOKEN_BYTES))
    row = StoredClient(
        name=name,
        digest=digest_of(token).hex(),
        may_search=may_search,
        added_at=datetime.fromtimestamp(now, UTC),
        added_by=actor.label,
        expires_at=datetime.fromtimestamp(now + seconds, UTC),
    )
    row.save(force_insert=known is None, force_update=known is not None)
    client = to_client(row)
    _changed(client, "create", actor=actor, reason=reason)
    return NewClient(client=client, token=token)


@transaction.atomic
def revoke_client(name: str, *, actor: Actor, reason: str = "") -> Client:
    """Take a client's token back; what it asks from then on is answered with 401.

    Args:
        name: which one.
        actor: who does it.
        reason: why, in the actor's words.

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

    Args:
        actor: who does it.
        reason: why, in the actor's words.

    Raises:
        RecordUnavailable: when the change cannot be put on record; nothing was changed.
    """
    rows = list(StoredClient.objects.select_for_update().filter(revoked_at=None))
    for row in rows:
        _revoke(row, actor=actor, reason=reason)
    return len(rows)


def _revoke(row: StoredClient, *, actor: Actor, reason: str) -> Client:
    row.revoked_at = datetime.fromtimestamp(time.time(), UTC)
    row.save(update_fields=["revoked_at"])
    client = to_client(row)
    _changed(client, "delete", actor=actor, reason=reason)
    return client


def _changed(client: Client, change: EntityChange, *, actor: Actor, reason: str) -> None:
    """Tell the gateway and write the record. No grant rests on a client, so none ends: each of its requests is decided."""
    announce_change("clients", takes_away=False)
    facts = {"may_search": client.may_search, "expires_at": client.expires_at}
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
    meant = f"Did you mean {near[0]}?" if near else "See: ostiary authzen client list"
    shown = name if len(name) <= 40 else name[:40] + "…"
    return UnknownClient(f"There is no client {shown!r} whose token could be revoked.", hint=meant)
