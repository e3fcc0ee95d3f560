"""Reads of services and tokens. They return frozen types and change nothing."""

import difflib
from collections.abc import Iterable
from datetime import datetime

from ostiary.identity.domain.stored_text import can_be_stored
from ostiary.policy.identifiers import AppId, PersonId, ServiceId
from ostiary.workloads.domain.keys import kind_of
from ostiary.workloads.domain.personal import PersonalToken, UnknownToken
from ostiary.workloads.domain.services import Closed, Key, Service, UnknownService
from ostiary.workloads.domain.trust import Trust
from ostiary.workloads.models import ServiceKey, StoredService, StoredToken, StoredTrust


def list_services(*, owner: PersonId | None = None) -> tuple[Service, ...]:
    """Return every service by name, or those that somebody answers for."""
    rows = StoredService.objects.select_related("owner").prefetch_related("keys", "trusts")
    return tuple(map(to_service, rows if owner is None else rows.filter(owner_id=owner)))


def get_service(name: str) -> Service:
    """Return one service.

    Raises:
        UnknownService: when there is none of this name.
    """
    rows = StoredService.objects.select_related("owner").prefetch_related("keys", "trusts")
    row = rows.filter(pk=name).first() if can_be_stored(name) else None
    if row is None:
        raise unknown_service(name)
    return to_service(row)


def unknown_service(name: str) -> UnknownService:
    """Return the error for a name that no service has, with the one that may be meant."""
    near = difflib.get_close_matches(name, StoredService.objects.values_list("pk", flat=True), n=1)
    shown = name if len(name) <= 40 else name[:40] + "…"
    meant = f"Did you mean {near[0]}?" if near else "See: ostiary workload list"
    return UnknownService(f"There is no service {shown!r}.", hint=meant)


def list_tokens(*, person: PersonId | None = None) -> tuple[PersonalToken, ...]:
    """Return every token, the newest first, or those of one person."""
    rows = StoredToken.objects.select_related("person")
    return tuple(map(to_token, rows if person is None else rows.filter(person_id=person)))


def get_token(token_id: str) -> PersonalToken:
    """Return one token.

    Raises:
        UnknownToken: when there is none of this identifier.
    """
    rows = StoredToken.objects.select_related("person").filter(pk=token_id)
    row = rows.first() if can_be_stored(token_id) else None
    if row is None:
        raise UnknownToken(f"There is no token {token_id[:40]!r}.", hint="See: ostiary token list")
    return to_token(row)


def to_service(row: StoredService) -> Service:
    """Return the stored service as the rest of Ostiary sees it."""
    owner = row.owner
    return Service(
        id=ServiceId(row.name),
        purpose=row.purpose,
        owner=owner.email if owner is not None else "",
        owner_id=PersonId(owner.id) if owner is not None else None,
        owner_gone=owner is None or not owner.may_sign_in,
        ends_at=row.ends_at.timestamp(),
        token_seconds=row.token_seconds,
        created_at=row.created_at.timestamp(),
        created_by=row.created_by,
        used_at=seconds(row.used_at),
        disabled_at=seconds(row.disabled_at),
        closed=Closed(row.closed) if row.closed else None,
        keys=_keys(row.keys.all()),
        trusts=tuple(map(to_trust, row.trusts.all())),
    )


def to_trust(row: StoredTrust) -> Trust:
    """Return a stored trust as the rest of Ostiary sees it."""
    return Trust(
        id=str(row.pk),
        issuer=row.issuer,
        audience=row.audience,
        claims=dict(row.claims),
        keys=row.keys,
        once=row.once,
        used_at=seconds(row.used_at),
    )


def to_token(row: StoredToken) -> PersonalToken:
    """Return a stored token as the rest of Ostiary sees it."""
    return PersonalToken(
        id=row.id,
        person=PersonId(row.person_id),
        email=row.person.email,
        name=row.name,
        apps=tuple(map(AppId, row.apps)),
        edit=row.edit,
        created_at=row.created_at.timestamp(),
        expires_at=row.expires_at.timestamp(),
        used_at=seconds(row.used_at),
        revoked_at=seconds(row.revoked_at),
    )


def seconds(at: datetime | None) -> float | None:
    """Return a stored moment in seconds since the epoch."""
    return None if at is None else at.timestamp()


def _keys(rows: Iterable[ServiceKey]) -> tuple[Key, ...]:
    return tuple(
        Key(
            id=row.kid,
            kind=kind_of(row.jwk),
            added_at=row.added_at.timestamp(),
            added_by=row.added_by,
            used_at=seconds(row.used_at),
        )
        for row in rows
    )
