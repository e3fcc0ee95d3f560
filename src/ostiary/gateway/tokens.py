"""The tokens that pass between the sign-in host, the decision service, the data plane and the apps.

Each kind has its own key, algorithm and claims, so that none can stand in for another. Which token is issued when is
decided elsewhere; cookies are written in `decider.cookies`.
Source: RFC 7519 (JWT), RFC 8725 (best current practices), RFC 8037 (Ed25519), RFC 7638 (key thumbprints).
"""

import base64
import hashlib
import json
from typing import Any, Final

import jwt
import msgspec
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from jwt.algorithms import ECAlgorithm

from ostiary.errors import OstiaryError
from ostiary.policy.identifiers import AppId, DeviceId, PersonId, SessionId

HANDOVER_ISSUER: Final = "ostiary-id"
SESSION_ISSUER: Final = "ostiary-gateway"
HANDOVER_SECONDS: Final = 30
MAX_TOKEN_CHARACTERS: Final = 4096
CLOCK_LEEWAY_SECONDS: Final = 5.0


class InvalidToken(OstiaryError):
    """A token is not what it should be: wrong key, kind, audience, time or form."""


class SessionClaims(msgspec.Struct, frozen=True, kw_only=True):
    """An app's session cookie: which sign-in session it stands for. Whether that session lives is in the facts.

    Args:
        device: the enrolled device on which it began, and beyond which it is worth nothing; `None` for none.
    """

    app: AppId
    person: PersonId
    session: SessionId
    device: DeviceId | None = None


class HandoverClaims(msgspec.Struct, frozen=True, kw_only=True):
    """The one-time code that brings a sign-in from the sign-in host to an app.

    Args:
        bind: SHA-256 of the begin cookie of the browser that asked, base64url without padding.
        return_path: where the person wanted to go; checked again by whoever redirects there.
        issued_at: seconds since the epoch.
        expires_at: seconds since the epoch, at most `HANDOVER_SECONDS` later.
        jti: unique; a second use is refused.
    """

    app: AppId
    person: PersonId
    session: SessionId
    bind: str
    return_path: str
    issued_at: float
    expires_at: float
    jti: str


def grant_audience(app: AppId, *, on_device: bool) -> str:
    """Return the audience of an app's grants: those for connections that prove a device are none for others."""
    return f"{app}@device" if on_device else app


def bind_of(begin: str) -> str:
    """Return the binding for the value of a begin cookie: base64url of its SHA-256, without padding."""
    return _base64url(hashlib.sha256(begin.encode()).digest())


def sign_session(key: bytes, claims: SessionClaims, *, now: float) -> str:
    """Return the value of an app's session cookie.

    Args:
        key: the content of `secrets/session.key`.
        claims: what it says.
        now: seconds since the epoch.
    """
    payload: dict[str, str | int] = {
        "iss": SESSION_ISSUER,
        "aud": claims.app,
        "sub": claims.person,
        "sid": claims.session,
        "iat": int(now),
    }
    if claims.device is not None:
        payload["dev"] = claims.device
    return jwt.encode(payload, key, algorithm="HS256", headers={"typ": "ost-session+jwt"})


def read_session(key: bytes, token: str) -> SessionClaims:
    """Return what an app's session cookie says.

    Raises:
        InvalidToken: for anything that `sign_session` did not make with this key.
    """
    payload = _verify(key, token, issuer=SESSION_ISSUER, required=("aud", "sub", "sid"))
    return SessionClaims(
        app=AppId(_text(payload, "aud")),
        person=PersonId(_text(payload, "sub")),
        session=SessionId(_text(payload, "sid")),
        device=DeviceId(_text(payload, "dev")) if "dev" in payload else None,
    )


def sign_handover(key: bytes, claims: HandoverClaims) -> str:
    """Return the code for the callback's query. `key` is the content of `secrets/handover.key`."""
    payload = {
        "iss": HANDOVER_ISSUER,
        "aud": claims.app,
        "sub": claims.person,
        "sid": claims.session,
        "bind": claims.bind,
        "ret": claims.return_path,
        "iat": claims.issued_at,
        "exp": claims.expires_at,
        "jti": claims.jti,
    }
    return jwt.encode(payload, key, algorithm="HS256", headers={"typ": "ost-handover+jwt"})


