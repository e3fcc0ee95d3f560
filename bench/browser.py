"""What a person's browser does, over kept-alive TLS connections to the loopback address: cookies by host, redirects, forms.

No scripts, no rendering. Who signs in, and where, lives in `people`.
"""

import http.client
import re
import socket
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from html import unescape
from html.parser import HTMLParser
from types import TracebackType
from typing import Self
from urllib.parse import urlencode, urljoin, urlsplit

from ostiary.errors import OstiaryError

MAX_REDIRECTS = 12


class UnexpectedAnswer(OstiaryError):
    """The gateway answered something else than a person at this step would see."""


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer, read whole.

    Args:
        url: what was asked for.
    """

    url: str
    status: int
    headers: http.client.HTTPMessage
    body: bytes

    @property
    def location(self) -> str | None:
        """Where the answer sends the browser, as an absolute URL."""
        where = self.headers.get("Location")
        return urljoin(self.url, where) if where else None


@dataclass(frozen=True, slots=True)
class Form:
    """A form of a page: where it goes and what it holds already."""

    action: str
    fields: Mapping[str, str]


class LoopbackConnection(http.client.HTTPSConnection):
    """Connects to the loopback address and says the host's name in the handshake."""

    def __init__(self, host: str, port: int, context: ssl.SSLContext, source: str = "127.0.0.1") -> None:
        super().__init__(host, port, timeout=30, context=context)
        self._tls = context
        self._source = source

    def connect(self) -> None:
        """Open it."""
        plain = socket.create_connection(("127.0.0.1", self.port), self.timeout, source_address=(self._source, 0))
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sock = self._tls.wrap_socket(plain, server_hostname=self.host)


class Browser:
    """One browser: its cookies and its open connections. Not for several threads at once."""

    def __init__(self, tls: ssl.SSLContext, source: str = "127.0.0.1") -> None:
        """Trust what `tls` trusts, and come from the address `source`, any of 127.0.0.0/8."""
        self._tls = tls
        self._source = source
        self._connections: dict[tuple[str, int], LoopbackConnection] = {}
        self.cookies: dict[str, dict[str, str]] = {}

    def cookie_header(self, host: str, *, without: frozenset[str] = frozenset()) -> str:
        """Return the value of `Cookie` for `host`."""
        jar = self.cookies.get(host, {})
        return "; ".join(f"{name}={value}" for name, value in jar.items() if name not in without)

    def ask(
        self, url: str, *, form: Mapping[str, str] | None = None, without_cookies: frozenset[str] = frozenset()
    ) -> Answer:
        """Send one request and keep the cookies of its answer; follow nothing.

        Args:
            url: absolute, https.
            form: posted when given; otherwise the request is a GET.
            without_cookies: names of cookies not to send.
        """
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port or 443
        headers = {"Accept": "text/html", "User-Agent": "ostiary-bench", "Accept-Language": "en"}
        if cookies := self.cookie_header(host, without=without_cookies):
            headers["Cookie"] = cookies
        body = None
        if form is not None:
            body = urlencode(form)
            headers |= {
                "Content-Type": "application/x-www-form-urlencoded",
                "Origin": f"{parts.scheme}://{parts.netloc}",
                "Referer": url,
            }
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        answer = self._send(self._connection(host, port), ("GET" if form is None else "POST", path, body, headers))
        result = Answer(url=url, status=answer.status, headers=answer.headers, body=answer.read())
        self._keep_cookies(host, result.headers.get_all("Set-Cookie") or [])
        return result

    def visit(self, url: str, *, form: Mapping[str, str] | None = None) -> Answer:
        """Send one request and follow redirects to the page they end on.

        Raises:
            UnexpectedAnswer: when they do not end.
        """
        answer = self.ask(url, form=form)
        for _ in range(MAX_REDIRECTS):
            if answer.status not in {301, 302, 303, 307, 308} or answer.location is None:
                return answer
            answer = self.ask(answer.location)
        raise UnexpectedAnswer(f"{url} redirects without end.", hint=answer.url)

    def connection_to(self, url: str) -> http.client.HTTPSConnection:
        """Return the kept-alive connection to the host of `url`, for requests of the caller's own making."""
        parts = urlsplit(url)
        return self._connection(parts.hostname or "", parts.port or 443)

    def stranger(self) -> "Browser":
        """Return another browser that trusts the same authority and has no cookies."""
        return Browser(self._tls, self._source)

    def close(self) -> None:
        """Close the connections; the cookies stay."""
        for connection in self._connections.values():
            connection.close()
        self._connections.clear()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _connection(self, host: str, port: int) -> LoopbackConnection:
        if (host, port) not in self._connections:
            self._connections[host, port] = LoopbackConnection(host, port, self._tls, self._source)
        return self._connections[host, port]

    @staticmethod
    def _send(
        connection: LoopbackConnection, request: tuple[str, str, str | None, dict[str, str]]
    ) -> http.client.HTTPResponse:
        was_open = connection.sock is not None
        try:
            connection.request(*request)
            return connection.getresponse()
        except (ConnectionError, http.client.HTTPException):
            connection.close()
            if not was_open:
                raise
            connection.request(*request)
            return connection.getresponse()

    def _keep_cookies(self, host: str, lines: list[str]) -> None:
        jar = self.cookies.setdefault(host, {})
        for line in lines:
            name, _, value = line.partition(";")[0].strip().partition("=")
            if not value or re.search(r";\s*max-age\s*=\s*0\b", line, re.IGNORECASE):
                jar.pop(name, None)
            else:
                jar[name] = value


class _Forms(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str]]] = []
        self._inside = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: unescape(value or "") for name, value in attrs}
        if tag == "form":
            self.found.append((given.get("action", ""), {}))
            self._inside = True
        elif tag == "input" and self._inside and given.get("name"):
            kind = given.get("type", "text")
            if kind not in {"submit", "button", "image"} and (kind not in {"checkbox", "radio"} or "checked" in given):
                self.found[-1][1][given["name"]] = given.get("value", "")

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._inside = False


def find_form(answer: Answer, *, having: str) -> Form:
    """Return the form of the page that has a field named `having`.

    Raises:
        UnexpectedAnswer: when no form does.
    """
    parser = _Forms()
    parser.feed(answer.body.decode("utf-8", "replace"))
    for action, fields in parser.found:
        if having in fields:
            return Form(action=urljoin(answer.url, action), fields=fields)
    title = re.search(rb"<title>(.*?)</title>", answer.body, re.DOTALL)
    raise UnexpectedAnswer(
        f"{answer.url} answered {answer.status} without a form that asks for `{having}`.",
        hint=(title.group(1).decode(errors="replace").strip() if title else answer.body[:200].decode(errors="replace")),
    )
