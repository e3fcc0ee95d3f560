"""Asks and tells other systems over HTTP: by TLS, at no address where nobody may be sent, without redirects, within a time.

The name is looked up once and the connection goes to the address that was judged, so that a name that leads elsewhere a
moment later leads nowhere. Source: OWASP, Server-Side Request Forgery Prevention; RFC 6761, section 6.3 (`localhost`).
"""

import http.client
import json
import socket
import ssl
import threading
from collections.abc import Mapping
from contextlib import suppress
from ipaddress import ip_address
from typing import Any, Final
from urllib.parse import urlsplit

import msgspec
from django.conf import settings

from ostiary.applications.facade import describe_forbidden, own_ports
from ostiary.outgoing.addresses import Unreachable, is_this_machine, may_be_asked
from ostiary.outgoing.wording import fit

ANSWER_SECONDS: Final = 10.0
MAX_ANSWER_BYTES: Final = 1_000_000


class Answer(msgspec.Struct, frozen=True):
    """What came back. `later`: for how many seconds it asks to be left alone (`Retry-After`); `None` where it does not say."""

    status: int
    body: bytes
    later: float | None = None

    def json(self) -> Any:
        """Return the body, read as JSON.

        Raises:
            Unreachable: when it is none.
        """
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError):
            raise Unreachable("The answer is not JSON.") from None


def ask(
    method: str, url: str, *, headers: Mapping[str, str] | None = None, body: bytes | None = None, named_by: str = "",
    authority: str = "", most_bytes: int = MAX_ANSWER_BYTES,
) -> Answer:  # fmt: skip
    """Send one request and return its answer, whatever its status.

    Args:
        method: of HTTP.
        url: where; it was judged when it was entered, and is judged again here.
        headers: besides the usual ones.
        body: what to send.
        named_by: where another system named this address: at another host than that it has to be a public one. Empty for
            an address that an administrator entered.
        authority: a file (PEM) with the authority that vouches for it, besides those the system trusts.
        most_bytes: an answer may have.

    Raises:
        Unreachable: when there is no answer in time, or the address is none to send anything to.
    """
    if not may_be_asked(url):
        raise Unreachable(f"{url[:200]} is no address to send anything to.")
    parts = urlsplit(url)
    host, secure = parts.hostname or "", parts.scheme == "https"
    port = parts.port or (443 if secure else 80)
    public = bool(named_by) and urlsplit(named_by).hostname != host
    address = _address(host, port, here=not secure, public=public)
    connection = _Connection(host, port, address=address, secure=secure, authority=authority)
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    timer = threading.Timer(ANSWER_SECONDS, connection.cut)
    timer.daemon = True
    timer.start()
    try:
        connection.request(method, path, body=body, headers={"User-Agent": "ostiary", **(headers or {})})
        answer = connection.getresponse()
        read = answer.read(most_bytes + 1)
    except (OSError, ValueError, http.client.HTTPException) as error:
        raise Unreachable(
            f"{parts.scheme}://{parts.netloc} does not answer: {fit(str(error), 150) or 'it took too long'}."
        ) from None
    finally:
        timer.cancel()
        connection.close()
    if len(read) > most_bytes:
        raise Unreachable(f"{parts.netloc} answers with too much.")
    return Answer(answer.status, read, _seconds(answer.headers.get("Retry-After")))


def read_document(url: str, *, named_by: str = "", authority: str = "") -> dict[str, Any]:
    """Return a JSON object.

    Args:
        url: where it is.
        named_by: as for `ask`.
        authority: as for `ask`.

    Raises:
        Unreachable: when there is none.
    """
    answer = ask("GET", url, headers={"Accept": "application/json"}, named_by=named_by, authority=authority)
    if answer.status != 200:
        raise Unreachable(f"{url[:200]} answers {answer.status}.")
    found = answer.json()
    if not isinstance(found, dict):
        raise Unreachable(f"{url[:200]} is no JSON object.")
    return found


class _Connection(http.client.HTTPConnection):
    """A connection to one address that was judged, on behalf of a name."""

    def __init__(self, host: str, port: int, *, address: str, secure: bool, authority: str) -> None:
        super().__init__(host, port, timeout=ANSWER_SECONDS)
        self._address = address
        self._secure = secure
        self._authority = authority
        self._over = False
        if secure:
            self.default_port = 443

    def connect(self) -> None:
        """Connect to the address, and prove by the name."""
        trust = _trust(self._authority) if self._secure else None
        self.sock = socket.create_connection((self._address, self.port), timeout=self.timeout)
        self._go_on()
        if trust is not None:
            secured = trust.wrap_socket(self.sock, server_hostname=self.host, do_handshake_on_connect=False)
            self.sock = secured  # before the handshake, so that one that never ends can be cut
            self._go_on()
            secured.do_handshake()

    def cut(self) -> None:
        """End it from outside."""
        self._over = True
        with suppress(OSError, AttributeError):
            self.sock.shutdown(socket.SHUT_RDWR)

    def _go_on(self) -> None:
        if self._over:
            raise TimeoutError("it took too long")


def _seconds(text: str | None) -> float | None:
    """Return how long somebody asks to be left alone; a date instead of a number is as if nothing was said."""
    return float(text) if text and text.isascii() and text.isdigit() and len(text) <= 6 else None


def _trust(authority: str) -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if authority:
        context.load_verify_locations(cafile=authority)
    return context


def _address(host: str, port: int, *, here: bool, public: bool) -> str:
    """Return the first address of a name, when nobody is forbidden at any of them.

    Args:
        host: the name.
        port: where.
        here: whether each of its addresses has to be on this machine.
        public: whether each has to be one of the Internet.
    """
    found = _look_up(host, port)
    ports = own_ports(settings.INSTANCE)
    for one in found:
        if words := describe_forbidden(one, port=port, own_ports=ports):
            raise Unreachable(f"{host} leads to {one}, {words}.")
        if here and not ip_address(one).is_loopback:
            raise Unreachable(f"{host} leads to {one}, and nothing is sent there without TLS.")
        if public and not ip_address(one).is_global:
            raise Unreachable(f"{host} leads to {one}, which no other system may name: it is no public address.")
    if not found:
        raise Unreachable(f"The name {host[:200]} is not known.")
    return found[0]


def _look_up(host: str, port: int) -> tuple[str, ...]:
    try:
        entries = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return ("127.0.0.1",) if is_this_machine(host) else ()
    return tuple(dict.fromkeys(str(entry[4][0]) for entry in entries))
