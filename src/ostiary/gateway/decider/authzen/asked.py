"""A program's request before what it asks is read: its method, its form, its body. Whose token it holds is found in `callers`."""

import asyncio
from collections.abc import AsyncIterable
from typing import Final

import msgspec

from ostiary.gateway.decider.answers import Answer
from ostiary.gateway.decider.authzen.callers import bearer_token
from ostiary.gateway.decider.authzen.replies import error
from ostiary.gateway.decider.basis import Basis
from ostiary.gateway.decider.incoming import Scope, read_headers
from ostiary.policy.snapshot import ClientFact

MAX_BODY_BYTES: Final = 256 * 1024
BODY_SECONDS: Final = 10.0


REQUEST_ID: Final = "x-request-id"
GIVEN_NUMBER: Final = "x-ostiary-request-id"
"""Where our data plane puts the number that a program gave its request; `x-request-id` is its own."""


class Refused(Exception):
    """A request gets an error instead of a decision.

    Args:
        answer: what is sent.
    """

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.status)
        self.answer = answer


class Knock(msgspec.Struct, frozen=True):
    """A request, whoever sent it.

    Args:
        method: as sent.
        path: which endpoint.
        headers: one value a name; the last where there were several.
        token: what it proves itself with; `None` when it holds no token, or more than one.
        number: as the program numbered it; `None` when it did not.
        peer: address and port of the connection.
        secure: whether it came over TLS.
    """

    method: str
    path: str
    headers: dict[str, str]
    token: str | None
    number: str | None
    peer: str
    secure: bool


def read_knock(scope: Scope, *, gateway: bool) -> Knock:
    """Return a request as it came.

    Args:
        scope: the request.
        gateway: whether our data plane passes it on; then its own headers are believed.
    """
    headers = read_headers(scope.headers)
    proofs = [value for name, value in scope.headers.items() if name == "authorization"]
    return Knock(
        method=scope.method,
        path=scope.path,
        headers=headers,
        token=bearer_token(proofs[0]) if len(proofs) == 1 else None,
        number=headers.get(GIVEN_NUMBER if gateway else REQUEST_ID),
        peer=headers.get("x-ostiary-peer", "") if gateway else scope.client,
        secure=gateway,
    )


class Asked(msgspec.Struct, frozen=True):
    """A request of a client that may make it.

    Args:
        knock: the request.
        client: who asks.
        basis: the facts to decide on.
    """

    knock: Knock
    client: ClientFact
    basis: Basis


def require_method(method: str, *allowed: str) -> None:
    """Go on when the method is allowed.

    Raises:
        Refused: when it is not.
    """
    if method not in allowed:
        raise Refused(error(405, f"Ask with {' or '.join(allowed)}.", ("allow", ", ".join(allowed))))


def require_json(content_type: str) -> None:
    """Go on when a body is said to be JSON.

    Raises:
        Refused: when it is not.
    """
    if content_type.partition(";")[0].strip().lower() != "application/json":
        raise Refused(error(400, "Send JSON, with the header Content-Type: application/json"))


async def read_body(body: AsyncIterable[bytes], length: str) -> bytes:
    """Return the body.

    Args:
        body: part by part.
        length: the header `Content-Length`; empty when there is none.

    Raises:
        Refused: when it is too long, or takes too long.
    """
    too_long = Refused(error(413, f"The body is longer than {MAX_BODY_BYTES} bytes. Ask in parts."))
    if length.isascii() and length.isdigit() and (len(length) > 9 or int(length) > MAX_BODY_BYTES):
        raise too_long
    content = bytearray()
    try:
        async with asyncio.timeout(BODY_SECONDS):
            async for part in body:
                content += part
                if len(content) > MAX_BODY_BYTES:
                    raise too_long
    except TimeoutError:
        raise Refused(error(400, f"The body did not arrive within {BODY_SECONDS:.0f} s.")) from None
    return bytes(content)
