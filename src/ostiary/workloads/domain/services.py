"""What a service is: who answers for it, until when, how it proves itself. Pure."""

from enum import StrEnum
from typing import Final

import msgspec

from ostiary.errors import OstiaryError
from ostiary.policy.identifiers import PersonId, ServiceId
from ostiary.workloads.domain.trust import Trust

DAY_SECONDS: Final = 86_400.0
DEFAULT_DAYS: Final = 365
LONGEST_DAYS: Final = 731
TOKEN_MINUTES: Final = 10
LONGEST_TOKEN_MINUTES: Final = 60
MAX_KEYS: Final = 5
MAX_TRUSTS: Final = 10
MAX_PURPOSE_CHARACTERS: Final = 500
NEVER_PROVED: Final = 0.0


class UnknownService(OstiaryError):
    """There is no such service."""


class ServiceExists(OstiaryError):
    """There is a service of this name."""


class UnusableService(OstiaryError):
    """What was said of a service cannot be so."""


class Closed(StrEnum):
    """Why a service is switched off."""

    BY_HAND = "by_hand"
    UNUSED = "unused"
    OWNER_LEFT = "owner_left"
    RESTORED = "restored"


class State(StrEnum):
    """How a service stands at one moment."""

    WORKS = "works"
    DISABLED = "disabled"
    OVER = "over"


class Key(msgspec.Struct, frozen=True, kw_only=True):
    """A public key a service signs with.

    Args:
        id: its thumbprint (RFC 7638), the `kid` of what it signs.
        kind: `RSA 2048`, `P-256`, `Ed25519`: what it is, in words.
        added_at: seconds since the epoch, like every moment here.
        used_at: when it was last signed with, to the minute; `None` for never.
    """

    id: str
    kind: str
    added_at: float
    added_by: str
    used_at: float | None = None


class Service(msgspec.Struct, frozen=True, kw_only=True):
    """One service: a script, a robot, a pipeline.

    Args:
        id: as rules name it: `service:ID`.
        purpose: what it is for, in somebody's words.
        owner: the address of whoever answers for it; empty for nobody.
        owner_gone: whether they cannot sign in any more, or nobody answers for it.
        ends_at: from this moment it opens nothing.
        token_seconds: how long each of its tokens lives.
        used_at: when it last got a token, to the minute; `None` for never.
        disabled_at: since when it is switched off; `None` while it is not.
        closed: why; `None` while it is not.
    """

    id: ServiceId
    purpose: str
    owner: str
    owner_id: PersonId | None
    owner_gone: bool
    ends_at: float
    token_seconds: int
    created_at: float
    created_by: str
    used_at: float | None = None
    disabled_at: float | None = None
    closed: Closed | None = None
    keys: tuple[Key, ...] = ()
    trusts: tuple[Trust, ...] = ()

    def state(self, now: float) -> State:
        """Return how it stands at `now` (seconds since the epoch)."""
        if self.disabled_at is not None:
            return State.DISABLED
        return State.WORKS if now < self.ends_at else State.OVER

    @property
    def idle_since(self) -> float:
        """Since when nothing was heard of it: its last use, or when it was made."""
        return self.created_at if self.used_at is None else self.used_at


def parse_days(days: int, *, longest: int = LONGEST_DAYS) -> float:
    """Return a number of days in seconds.

    Raises:
        UnusableService: when there are none, or more than `longest`.
    """
    if not 1 <= days <= longest:
        raise UnusableService(f"An end cannot be in {days} days.", hint=f"Say 1 to {longest} days.")
    return days * DAY_SECONDS


def parse_token_minutes(minutes: int) -> int:
    """Return how long tokens live, in seconds.

    Raises:
        UnusableService: when that is less than a minute or more than an hour.
    """
    if not 1 <= minutes <= LONGEST_TOKEN_MINUTES:
        raise UnusableService(
            f"A token cannot live {minutes} minutes.", hint=f"Say 1 to {LONGEST_TOKEN_MINUTES}; 10 is usual."
        )
    return minutes * 60
