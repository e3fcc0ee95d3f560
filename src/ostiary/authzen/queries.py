"""Reads of the clients. They return frozen types and change nothing."""

from ostiary.authzen.domain import Client
from ostiary.authzen.models import StoredClient


def list_clients() -> tuple[Client, ...]:
    """Return every client by name, those included whose token is worth nothing any more."""
    return tuple(map(to_client, StoredClient.objects.all()))


def to_client(row: StoredClient) -> Client:
    """Return the stored client as the rest of Ostiary sees it."""
    return Client(**row.fields(), may_search=row.may_search)
