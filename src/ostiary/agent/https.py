"""One HTTPS request to one origin: its certificate checked, no redirects, through the proxy of the environment where there is one.

The standard library's client: the agent runs on every computer all day, and a larger one would be most of its memory.
"""

import http.client
import socket
import ssl
import sys
import time
import urllib.error
import urllib.request
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any, Final

import msgspec

from ostiary.errors import OstiaryError

TIMEOUT_SECONDS: Final = 30.0
MAX_ANSWER_BYTES: Final = 64 * 1024
MAC_AUTHORITIES: Final = Path("/etc/ssl/cert.pem")
"""Whom Apple trusts; the Python of python.org comes with nobody."""


class UnusableAddress(OstiaryError):
    """This cannot be the address of an instance."""


class Unreachable(OstiaryError):
    """The instance did not answer, or not as one does."""


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What came back.

    Args:
        status: of HTTP.
        content: at most 64 KiB of it.
        ahead_seconds: how far this computer's clock is at least ahead of the instance's, negative where it is behind;
            `None` where the instance did not say what time it is.
    """

    status: int
    content: bytes
    ahead_seconds: float | None


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        return None


class _Connection(http.client.HTTPSConnection):
    """Names below `localhost` that nothing here resolves are this computer (RFC 6761, section 6.3), as in browsers."""

    def connect(self) -> None:
        self._create_connection = _connect
        super().connect()


def _connect(address: tuple[str, int], *more: Any, **how: Any) -> socket.socket:
    try:
        return socket.create_connection(address, *more, **how)
    except socket.gaierror:
        if not address[0].endswith(".localhost"):
            raise
    return socket.create_connection(("127.0.0.1", address[1]), *more, **how)


class _Handler(urllib.request.HTTPSHandler):
    def __init__(self, context: ssl.SSLContext) -> None:
        super().__init__(context=context)
        self._trusted = context

    def https_open(self, request: urllib.request.Request) -> http.client.HTTPResponse:
        return self.do_open(_Connection, request, context=self._trusted)


class Https:
    """Sends requests to one origin."""

    def __init__(self, origin: str, authority: Path | None) -> None:
        """Connect to nothing yet.

        Args:
            origin: as `https://id.example.com`.
            authority: a file (PEM) with whom to trust besides the system.

        Raises:
            UnusableAddress: when that file cannot be used.
        """
        self.origin = origin
        context = trusting()
        if authority is not None:
            try:
                context.load_verify_locations(cafile=authority)
            except (OSError, ssl.SSLError) as error:
                raise UnusableAddress(f"{authority} holds no certificate ({error}).", hint="Give a PEM file.") from None
        self._opener = urllib.request.OpenerDirector()
        for handler in (
            urllib.request.ProxyHandler(),
            _Handler(context),
            urllib.request.HTTPErrorProcessor(),
            urllib.request.HTTPDefaultErrorHandler(),
            _NoRedirects(),
        ):
            self._opener.add_handler(handler)

    def post(self, path: str, body: bytes) -> Answer:
        """Send JSON and return what came back, whatever its status.

        Raises:
            UnusableAddress: when the origin cannot be asked at all.
            Unreachable: when nothing came back.
        """
        asked_at = time.time()
        try:
            request = urllib.request.Request(  # noqa: S310 - `read_origin` lets nothing but https pass
                f"{self.origin}{path}", data=body, headers={"content-type": "application/json"}
            )
            with self._open(request) as answer:
                return _read(answer, asked_at)
        except (http.client.InvalidURL, UnicodeError):
            raise UnusableAddress(f"{self.origin} is no address.", hint="Write it as https://id.example.com") from None
        except urllib.error.URLError as error:
            raise _in_words(self.origin, error.reason) from None
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise _in_words(self.origin, error) from None

    def _open(self, request: urllib.request.Request) -> Any:
        """Return the answer, a refusal too, of which nothing was read yet."""
        try:
            return self._opener.open(request, timeout=TIMEOUT_SECONDS)
        except urllib.error.HTTPError as refusal:
            return refusal


def trusting() -> ssl.SSLContext:
    """Return what checks certificates, by whom this system trusts."""
    context = ssl.create_default_context()
    if sys.platform == "darwin" and not context.cert_store_stats()["x509_ca"] and MAC_AUTHORITIES.exists():
        context.load_verify_locations(cafile=MAC_AUTHORITIES)
    return context


def clock_ahead(date: str | None, *, asked_at: float, answered_at: float) -> float | None:
    """Return how far a clock is at least ahead of another that wrote `date` in between, in seconds; 0 for not provably.

    Args:
        date: as HTTP writes it (RFC 9110, section 5.6.7), in whole seconds, whatever was received.
        asked_at: when the question was sent, by the clock in question.
        answered_at: when the answer was there, by the same clock.
    """
    try:
        said = parsedate_to_datetime(date or "").timestamp()
    except (ValueError, TypeError, OverflowError, IndexError, AttributeError):
        return None
    if asked_at > said + 1.0:
        return asked_at - said - 1.0
    return min(0.0, answered_at - said)


def _read(answer: Any, asked_at: float) -> Answer:
    try:
        content = answer.read(MAX_ANSWER_BYTES)
    except http.client.IncompleteRead as error:
        content = error.partial
    ahead = clock_ahead(answer.headers.get("date"), asked_at=asked_at, answered_at=time.time())
    return Answer(status=answer.status, content=content, ahead_seconds=ahead)


def _in_words(origin: str, error: object) -> Unreachable:
    said = str(error)
    if "not yet valid" in said or "has expired" in said:
        return Unreachable(
            f"The certificate of {origin} is not good now.", hint="Is the clock of this computer right? See: date"
        )
    if "CERTIFICATE_VERIFY_FAILED" in said:
        return Unreachable(
            f"Nobody this computer trusts vouches for {origin}.",
            hint="Ask an administrator for authority.pem, and say: --ca authority.pem",
        )
    return Unreachable(f"{origin} cannot be reached ({said or type(error).__name__}).", hint="Is there a connection?")
