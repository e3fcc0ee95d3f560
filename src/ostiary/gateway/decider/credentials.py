"""What an allowed request carries: the signed assertion, the app's plain identity headers, and the grant.

Signing is the dearest part of a decision, so what was signed is used again as long as it is true and fresh. Whether a
request is allowed is decided in `check`.
"""

from typing import Any, Final

import msgspec

from ostiary.gateway.tokens import AssertionSigner, GrantSigner, grant_audience
from ostiary.policy.decision import Allow
from ostiary.policy.identifiers import AppId, DeviceId, SessionId
from ostiary.policy.request import AuthStrength
from ostiary.policy.snapshot import AppFact, PersonFact, SessionFact

ASSERTION_SECONDS: Final = 180
ASSERTION_MIN_REMAINING_SECONDS: Final = 90
MAX_CACHED: Final = 50_000
GRANT_MARGIN_SECONDS: Final = 2
"""The data plane forgives one second of clock skew, and compares whole seconds."""

MAX_GRANT_CHARACTERS: Final = 3900
"""Browsers keep at most 4096 bytes a cookie, its name and attributes included (RFC 6265, section 6.1)."""

_METHOD_NAMES: Final = {"password": "pwd", "totp": "otp", "webauthn": "pop", "recovery_code": "otp"}


class Assertion(msgspec.Struct, frozen=True):
    """A signed assertion, until when it is good, and the facts it was made from.

    Args:
        headers: everything an allowed request carries on its account: for the app, and for the access log.
    """

    token: str
    expires_at: int
    headers: tuple[tuple[str, str], ...]
    person: PersonFact
    session: SessionFact
    app: AppFact


class Grant(msgspec.Struct, frozen=True):
    """A signed grant and what it rests on."""

    token: str
    expires_at: int
    assertion: Assertion
    generation: int
    valid_until: float | None
    signer: GrantSigner


class Credentials:
    """Makes and remembers assertions and grants."""

    def __init__(self, signer: AssertionSigner, *, grant_seconds: int) -> None:
        """Remember nothing yet.

        Args:
            signer: signs assertions.
            grant_seconds: the longest life of a grant.
        """
        self._signer = signer
        self._grant_seconds = grant_seconds
        self._assertions: dict[tuple[AppId, SessionId, DeviceId | None], Assertion] = {}
        self._grants: dict[tuple[AppId, SessionId, str], Grant] = {}

    def assertion(
        self, app: AppFact, person: PersonFact, session: SessionFact, now: float, device: DeviceId | None = None
    ) -> Assertion | None:
        """Return what the app is told about the person and their managed device; `None` when the session ends within the second."""
        key = (app.id, session.id, device)
        known = self._assertions.get(key)
        if known is not None and _same_facts(known, app, person, session):
            enough = min(now + ASSERTION_MIN_REMAINING_SECONDS, session.expires_at - 1)
            if known.expires_at >= int(enough):
                return known
        expires_at = int(min(now + ASSERTION_SECONDS, session.expires_at))
        if expires_at <= now:
            return None
        claims = assertion_claims(app, person, session, issued_at=int(now), expires_at=expires_at)
        if device is not None:
            claims["dev"] = device
        token = self._signer.sign(claims)
        headers = (
            ("x-ostiary-assertion", token),
            ("x-ostiary-session", header_text(session.id)),
            *identity_headers(app, person),
        )
        assertion = Assertion(token, expires_at, headers, person, session, app)
        _remember(self._assertions, key, assertion)
        return assertion

    def grant(
        self,
        *,
        assertion: Assertion,
        allow: Allow,
        signer: GrantSigner,
        reference: str,
        now: float,
        certificate: str = "",
    ) -> Grant | None:
        """Return a grant for further views, or `None` when it would be too short or too long for a cookie.

        Args:
            assertion: what the app is told; it travels inside.
            allow: the decision; must not be per request nor carry obligations.
            signer: holds the grant key of the facts that were decided on.
            reference: of the decision.
            now: seconds since the epoch.
            certificate: of the connection, where it proves an active device; the grant is good on such connections only.
        """
        key = (assertion.app.id, assertion.session.id, certificate)
        known = self._grants.get(key)
        if (
            known is not None
            and known.signer is signer
            and known.assertion is assertion
            and known.generation == allow.generation
            and known.valid_until == allow.valid_until
            and known.expires_at - now >= self._grant_seconds / 2
        ):
            return known
        expires_at = self._grant_expiry(assertion, allow, now)
        if expires_at <= now + 1:
            return None
        claims = grant_claims(
            assertion,
            allow,
            reference=reference,
            issued_at=int(now),
            expires_at=expires_at,
            certificate=certificate,
        )
        token = signer.sign(claims)
        if len(token) > MAX_GRANT_CHARACTERS:
            return None
        grant = Grant(token, expires_at, assertion, allow.generation, allow.valid_until, signer)
        _remember(self._grants, key, grant)
        return grant

    def _grant_expiry(self, assertion: Assertion, allow: Allow, now: float) -> int:
        """Every end is kept: the data plane still takes a grant `GRANT_MARGIN_SECONDS` after it ran out."""
        ends = [assertion.session.expires_at, float(assertion.expires_at)]
        if allow.valid_until is not None:
            ends.append(allow.valid_until)
        ends = [now + self._grant_seconds, *(end - GRANT_MARGIN_SECONDS for end in ends)]
        return int(min(ends))


