"""Making, renewing and revoking enrol secrets. Each change is one transaction, on record."""

from django.db import transaction

from ostiary.osquery.domain.hosts import NewSecret, Secret, SecretExists, UnknownSecret
from ostiary.osquery.journal import SECRET
from ostiary.osquery.models import StoredSecret
from ostiary.osquery.queries import to_secret
from ostiary.policy.identifiers import parse_slug
from ostiary.programs.stored import (
    find_asking,
    give_token,
    lock_all_unrevoked,
    lock_program,
    lock_unrevoked,
    shown_name,
    similar_name,
    take_token_back,
)
from ostiary.programs.tokens import DEFAULT_LIFETIME, digest_of, parse_lifetime
from ostiary.visibility.domain.events import EntityChange
from ostiary.visibility.facade import Actor, record_entity_change


@transaction.atomic
def add_secret(
    name: str, *, actor: Actor, lifetime: str = DEFAULT_LIFETIME, rotate: bool = False, reason: str = ""
) -> NewSecret:
    """Let hosts enrol with a new secret, and return it; it is kept nowhere.

    Args:
        name: as it stands on record: 1 to 63 of `a-z`, `0-9` and inner `-`.
        actor: who does it.
        lifetime: how long it works: a whole number and `h`, `d` or `w`.
        rotate: whether it takes the place of one that works; hosts that have enrolled go on.
        reason: why.

    Raises:
        MalformedIdentifier, UnusableLifetime: when a value cannot be used; nothing was changed.
        SecretExists: when there is one of this name that works, and none is to take its place.
        RecordUnavailable: when the change cannot be put on record; nothing was changed.
    """
    name, seconds = parse_slug(name, what="enrol secret"), parse_lifetime(lifetime)
    known = lock_program(StoredSecret, name)
    if known is not None and known.works and not rotate:
        raise SecretExists(
            f"There is an enrol secret {name} already, and it works.",
            hint=f"Put another in its place: ostiary osquery secret rotate {name}",
        )
    if known is None and rotate:
        raise _unknown(name)
    row = known or StoredSecret(name=name)
    token = give_token(row, seconds=seconds, by=actor.label[:254], new=known is None)
    secret = to_secret(row)
    change: EntityChange = "update" if rotate else "create"
    record_entity_change(SECRET, name, change, actor=actor, after={"expires_at": secret.expires_at}, comment=reason)
    return NewSecret(secret=secret, token=token)


@transaction.atomic
def revoke_secret(name: str, *, actor: Actor, reason: str = "") -> Secret:
    """Let no host enrol with a secret any more; those that have enrolled go on.

    Raises:
        UnknownSecret: when there is none, or it is revoked already.
        RecordUnavailable: when the change cannot be put on record; nothing was changed.
    """
    row = lock_unrevoked(StoredSecret, name)
    if row is None:
        raise _unknown(name)
    return _revoke(row, actor=actor, reason=reason)


@transaction.atomic
def revoke_all_secrets(*, actor: Actor, reason: str) -> int:
    """Revoke every secret; return how many there were."""
    rows = lock_all_unrevoked(StoredSecret)
    for row in rows:
        _revoke(row, actor=actor, reason=reason)
    return len(rows)


def find_secret(token: str) -> StoredSecret | None:
    """Return whose secret this is; `None` for one that is unknown, revoked or expired."""
    return find_asking(StoredSecret, digest_of(token).hex()) if token else None


def _revoke(row: StoredSecret, *, actor: Actor, reason: str) -> Secret:
    take_token_back(row)
    record_entity_change(SECRET, row.name, "delete", actor=actor, comment=reason)
    return to_secret(row)


def _unknown(name: str) -> UnknownSecret:
    near = similar_name(StoredSecret, name)
    meant = f"Did you mean {near}?" if near else "See: ostiary osquery secret list"
    return UnknownSecret(f"There is no enrol secret {shown_name(name)} that works.", hint=meant)
