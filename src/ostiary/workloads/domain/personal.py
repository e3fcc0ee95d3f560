"""Personal access tokens: what a person lets a script of their own do. Pure."""

from typing import Final

import msgspec

from ostiary.errors import OstiaryError
from ostiary.policy.identifiers import AppId, PersonId

MAX_TOKENS: Final = 50
MAX_NAME_CHARACTERS: Final = 100
LONGEST_DAYS: Final = 365


class UnknownToken(OstiaryError):
    """There is no such token."""


class UnusableToken(OstiaryError):
    """A token cannot be made like this."""


class PersonalToken(msgspec.Struct, frozen=True, kw_only=True):
    """One token; it is shown when it is made and never again.

    Args:
        id: names it on record and in commands.
        name: what it is for, in its owner's words.
        apps: the only apps it opens.
        edit: whether it may also edit; otherwise it views. Deleting is for services and for people themselves.
        created_at: seconds since the epoch, like every moment here.
        used_at: when an app was last opened with it, to the minute or so; `None` for never.
        revoked_at: since when it is worth nothing; `None` while it is not revoked.
    """

    id: str
    person: PersonId
    email: str
    name: str
    apps: tuple[AppId, ...]
    edit: bool
    created_at: float
    expires_at: float
    used_at: float | None = None
    revoked_at: float | None = None

    def works(self, now: float) -> bool:
        """Whether it is worth anything at `now` (seconds since the epoch)."""
        return self.revoked_at is None and now < self.expires_at


class NewToken(msgspec.Struct, frozen=True, kw_only=True):
    """A token that was just made: the only moment at which anybody but its owner's script knows it."""

    token: PersonalToken
    secret: str
