"""What the rest of Ostiary may ask of the clients: frozen types in, frozen types out."""

from ostiary.authzen.domain import Client, ClientExists, NewClient, UnknownClient
from ostiary.authzen.queries import list_clients
from ostiary.authzen.services import add_client, revoke_all_clients, revoke_client

__all__ = [
    "Client",
    "ClientExists",
    "NewClient",
    "UnknownClient",
    "add_client",
    "list_clients",
    "revoke_all_clients",
    "revoke_client",
]
