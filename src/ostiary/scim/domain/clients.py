"""What a client is. What its token looks like is the same as for programs that ask for decisions."""

import msgspec

from ostiary.errors import OstiaryError


class UnknownClient(OstiaryError):
    """There is no such client."""


class ClientExists(OstiaryError):
    """A client with this name has a token that works."""


class Client(msgspec.Struct, frozen=True, kw_only=True):
    """One directory that may keep people and groups here.

    Args:
        name: as it stands on record: 1 to 63 of `a-z`, `0-9` and inner `-`.
        added_at: seconds since the epoch, like every moment here.
        added_by: whom people know as the one who added it.
        expires_at: from this moment its token is worth nothing.
        revoked_at: since when its token is worth nothing; `None` while it is not revoked.
        used_at: when it last asked for something, to the minute; `None` when it never did.
        users: how many people it keeps.
        groups: how many groups it keeps.
    """

    name: str
    added_at: float
    added_by: str
    expires_at: float
    revoked_at: float | None = None
    used_at: float | None = None
    users: int = 0
    groups: int = 0

    def works(self, now: float) -> bool:
        """Whether its token is accepted at `now` (seconds since the epoch)."""
        return self.revoked_at is None and now < self.expires_at


class NewClient(msgspec.Struct, frozen=True, kw_only=True):
    """A client that was just added, with its token: the only moment at which anybody but the directory knows it."""

    client: Client
    token: str


def via_of(client: str) -> str:
    """Return what stands in a membership that a client made."""
    return f"scim:{client}"
