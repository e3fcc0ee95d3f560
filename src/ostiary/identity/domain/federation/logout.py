"""A directory's word that somebody signed out there, or was signed out: what a checked logout token must say.

Source: OpenID Connect Back-Channel Logout 1.0, sections 2.4 and 2.6.
"""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from ostiary.identity.domain.federation.claims import CLOCK_SECONDS, MAX_SUBJECT_CHARACTERS, read_sid
from ostiary.identity.domain.federation.provider import DirectoryRefused, Reason
from ostiary.identity.domain.stored_text import can_be_stored

LOGOUT_EVENT: Final = "http://schemas.openid.net/event/backchannel-logout"
MAX_AGE_SECONDS: Final = 600
MAX_ID_CHARACTERS: Final = 500


class Logout(msgspec.Struct, frozen=True, kw_only=True):
    """Who signed out there.

    Args:
        id: names this word of the directory; it counts once.
        subject: who it is there; empty when only `sid` says whom it is about.
        sid: the sign-in there that is over; empty for all of theirs.
    """

    id: str
    subject: str = ""
    sid: str = ""


def read_logout(claims: Mapping[str, Any], *, now: float) -> Logout:
    """Return whom a logout token is about.

    Args:
        claims: of a token whose signature, issuer, audience and end were checked.
        now: seconds since the epoch.

    Raises:
        DirectoryRefused: when it is no logout token, is too old, or is about nobody.
    """
    events = claims.get("events")
    if not isinstance(events, Mapping) or not isinstance(events.get(LOGOUT_EVENT), Mapping):
        raise DirectoryRefused(Reason.TOKEN_REFUSED, detail="it is no logout token")
    if "nonce" in claims:
        raise DirectoryRefused(Reason.TOKEN_REFUSED, detail="a logout token has no nonce")
    at = claims.get("iat")
    if not isinstance(at, (int, float)) or isinstance(at, bool) or not -CLOCK_SECONDS <= now - at <= MAX_AGE_SECONDS:
        raise DirectoryRefused(Reason.TOKEN_REFUSED, detail="the logout token is old, or its clock is wrong")
    name, subject, sid = claims.get("jti"), claims.get("sub", ""), read_sid(claims)
    if not isinstance(name, str) or not 0 < len(name) <= MAX_ID_CHARACTERS:
        raise DirectoryRefused(Reason.TOKEN_REFUSED, detail="the logout token has no name")
    if not isinstance(subject, str) or len(subject) > MAX_SUBJECT_CHARACTERS or not can_be_stored(subject):
        raise DirectoryRefused(Reason.TOKEN_REFUSED, detail="the logout token is about nobody")
    if (not subject and not sid) or ("sid" in claims and not sid):
        raise DirectoryRefused(Reason.TOKEN_REFUSED, detail="the logout token is about nobody")
    return Logout(id=name, subject=subject, sid=sid)
