"""Who is calling the console, by the gateway's signed assertion and nothing else: no cookie, no plain header.

Source: RFC 7519 (JWT), RFC 8725 (one algorithm, audience and issuer checked).
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import jwt
import structlog
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from django.conf import settings
from django.http import HttpRequest, HttpResponseBase

from ostiary.config.secrets import ASSERTION_KEY, read_secret
from ostiary.errors import OstiaryError
from ostiary.identity.facade import (
    ConsoleRole,
    Person,
    UnknownPerson,
    UnknownSession,
    client_of,
    console_role,
    get_person,
    get_session,
)
from ostiary.policy.identifiers import DeviceId, PersonId, SessionId
from ostiary.policy.request import Authentication
from ostiary.visibility.facade import Actor
from ostiary.web.console.failures import refuse
from ostiary.web.hosts import site_of

AUDIENCE: Final = "console"
HEADER: Final = "X-Ostiary-Assertion"
MAX_CHARACTERS: Final = 8192

log = structlog.get_logger(__name__)


class NotIdentified(OstiaryError):
    """The request does not prove who is calling."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Who is calling.

    Args:
        person: as stored now, not as asserted.
        role: what they may do here.
        session: the sign-in they use, still good when the request came.
        proofs: what was proved in it.
        device: the managed device they use, where one is proven.
        address: where from, as the gateway saw it.
    """

    person: Person
    role: ConsoleRole
    session: SessionId
    address: str | None
    proofs: tuple[Authentication, ...] = ()
    device: DeviceId | None = None

    @property
    def actor(self) -> Actor:
        """The same, as it stands on the record."""
        return Actor(kind="person", id=self.person.id, label=self.person.email, address=self.address)


def read_assertion_key() -> EllipticCurvePublicKey:
    """Return the public half of the instance's assertion key."""
    pem = read_secret(settings.INSTANCE.secrets, ASSERTION_KEY).reveal()
    public = load_pem_private_key(pem, password=None).public_key()
    if not isinstance(public, EllipticCurvePublicKey):
        raise NotIdentified("The assertion key is not an elliptic-curve key.")
    return public


def verify_assertion(
    token: str, key: EllipticCurvePublicKey, issuer: str
) -> tuple[PersonId, SessionId, DeviceId | None]:
    """Return the person, the session and the managed device, if there is one, that an assertion names.

    Args:
        token: the header's value.
        key: the instance's assertion key.
        issuer: the sign-in host's URL.

    Raises:
        NotIdentified: when it is missing, forged, expired, for another audience or incomplete.
    """
    if not token or len(token) > MAX_CHARACTERS:
        raise NotIdentified("There is no assertion.")
    try:
        claims = jwt.decode(
            token,
            key,
            algorithms=["ES256"],
            audience=AUDIENCE,
            issuer=issuer,
            options={"require": ["exp", "iat", "sub", "sid", "aud", "iss"], "strict_aud": True},
        )
    except jwt.InvalidTokenError as error:
        raise NotIdentified("The assertion is not valid.", detail=str(error)) from None
    device = DeviceId(str(claims["dev"])) if "dev" in claims else None
    return PersonId(str(claims["sub"])), SessionId(str(claims["sid"])), device


class ConsoleAssertion:
    """Middleware: on the console's host, sets `request.caller` or refuses; other hosts pass untouched."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response
        self.key = read_assertion_key()
        instance = settings.INSTANCE
        self.issuer = instance.url(instance.identity_host, "")

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Identify the caller before any page of the console runs."""
        if site_of(request) != "console":
            return self.get_response(request)
        try:
            request.caller = self.identify(request)  # type: ignore[attr-defined]
        except NotIdentified as error:
            log.warning("console_caller_refused", reason=error.message, detail=error.detail, path=request.path)
            return refuse(request)
        return self.get_response(request)

    def identify(self, request: HttpRequest) -> Caller:
        """Return who is calling.

        Raises:
            NotIdentified: when the assertion does not hold, the sign-in behind it has ended, or the person is
                disabled or has no role here.
        """
        subject, session, device = verify_assertion(request.headers.get(HEADER, ""), self.key, self.issuer)
        try:
            person = get_person(subject)
            behind = get_session(session)
        except (UnknownPerson, UnknownSession):
            raise NotIdentified("The assertion names nobody who is signed in.") from None
        if behind.person_id != person.id or not behind.complete:
            raise NotIdentified("The assertion's sign-in is another person's or not complete.")
        if not person.active:
            raise NotIdentified("The person is disabled.")
        role = console_role(person)
        if role is ConsoleRole.NONE:
            raise NotIdentified("The person has no role in the console.")
        return Caller(
            person=person,
            role=role,
            session=session,
            address=client_of(request).address or None,
            proofs=behind.authentications,
            device=device,
        )


def caller_of(request: HttpRequest) -> Caller:
    """Return who is calling, as `ConsoleAssertion` found."""
    caller: Caller = request.caller  # type: ignore[attr-defined]
    return caller