def read_handover(key: bytes, token: str, *, app: AppId, now: float) -> HandoverClaims:
    """Return what a code says, when it is meant for `app` and still good at `now` (seconds since the epoch).

    Raises:
        InvalidToken: for a wrong key, issuer, audience, form, or a code that is expired, from the future or
            meant to live longer than `HANDOVER_SECONDS`.
    """
    payload = _verify(key, token, issuer=HANDOVER_ISSUER, required=("aud", "sub", "sid", "bind", "ret", "jti"))
    issued_at, expires_at = _moment(payload, "iat"), _moment(payload, "exp")
    if _text(payload, "aud") != app:
        raise InvalidToken("The code is for another app.")
    if not now < expires_at <= issued_at + HANDOVER_SECONDS + 1 or issued_at > now + CLOCK_LEEWAY_SECONDS:
        raise InvalidToken("The code is no longer good.")
    return HandoverClaims(
        app=app,
        person=PersonId(_text(payload, "sub")),
        session=SessionId(_text(payload, "sid")),
        bind=_text(payload, "bind"),
        return_path=_text(payload, "ret"),
        issued_at=issued_at,
        expires_at=expires_at,
        jti=_text(payload, "jti"),
    )


class AssertionSigner:
    """Signs what an app is told about the person (ES256), and publishes the key to check it with."""

    def __init__(self, pem: bytes, *, issuer: str) -> None:
        """Take the key.

        Args:
            pem: the content of `secrets/assertion.pem`, EC P-256.
            issuer: the sign-in host's URL.

        Raises:
            InvalidToken: when the key is of another kind.
        """
        key = load_pem_private_key(pem, password=None)
        if not isinstance(key, ec.EllipticCurvePrivateKey) or not isinstance(key.curve, ec.SECP256R1):
            raise InvalidToken("The assertion key is not an EC P-256 key.", hint="Restore assertion.pem from a backup.")
        self._key = key
        self.issuer = issuer
        public: dict[str, Any] = ECAlgorithm.to_jwk(key.public_key(), as_dict=True)
        self.public_jwk = {name: public[name] for name in ("crv", "kty", "x", "y")}
        self.kid = _base64url(hashlib.sha256(json.dumps(self.public_jwk, separators=(",", ":")).encode()).digest())

    def sign(self, claims: dict[str, Any]) -> str:
        """Return an assertion with `claims`; the issuer is added."""
        return jwt.encode({"iss": self.issuer, **claims}, self._key, algorithm="ES256", headers={"kid": self.kid})

    def key_set(self) -> bytes:
        """Return the JSON key set (RFC 7517) that apps verify assertions with."""
        return json.dumps({"keys": [{**self.public_jwk, "kid": self.kid, "use": "sig", "alg": "ES256"}]}).encode()


class GrantSigner:
    """Signs grants with the Ed25519 key of the moment."""

    def __init__(self, *, kid: str, private: bytes, issuer: str) -> None:
        """Take the key.

        Args:
            kid: the key's name in the data plane's key set.
            private: the raw 32-byte private key.
            issuer: the sign-in host's URL.

        Raises:
            ValueError: when the key does not have 32 bytes.
        """
        self._key = ed25519.Ed25519PrivateKey.from_private_bytes(private)
        self._issuer = issuer
        header = json.dumps({"alg": "EdDSA", "kid": kid, "typ": "JWT"}, separators=(",", ":")).encode()
        self._header = base64.urlsafe_b64encode(header).rstrip(b"=")

    def sign(self, claims: dict[str, Any]) -> str:
        """Return a grant with `claims`; the issuer is added."""
        payload = msgspec.json.encode({"iss": self._issuer, **claims})
        message = self._header + b"." + base64.urlsafe_b64encode(payload).rstrip(b"=")
        signature = base64.urlsafe_b64encode(self._key.sign(message)).rstrip(b"=")
        return (message + b"." + signature).decode("ascii")


def _verify(key: bytes, token: str, *, issuer: str, required: tuple[str, ...]) -> dict[str, Any]:
    if len(token) > MAX_TOKEN_CHARACTERS:
        raise InvalidToken("The token is too long.")
    try:
        payload: dict[str, Any] = jwt.decode(
            token,
            key,
            algorithms=["HS256"],
            issuer=issuer,
            options={
                "require": list(required),
                "verify_aud": False,
                "verify_exp": False,
                "verify_nbf": False,
                "verify_iat": False,
            },
        )
    except (jwt.InvalidTokenError, ValueError, TypeError, RecursionError) as error:
        raise InvalidToken("The token is not valid.", detail=str(error)) from None
    return payload


def _text(payload: dict[str, Any], name: str) -> str:
    value = payload[name]
    if not isinstance(value, str) or not value:
        raise InvalidToken(f"The claim {name} is not a text.")
    return value


def _moment(payload: dict[str, Any], name: str) -> float:
    value = payload.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise InvalidToken(f"The claim {name} is not a moment.")
    return float(value)


def _base64url(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode("ascii")
