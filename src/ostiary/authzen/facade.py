"""What the rest of Ostiary may ask of the clients: frozen types in, frozen types out."""

from ostiary.authzen.domain import (
    DEFAULT_LIFETIME,
    TOKEN_BYTES,
    Client,
    ClientExists,
    NewClient,
    UnknownClient,
    UnusableLifetime,
    digest_of,
    parse_lifetime,
    token_from,
)
from ostiary.authzen.queries import list_clients
from ostiary.authzen.services import add_client, revoke_all_clients, revoke_client

__all__ = [
    "DEFAULT_LIFETIME",
    "TOKEN_BYTES",
    "Client",
    "ClientExists",
    "NewClient",
    "UnknownClient",
    "UnusableLifetime",
    "add_client",
    "digest_of",
    "list_clients",
    "parse_lifetime",
    "revoke_all_clients",
    "revoke_client",
    "token_from",
]
