"""Somebody lost their second factor and asked somebody else to confirm who they are, as other rooms see it."""

from enum import StrEnum

import msgspec

from ostiary.policy.identifiers import PersonId


class RecoveryState(StrEnum):
    """How far a recovery is."""

    ASKED = "asked"
    CONFIRMED = "confirmed"
    REFUSED = "refused"
    USED = "used"
    LAPSED = "lapsed"


class RecoveryInfo(msgspec.Struct, frozen=True, kw_only=True):
    """One recovery; moments in seconds since the epoch.

    Args:
        address: from where it was asked, after the password was typed.
        user_agent: the browser.
        expires_at: until when it can be answered, or, once confirmed, until when its link works.
        answered_by: who confirmed or refused it; empty while nobody did.
        manager: the address of whoever the person reports to; empty when nobody is known.
        factors: what they have set up and say they lost.
        password_set_at: when their password was set; `None` when that is not known.
        password_by_mail: whether it was set by a mailed link, so that their mailbox alone stood behind it.
        known_addresses: from where they are, or lately were, signed in.
    """

    id: str
    person_id: PersonId
    email: str
    name: str
    state: RecoveryState
    asked_at: float
    expires_at: float
    address: str = ""
    user_agent: str = ""
    answered_at: float | None = None
    answered_by: str = ""
    reason: str = ""
    manager: str = ""
    factors: tuple[str, ...] = ()
    password_set_at: float | None = None
    password_by_mail: bool = False
    known_addresses: tuple[str, ...] = ()

    @property
    def open(self) -> bool:
        """Whether it waits for an answer."""
        return self.state is RecoveryState.ASKED
