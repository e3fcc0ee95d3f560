"""What a client is. What its token looks like is in `programs`."""

import msgspec

from ostiary.errors import OstiaryError
from ostiary.programs.tokens import Program


class UnknownClient(OstiaryError):
    """There is no such client."""


class ClientExists(OstiaryError):
    """A client with this name has a token that works."""


class Client(Program, frozen=True, kw_only=True):
    """One directory that may keep people and groups here.

    Args:
        used_at: when it last asked for something, to the minute; `None` when it never did.
        users: how many people it keeps.
        groups: how many groups it keeps.
    """

    used_at: float | None = None
    users: int = 0
    groups: int = 0


class NewClient(msgspec.Struct, frozen=True, kw_only=True):
    """A client that was just added, with its token: the only moment at which anybody but the directory knows it."""

    client: Client
    token: str


def via_of(client: str) -> str:
    """Return what stands in a membership that a client made."""
    return f"scim:{client}"
