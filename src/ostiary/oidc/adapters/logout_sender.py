"""Sends a logout token to an application: to an address that was judged, over TLS that was checked, once, following nothing.

All of it together, from the look-up of the name to the last byte of the answer, ends at a deadline: an application that
sends a byte now and then gains nothing by it.

The name is looked up here, every address is judged as upstreams are, and the connection goes to the very address that was
judged: a name that leads elsewhere a moment later leads nowhere (lesson 18).
"""

import http.client
import io
import socket
import ssl
import time
from collections.abc import Callable
from typing import Any, Final
from urllib.parse import urlencode, urlsplit

from ostiary.applications.facade import describe_forbidden, own_ports, resolve_name
from ostiary.config.places import Instance
from ostiary.errors import OstiaryError

SECONDS: Final = 5.0
"""For one application, however many sign-outs it is told of at once."""
_READ_BYTES: Final = 4096

Resolver = Callable[[str], tuple[str, ...]]


class NotDelivered(OstiaryError):
    """An application was not told; it may be later."""


class Undeliverable(NotDelivered):
    """An application will not be told: it says that the token is wrong, or its address is one where no app may live."""


def deliver(
    instance: Instance, uri: str, token: str, *, deadline: float | None = None, resolve: Resolver = resolve_name
) -> None:
    """Send one logout token.

    Args:
        instance: whose ports no app may be at, and whose own authority is trusted too.
        uri: where the application wants it; it was parsed when it was given.
        token: what is sent.
        deadline: by when all is over, on the monotonic clock; `None` for `SECONDS` from now.
        resolve: looks up a name.

    Raises:
        NotDelivered, Undeliverable: when the application did not take it.
    """
    until = time.monotonic() + SECONDS if deadline is None else deadline
    parts = urlsplit(uri)
    host, secure = parts.hostname or "", parts.scheme == "https"
    port = parts.port or (443 if secure else 80)
    address = _judged(instance, host, port, resolve)
    path = f"{parts.path or '/'}{'?' + parts.query if parts.query else ''}"
    connection = _Pinned(host, port, address, _trust(instance) if secure else None, until)
    try:
        body = urlencode({"logout_token": token})
        headers = {"Content-Type": "application/x-www-form-urlencoded", "Cache-Control": "no-store"}
        connection.request("POST", path, body, headers)
        answer = connection.getresponse()
        answer.read(_READ_BYTES)
    except (OSError, http.client.HTTPException) as error:
        raise NotDelivered(f"{host} could not be told: {error}.") from None
    finally:
        connection.close()
    if answer.status in {200, 204}:
        return
    if answer.status in {400, 501}:
        raise Undeliverable(f"{host} refused the logout token with {answer.status}.")
    raise NotDelivered(f"{host} answered {answer.status}.")


def _judged(instance: Instance, host: str, port: int, resolve: Resolver) -> str:
    addresses = resolve(host)
    if not addresses:
        raise NotDelivered(f"The name {host} cannot be found.")
    for address in addresses:
        if words := describe_forbidden(address, port=port, own_ports=own_ports(instance)):
            raise Undeliverable(f"{host} leads to {address}, {words}.")
    return addresses[0]


def _trust(instance: Instance) -> ssl.SSLContext:
    context = ssl.create_default_context()
    if instance.authority_certificate.is_file():
        context.load_verify_locations(instance.authority_certificate)
    return context


class _Pinned(http.client.HTTPConnection):
    """HTTP to an address that was judged, whatever the name leads to by now, until a deadline."""

    def __init__(self, host: str, port: int, address: str, tls: ssl.SSLContext | None, until: float) -> None:
        super().__init__(host, port)
        self._address = address
        self._tls = tls
        self._until = until

    def connect(self) -> None:
        """Connect to the address; the certificate must be the name's."""
        plain = socket.create_connection((self._address, self.port), timeout=_left(self._until))
        try:
            plain.settimeout(_left(self._until))
            own = plain if self._tls is None else self._tls.wrap_socket(plain, server_hostname=self.host)
        except BaseException:
            plain.close()
            raise
        self.sock = _Bounded(own, self._until)


class _Bounded:
    """A socket each of whose operations has what is left until the deadline, as `http.client` uses one."""

    def __init__(self, own: socket.socket, until: float) -> None:
        self._own = own
        self._until = until

    def sendall(self, data: bytes) -> None:
        """Send all of it."""
        self._own.settimeout(_left(self._until))
        self._own.sendall(data)

    def makefile(self, *_args: Any, **_more: Any) -> io.BufferedReader:
        """Return the answer as a file."""
        return io.BufferedReader(_Answer(self._own, self._until))

    def close(self) -> None:
        """Close the socket."""
        self._own.close()


class _Answer(io.RawIOBase):
    """What an application answers, byte by byte if it likes, until the deadline."""

    def __init__(self, own: socket.socket, until: float) -> None:
        self._own = own
        self._until = until

    def readable(self) -> bool:
        """Tell that it can be read."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Read what has come, waiting no longer than there is time."""
        self._own.settimeout(_left(self._until))
        return self._own.recv_into(buffer)


def _left(until: float) -> float:
    """Return how many seconds are left.

    Raises:
        TimeoutError: when there are none.
    """
    left = until - time.monotonic()
    if left <= 0:
        raise TimeoutError("it took too long")
    return left
