"""One request as the decision service sees it, whichever proxy asked. Nothing here decides.

The data plane removes what a client sends under `x-ostiary-*`, so those headers are believed here. Forwarding headers
of others are believed only in `forward_auth`.
"""

import re
from typing import Final, Protocol

import msgspec

from ostiary.gateway.decider.authorization import own_token
from ostiary.gateway.decider.cookies import Cookies, read_cookies
from ostiary.policy.identifiers import PersonId, SessionId

_HOST: Final = re.compile(r"([a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?)(?::[0-9]{1,5})?", re.ASCII)


class RequestHeaders(Protocol):
    """What Granian gives as headers."""

    def items(self) -> list[tuple[str, str]]:
        """Return every header, names in lower case, in order."""

    def get(self, key: str) -> str | None:
        """Return one value of a header."""


class Scope(Protocol):
    """What Granian tells of a request (RSGI)."""

    client: str
    method: str
    path: str
    query_string: str

    @property
    def headers(self) -> RequestHeaders:
        """The headers."""


class LetIn(msgspec.Struct, frozen=True, kw_only=True):
    """On what a request was let in that is under way now, by the data plane's word.

    Args:
        session: whose cookie or grant it carried.
        person: theirs; `None` until it is known.
    """

    session: SessionId
    person: PersonId | None = None


class Incoming(msgspec.Struct, frozen=True):
    """What a decision and its answer need of a request.

    Args:
        method: as sent.
        host: lower case, without port; empty when it is malformed.
        path: percent-decoded once.
        query: as sent, without `?`.
        headers: one value a name; the last where there were several.
        cookies: every `Cookie` header together.
        address: the client's address as the proxy reports it.
        peer: address and port of the connection, when known.
        app: the app the data plane would forward to, when it says.
        keeps_credentials: the proxy passes `Authorization` on to the app, whatever is answered.
        let_in: for a request that is under way: on what it was let in.
        certificate: SHA-256 of the client's certificate, lower-case hexadecimal, whose key the connection proved; empty
            for none.
        from_device: for a request that is under way: it was let in from an enrolled device, and ends with that.
    """

    method: str
    host: str
    path: str
    query: str
    headers: dict[str, str]
    cookies: Cookies
    address: str | None = None
    peer: str = ""
    app: str | None = None
    keeps_credentials: bool = False
    let_in: LetIn | None = None
    certificate: str = ""
    from_device: bool = False

    @property
    def token(self) -> str | None:
        """The token of ours that the request carries, as `own_token` finds it."""
        sent = self.headers.get("authorization")
        return own_token(sent) if sent is not None else None


def read_headers(headers: RequestHeaders) -> dict[str, str]:
    """Return the headers by name, `Cookie` headers joined into one, and `Authorization` headers, of which one may be sent."""
    items = headers.items()
    by_name = dict(items)
    if len(by_name) != len(items):
        for joined, separator in (("cookie", "; "), ("authorization", ", ")):
            if joined in by_name:
                by_name[joined] = separator.join(value for name, value in items if name == joined)
    return by_name


def read_host(header: str) -> str:
    """Return the host of a `Host` header, lower case and without port; empty for a form we do not know."""
    match = _HOST.fullmatch(header.lower())
    return match.group(1) if match else ""


def from_data_plane(scope: Scope, path: str) -> Incoming:
    """Read a request that our own data plane sent.

    Args:
        scope: the request.
        path: the client's path, without what we put in front of it.
    """
    headers = read_headers(scope.headers)
    peer = headers.get("x-ostiary-peer", "")
    return Incoming(
        method=scope.method,
        host=read_host(headers.get("host", "")),
        path=path,
        query=scope.query_string,
        headers=headers,
        cookies=read_cookies(headers.get("cookie", "")),
        address=headers.get("x-ostiary-client") or peer.rpartition(":")[0].strip("[]") or None,
        peer=peer,
        app=headers.get("x-ostiary-app"),
        certificate=headers.get("x-ostiary-device", ""),
    )


def without_device(incoming: Incoming) -> Incoming:
    """Return a request of which another proxy than our data plane says where it comes from: none can prove a device."""
    return msgspec.structs.replace(incoming, certificate="")


def is_navigation(incoming: Incoming) -> bool:
    """Tell whether a person looks at the answer: a page load, as far as the browser says.

    Source: W3C Fetch Metadata, `Sec-Fetch-Mode`.
    """
    mode = incoming.headers.get("sec-fetch-mode")
    if mode is not None:
        return mode == "navigate"
    return incoming.method in {"GET", "HEAD"} and "text/html" in incoming.headers.get("accept", "")


def is_long_lived(incoming: Incoming) -> bool:
    """Tell whether the connection outlives its request: an upgrade, an event stream, gRPC, a tunnel."""
    headers = incoming.headers
    return (
        "x-ostiary-stream" in headers
        or "upgrade" in headers
        or incoming.method == "CONNECT"
        or "text/event-stream" in headers.get("accept", "")
        or headers.get("content-type", "").startswith("application/grpc")
    )
