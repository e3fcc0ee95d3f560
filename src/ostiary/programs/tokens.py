"""What a program's token looks like, how long one may last, and when it works. Pure: nothing is stored or drawn here."""

import re
from typing import Final

import msgspec

from ostiary.errors import OstiaryError
from ostiary.policy.bearers import digest_of_token as digest_of

__all__ = [
    "DEFAULT_LIFETIME",
    "TOKEN_BYTES",
    "Program",
    "UnusableLifetime",
    "digest_of",
    "parse_lifetime",
    "token_from",
]

PREFIX: Final = "ostiary_"
"""Lets a scanner for leaked secrets know one when it sees one."""

TOKEN_BYTES: Final = 32
DEFAULT_LIFETIME: Final = "365d"
MIN_LIFETIME_SECONDS: Final = 3600.0
MAX_LIFETIME_SECONDS: Final = 3650 * 86400.0
_LIFETIME: Final = re.compile(r"([0-9]{1,6})([hdw])", re.ASCII)
_UNITS: Final = {"h": 3600.0, "d": 86400.0, "w": 7 * 86400.0}


class UnusableLifetime(OstiaryError):
    """A token cannot last so long, or the time is not written as one."""


class Program(msgspec.Struct, frozen=True, kw_only=True):
    """One program that proves itself with a token. Moments are seconds since the epoch.

    Args:
        name: as it stands on record: 1 to 63 of `a-z`, `0-9` and inner `-`.
        added_at: since when it has its token.
        added_by: whom people know as the one who added it.
        expires_at: from this moment its token is worth nothing.
        revoked_at: since when its token is worth nothing; `None` while it is not revoked.
    """

    name: str
    added_at: float
    added_by: str
    expires_at: float
    revoked_at: float | None = None

    def works(self, now: float) -> bool:
        """Whether its token is accepted at `now` (seconds since the epoch)."""
        return self.revoked_at is None and now < self.expires_at


def token_from(entropy: bytes) -> str:
    """Return the token made of some randomness.

    Args:
        entropy: `TOKEN_BYTES` random bytes.

    Raises:
        ValueError: when there are not that many.
    """
    if len(entropy) != TOKEN_BYTES:
        raise ValueError("a token has 256 random bits")
    return PREFIX + entropy.hex()


def parse_lifetime(text: str) -> float:
    """Return how long a token shall last, in seconds.

    Args:
        text: a whole number and `h`, `d` or `w`, for instance `90d`.

    Raises:
        UnusableLifetime: for anything else, and for less than an hour or more than ten years.
    """
    match = _LIFETIME.fullmatch(text)
    seconds = float(match[1]) * _UNITS[match[2]] if match else 0.0
    if not MIN_LIFETIME_SECONDS <= seconds <= MAX_LIFETIME_SECONDS:
        shown = text if len(text) <= 40 else text[:40] + "…"
        raise UnusableLifetime(
            f"A token cannot last {shown!r}.", hint="Write hours, days or weeks, from 1h to 3650d: for instance 90d."
        )
    return seconds