def assertion_claims(
    app: AppFact, person: PersonFact, session: SessionFact, *, issued_at: int, expires_at: int
) -> dict[str, Any]:
    """Return what an app is told about a person, without the issuer."""
    return {
        "aud": app.id,
        "sub": person.id,
        "email": person.email,
        "name": person.name,
        "groups": sorted(person.groups),
        "sid": session.id,
        "amr": _methods(session),
        "iat": issued_at,
        "exp": expires_at,
    }


def grant_claims(
    assertion: Assertion,
    allow: Allow,
    *,
    reference: str,
    issued_at: int,
    expires_at: int,
    certificate: str = "",
) -> dict[str, Any]:
    """Return what a grant says, without the issuer."""
    claims: dict[str, Any] = {
        "aud": grant_audience(assertion.app.id, on_device=bool(certificate)),
        "sub": assertion.person.id,
        "sid": assertion.session.id,
        "act": "view",
        "gen": allow.generation,
        "jti": reference,
        "iat": issued_at,
        "exp": expires_at,
        "assertion": assertion.token,
    }
    if certificate:
        claims["dev"] = certificate
    for name, value in identity_headers(assertion.app, assertion.person):
        claims[f"h_{name.replace('-', '_')}"] = value
    return claims


def identity_headers(app: AppFact, person: PersonFact) -> list[tuple[str, str]]:
    """Return the app's plain identity headers, names in lower case, every one the app's entry names.

    A value is printable ASCII: anything else, and `%`, is written as `%` and two digits for each byte of its UTF-8, so
    that no name can be mistaken for another or end a header.
    """
    values = {"email": person.email, "id": person.id, "name": person.name, "groups": ",".join(sorted(person.groups))}
    return [(name.lower(), header_text(values.get(source, ""))) for name, source in app.identity_headers.items()]


def header_text(text: str) -> str:
    """Return `text` as it may stand in a header; see `identity_headers`."""
    if text.isascii() and text.isprintable() and "%" not in text:
        return text.strip()
    encoded = text.encode("utf-8", "backslashreplace")
    return "".join(chr(byte) if 0x20 <= byte < 0x7F and byte != 0x25 else f"%{byte:02X}" for byte in encoded).strip()


def _methods(session: SessionFact) -> list[str]:
    """Name the proofs of a session as RFC 8176 does, in order, and `mfa` when there is a second factor."""
    names = dict.fromkeys(_METHOD_NAMES.get(proof.method, proof.method) for proof in session.authentications)
    if any(proof.strength >= AuthStrength.ANY for proof in session.authentications):
        names["mfa"] = None
    return list(names)


def _same_facts(known: Assertion, app: AppFact, person: PersonFact, session: SessionFact) -> bool:
    return (
        (known.session is session or known.session == session)
        and (known.person is person or known.person == person)
        and (known.app is app or known.app == app)
    )


def _remember(cache: dict[Any, Any], key: object, value: object) -> None:
    if len(cache) >= MAX_CACHED:
        cache.clear()
    cache[key] = value
