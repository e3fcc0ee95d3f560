"""Adding and revoking clients. Each is one transaction, on record, and told to the gateway."""

from django.db import transaction

from ostiary.authzen.domain import Client, ClientExists, NewClient, UnknownClient
from ostiary.authzen.models import StoredClient
from ostiary.authzen.queries import to_client
from ostiary.changes import announce_change
from ostiary.policy.identifiers import parse_slug
from ostiary.programs.stored import (
    give_token,
    lock_all_unrevoked,
    lock_program,
    lock_unrevoked,
    shown_name,
    similar_name,
    take_token_back,
)
from ostiary.programs.tokens import DEFAULT_LIFETIME, parse_lifetime
from ostiary.visibility.domain.events import EntityChange
from ostiary.visibility.facade import Actor, record_entity_change

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
    name, seconds = parse_slug(name, what="client"), parse_lifetime(lifetime)
    known = lock_program(StoredClient, name)
    if known is not None and known.works:
        raise ClientExists(
            f"There is a client {name} already, and its token works.",
            hint=f"Revoke it first: ostiary authzen client revoke {name}",
        )
    row = known or StoredClient(name=name)
    row.may_search = may_search
    token = give_token(row, seconds=seconds, by=actor.label, new=known is None)
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
    row = lock_unrevoked(StoredClient, name)
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
    rows = lock_all_unrevoked(StoredClient)
    for row in rows:
        _revoke(row, actor=actor, reason=reason)
    return len(rows)


def _revoke(row: StoredClient, *, actor: Actor, reason: str) -> Client:
    take_token_back(row)
    client = to_client(row)
    _changed(client, "delete", actor=actor, reason=reason)
    return client


def _changed(client: Client, change: EntityChange, *, actor: Actor, reason: str) -> None:
    """Tell the gateway and write the record. No grant rests on a client, so none ends: each of its requests is decided."""
    announce_change("clients", takes_away=False)
    facts = {"may_search": client.may_search, "expires_at": client.expires_at}
    record_entity_change(
        ENTITY,
        client.name,
        change,
        actor=actor,
        before=facts if change == "delete" else None,
        after=facts if change == "create" else None,
        comment=reason,
    )


def _unknown(name: str) -> UnknownClient:
    near = similar_name(StoredClient, name)
    meant = f"Did you mean {near}?" if near else "See: ostiary authzen client list"
    return UnknownClient(f"There is no client {shown_name(name)} whose token could be revoked.", hint=meant)
