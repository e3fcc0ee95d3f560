"""What operators use of this room. What answers the clients is in `door`, which needs more memory and is loaded when it is used."""

from ostiary.scim.domain.clients import Client, ClientExists, NewClient, UnknownClient
from ostiary.scim.queries.clients import list_clients
from ostiary.scim.services.clients import add_client, client_with_token, revoke_all_clients, revoke_client

__all__ = [
    "Client",
    "ClientExists",
    "NewClient",
    "UnknownClient",
    "add_client",
    "client_with_token",
    "list_clients",
    "revoke_all_clients",
    "revoke_client",
]
