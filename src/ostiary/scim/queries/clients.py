"""Reads of the clients."""

from django.db.models import Count, Q

from ostiary.scim.domain.clients import Client
from ostiary.scim.models import StoredClient


def list_clients() -> tuple[Client, ...]:
    """Return every client by name, those included whose token is worth nothing any more."""
    rows = StoredClient.objects.annotate(
        kept_users=Count("users", distinct=True, filter=Q(users__gone_at=None)),
        kept_groups=Count("groups", distinct=True),
    )
    return tuple(to_client(row) for row in rows)


def to_client(row: StoredClient) -> Client:
    """Return the stored client as the rest of Ostiary sees it."""
    return Client(
        **row.fields(),
        used_at=None if row.used_at is None else row.used_at.timestamp(),
        users=getattr(row, "kept_users", 0),
        groups=getattr(row, "kept_groups", 0),
    )
