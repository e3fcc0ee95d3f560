"""What issuers publish, fetched with every caution and within one bound of time. What it means is read elsewhere.

A name is looked up once and every address it leads to is judged; the connection goes to an address that was judged, so a name that
changes its mind leads nowhere. No redirect is followed. Everything a `Fetch` asks for, looking names up included, must be there
before one moment: then its connection is cut, and whoever waits goes on. A look-up cannot be cut; its thread ends with it.
Source: RFC 8725, section 3.10 (what a token names is not fetched blindly).
"""

import contextlib
import http.client
import json
import socket
import ssl
import threading
import time
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from django.conf import settings

from ostiary.applications.facade import describe_forbidden, own_ports
from ostiary.workloads.domain.assertions import AssertionRefused

MAX_ANSWER_BYTES: Final = 512_000


class IssuerUnreachable(AssertionRefused):
    """An issuer did not give its keys. Nothing it signed is believed meanwhile."""


class Fetch:
    """One look at what an issuer publishes.

    Args:
        deadline: until when it must be over, on the clock of `time.monotonic`.
    """

    def __init__(self, deadline: float) -> None:
        self._deadline = deadline
        self._lock = threading.Lock()
        self._socket: socket.socket | None = None
        self._over = False

    def give_up(self) -> None:
        """Cut the connection that is open, and let none be made any more. For another thread than the one that fetches."""
        with self._lock:
            self._over = True
            if self._socket is not None:
                with contextlib.suppress(OSError):
                    socket.socket.shutdown(self._socket, socket.SHUT_RDWR)

    def hold(self, opened: socket.socket) -> None:
        """Remember the socket that is to be cut.

        Raises:
            OSError: when it is over already; the socket is closed.
        """
        with self._lock:
            if self._over:
                opened.close()
                raise OSError("it took too long")
            self._socket = opened

    def left(self) -> float:
        """Return how many seconds are left.

        Raises:
            OSError: when there are none.
        """
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise OSError("it took too long")
        return left

    def json(self, url: str) -> dict[str, Any]:
        """Return the object at an https address.

        Raises:
            IssuerUnreachable: when there is none, it may not be asked for, or takes too long.
        """
        try:
            parts = urlsplit(url)
            port = parts.port or 443
        except ValueError:
            raise IssuerUnreachable("An address cannot be read.", detail=url[:200]) from None
        host = parts.hostname or ""
        strange = not host or parts.username is not None or not url.isascii() or not url.isprintable()
        if parts.scheme != "https" or strange:
            raise IssuerUnreachable("Only https addresses are asked.", detail=url[:200])
        target = f"{parts.path or '/'}{'?' + parts.query if parts.query else ''}"
        connection = _Connection(host, port, addresses=_judged(host, port), context=_context(), fetch=self)
        try:
            connection.request("GET", target, headers={"Accept": "application/json", "User-Agent": "ostiary"})
            answer = connection.getresponse()
            if answer.status != 200:
                raise IssuerUnreachable(f"It answered with {answer.status}.", detail=url[:200])
            read = json.loads(self._read(answer))
        except (OSError, http.client.HTTPException, ValueError, RecursionError) as error:
            raise IssuerUnreachable("It did not answer as it should.", detail=f"{url[:200]}: {error}"[:400]) from None
        finally:
            connection.close()
        if not isinstance(read, dict):
            raise IssuerUnreachable("It did not answer with an object.", detail=url[:200])
        return read

    def _read(self, answer: http.client.HTTPResponse) -> bytes:
        content = b""
        while part := answer.read1(65_536):
            self.left()
            content += part
            if len(content) > MAX_ANSWER_BYTES:
                raise OSError("the answer is too long")
        return content


def _judged(host: str, port: int) -> tuple[str, ...]:
    """Return the addresses of a name; one that may not be asked makes the whole name one that may not."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise IssuerUnreachable("Its name leads nowhere.", detail=f"{host[:200]}: {error}") from None
    addresses = tuple(sorted({str(entry[4][0]) for entry in found}))
    ports = own_ports(settings.INSTANCE)
    for address in addresses:
        if problem := describe_forbidden(address, port=port, own_ports=ports):
            raise IssuerUnreachable(
                f"Its name leads nowhere an issuer may live: {address}, {problem}.", detail=host[:200]
            )
    return addresses


def _context() -> ssl.SSLContext:
    context = ssl.create_default_context()
    if authority := settings.INSTANCE.configuration.workloads.issuer_authority:
        try:
            context.load_verify_locations(cadata=Path(authority).read_text("ascii"))
        except (OSError, ValueError) as error:
            raise IssuerUnreachable("workloads.issuer_authority cannot be read.", detail=str(error)) from None
    return context


class _Connection(http.client.HTTPSConnection):
    """A connection to an address that was judged, with the certificate of the name."""

    def __init__(
        self, host: str, port: int, *, addresses: tuple[str, ...], context: ssl.SSLContext, fetch: Fetch
    ) -> None:
        super().__init__(host, port, context=context)
        self._addresses = addresses
        self._tls = context
        self._fetch = fetch

    def connect(self) -> None:
        """Try each address once."""
        problem: OSError = OSError("there is no address")
        for address in self._addresses:
            left = self._fetch.left()
            try:
                plain = socket.create_connection((address, self.port), timeout=left)
                self._fetch.hold(plain)
                # The handshake as a whole ends with the time that is left; what is read later ends when it is cut.
                self.sock = self._tls.wrap_socket(plain, server_hostname=self.host)
                self._fetch.hold(self.sock)
            except OSError as error:
                problem = error
            else:
                return
        raise problem
