"""Security event tokens: what must stand in one, and what may not. Signatures are checked elsewhere.

Source: RFC 8417, sections 2.2 and 2.3; OpenID SSF 1.0, section 4 (one event, `sub_id`, neither `sub` nor `exp`, explicit
typing); CAEP Interoperability Profile 1.0, sections 2.6 and 2.8 (RS256, one event).
"""

from collections.abc import Collection, Mapping
from typing import Any, Final

import msgspec

from ostiary.signals.domain.errors import RefusedSignal
from ostiary.signals.domain.events import STREAM_UPDATED, VERIFICATION, Event, read_event
from ostiary.signals.domain.subjects import Subject, read_subject

TYPE: Final = "secevent+jwt"
MEDIA_TYPE: Final = f"application/{TYPE}"
ALGORITHMS: Final = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
MAX_TOKEN_CHARACTERS: Final = 65_536
MAX_AGE_SECONDS: Final = 30 * 86_400.0
AHEAD_SECONDS: Final = 300.0
MAX_JTI_CHARACTERS: Final = 255
MAX_TYPE_CHARACTERS: Final = 500
_NO_SUBJECT: Final = frozenset({VERIFICATION, STREAM_UPDATED})
_MAX_DEPTH: Final = 20


class Signal(msgspec.Struct, frozen=True, kw_only=True):
    """A token whose signature and claims are as they must be.

    Args:
        jti: its identifier, of which no two of one transmitter are taken.
        issued_at: seconds since the epoch.
        event: the one event in it.
        subject: whom it is about.
    """

    jti: str
    issued_at: float
    event: Event
    subject: Subject


def check_type(header: Mapping[str, Any], *, older_form: bool = False) -> None:
    """Refuse a token of another kind.

    Args:
        header: the JOSE header.
        older_form: whether the transmitter is known to leave the type out.

    Raises:
        RefusedSignal: when it is typed as something else, not at all, or has to be understood in a way it is not (RFC 7515,
            section 4.1.11).
    """
    if "crit" in header:
        raise RefusedSignal("invalid_request", "The token's header holds what must be understood, and is not (crit).")
    kind = header.get("typ")
    if isinstance(kind, str) and kind.lower().removeprefix("application/") == TYPE:
        return
    if older_form and (kind is None or kind == "JWT"):
        return
    raise RefusedSignal("invalid_request", f"The token's type is not {TYPE}.")


def read_claims(
    claims: Mapping[str, Any], *, issuer: str, audience: str, now: float, older_form: bool = False,
    critical: Collection[str] = (),
) -> Signal:  # fmt: skip
    """Return what a token says.

    Args:
        claims: the payload, its signature checked.
        issuer: the one issuer that may have made it.
        audience: what we are called there.
        now: seconds since the epoch.
        older_form: whether the subject may stand in the event, as it did before SSF 1.0.
        critical: members of a complex subject that have to be understood, as the transmitter says (section 3.6).

    Raises:
        RefusedSignal: with the code the transmitter is told, when anything is not as it must be.
    """
    if not _can_be_kept(claims):
        raise RefusedSignal("invalid_request", "The token holds characters that are none, or is nested too deep.")
    if claims.get("iss") != issuer:
        raise RefusedSignal("invalid_issuer", "The token is another issuer's.")
    meant = claims.get("aud")
    if audience not in (meant if isinstance(meant, list) else [meant]):
        raise RefusedSignal("invalid_audience", "The token is for somebody else.")
    if "exp" in claims or "sub" in claims:
        raise RefusedSignal("invalid_request", "A security event token has neither exp nor sub.")
    jti, issued_at = claims.get("jti"), claims.get("iat")
    if not isinstance(jti, str) or not 0 < len(jti) <= MAX_JTI_CHARACTERS or not jti.isprintable():
        raise RefusedSignal("invalid_request", "The token has no identifier (jti) that can be kept.")
    if not isinstance(issued_at, int | float) or isinstance(issued_at, bool):
        raise RefusedSignal("invalid_request", "The token does not say when it was issued (iat).")
    if not now - MAX_AGE_SECONDS <= issued_at <= now + AHEAD_SECONDS:
        raise RefusedSignal("invalid_request", "The token is too old, or from the future (iat).")
    events = claims.get("events")
    if not isinstance(events, Mapping) or len(events) != 1:
        raise RefusedSignal("invalid_request", "A token carries one event.")
    event_type, payload = next(iter(events.items()))
    if not isinstance(event_type, str) or len(event_type) > MAX_TYPE_CHARACTERS or not event_type.isprintable():
        raise RefusedSignal("invalid_request", "The event's type cannot be kept.")
    event = read_event(event_type, payload)
    subject = _subject(claims, event, payload, older_form)
    unread = tuple(one for one in subject.unread if one in critical)
    return Signal(
        jti=jti,
        issued_at=float(issued_at),
        event=event,
        subject=msgspec.structs.replace(subject, unread=unread),
    )


def _can_be_kept(value: Any, depth: int = 0) -> bool:
    """Tell whether every text can stand in a database: no NUL, no half of a surrogate pair, and none too deep to look at."""
    if isinstance(value, str):
        return "\x00" not in value and not any("\ud800" <= one <= "\udfff" for one in value)
    if depth == _MAX_DEPTH:
        return False
    if isinstance(value, Mapping):
        return all(_can_be_kept(name) and _can_be_kept(one, depth + 1) for name, one in value.items())
    return not isinstance(value, list) or all(_can_be_kept(one, depth + 1) for one in value)


def _subject(claims: Mapping[str, Any], event: Event, payload: Mapping[str, Any], older_form: bool) -> Subject:
    found = claims.get("sub_id")
    if found is None and older_form:
        found = payload.get("subject")
    if found is None and (event.type in _NO_SUBJECT):
        return Subject()
    if found is None:
        raise RefusedSignal("invalid_request", "The token does not say whom it is about (sub_id).")
    return read_subject(found)


def claims_of(
    *, issuer: str, audience: str, jti: str, issued_at: float, event_type: str, payload: Mapping[str, Any],
    subject: Mapping[str, Any], transaction: str,
) -> dict[str, Any]:  # fmt: skip
    """Return the claims of a token of our own.

    Args:
        issuer: this instance's sign-in host.
        audience: what the receiver is called.
        jti: new for every token.
        issued_at: seconds since the epoch.
        event_type: the event's URI.
        payload: its claims.
        subject: whom it is about.
        transaction: the same for every token about the same happening.
    """
    return {
        "iss": issuer,
        "aud": audience,
        "jti": jti,
        "iat": int(issued_at),
        "txn": transaction,
        "sub_id": dict(subject),
        "events": {event_type: dict(payload)},
    }
