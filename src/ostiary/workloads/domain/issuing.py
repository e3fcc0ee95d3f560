"""What may be asked for at the token endpoint, and what is answered. Pure; who gets a token is found out in `services.proving`.

Source: RFC 6749, sections 4.4 and 5.2; RFC 7521; RFC 7523; RFC 8693; RFC 8707.
"""

from enum import StrEnum
from typing import Final

import msgspec

from ostiary.errors import OstiaryError
from ostiary.policy.identifiers import AppId, ServiceId

CLIENT_CREDENTIALS: Final = "client_credentials"
JWT_BEARER: Final = "urn:ietf:params:oauth:grant-type:jwt-bearer"
TOKEN_EXCHANGE: Final = "urn:ietf:params:oauth:grant-type:token-exchange"  # noqa: S105 - a name of RFC 8693
GRANTS: Final = (CLIENT_CREDENTIALS, JWT_BEARER, TOKEN_EXCHANGE)
ASSERTION_TYPE: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
ACCESS_TOKEN_TYPE: Final = "urn:ietf:params:oauth:token-type:access_token"  # noqa: S105 - as above
SUBJECT_TOKEN_TYPES: Final = frozenset(
    {"urn:ietf:params:oauth:token-type:jwt", "urn:ietf:params:oauth:token-type:id_token"}
)


class Code(StrEnum):
    """What a program is told went wrong (RFC 6749, section 5.2; RFC 8707, section 2)."""

    INVALID_REQUEST = "invalid_request"
    INVALID_CLIENT = "invalid_client"
    INVALID_GRANT = "invalid_grant"
    INVALID_SCOPE = "invalid_scope"
    INVALID_TARGET = "invalid_target"
    UNSUPPORTED_GRANT_TYPE = "unsupported_grant_type"


class TokenRefused(OstiaryError):
    """No token is given out.

    Args:
        code: what the program is told.
        message: the same in words.
        service: which service was named, where one was.
    """

    def __init__(self, code: Code, message: str, *, service: str = "", detail: str = "") -> None:
        super().__init__(message, detail=detail)
        self.code = code
        self.service = service


class TooManyTokens(OstiaryError):
    """A service asks too often.

    Args:
        seconds: how long it must wait.
    """

    def __init__(self, seconds: float) -> None:
        super().__init__("This service asks too often; use a token until it runs out.")
        self.seconds = seconds


class Entitled(msgspec.Struct, frozen=True, kw_only=True):
    """A service that may have a token.

    Args:
        app: the one app that it is to be for; `None` for every app the rules open to it.
        seconds: how long it may live.
        how: what the service proved itself with, in short.
    """

    service: ServiceId
    app: AppId | None
    seconds: int
    how: str


class Proof(msgspec.Struct, frozen=True, kw_only=True):
    """What a service proved itself with.

    Args:
        how: in short, for the record.
        key: which of its keys signed; empty for an issuer's token.
        trust: by which trust the issuer's token stands for it; empty for a key.
        once: what must not be seen a second time; empty for a token that may come again.
        ends_at: until when that is remembered, seconds since the epoch.
    """

    how: str
    key: str = ""
    trust: str = ""
    once: str = ""
    ends_at: float = 0.0
