"""Authenticators, as their owner sees them, and which of them may go."""

from collections.abc import Iterable
from typing import Literal

import msgspec

Kind = Literal["password", "totp", "webauthn", "recovery_codes"]


class AuthenticatorInfo(msgspec.Struct, frozen=True, kw_only=True):
    """One means to sign in.

    Args:
        id: names it among its owner's; empty for the password.
        name: what its owner calls it.
        created_at: seconds since the epoch; `None` for the password.
        last_used_at: `None` when never.
        removable: whether its owner could still sign in without it.
        left: for recovery codes, how many are unused.
    """

    id: str
    kind: Kind
    name: str
    created_at: float | None = None
    last_used_at: float | None = None
    removable: bool = False
    left: int | None = None


def can_sign_in_with(kinds: Iterable[str], *, second_factor_required: bool) -> bool:
    """Say whether these means together open the door: a passkey alone, or a password with what is demanded.

    Another directory's sign-in (`directory`) does as well: what is demanded besides is set up or asked for after it.

    Args:
        kinds: one entry for each means, so that two passkeys count twice.
        second_factor_required: whether the instance demands a second factor.
    """
    means = set(kinds)
    if means & {"webauthn", "directory"}:
        return True
    return "password" in means and ("totp" in means or not second_factor_required)
