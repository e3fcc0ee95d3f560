"""What comes back from a running instance, on a raw connection or through a browser."""

import socket
import ssl
from collections.abc import Sequence
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from urllib.parse import urljoin

import httpx

from tests.gateway_fixtures import RawAnswer


def unix_request(
    socket_path: Path, method: str, target: str, headers: Sequence[tuple[str, str]] = (), body: bytes = b""
) -> RawAnswer:
    """Send one request to a socket of the machine itself, past the gateway."""
    names = {name.lower() for name, _ in headers}
    lines = [f"{method} {target} HTTP/1.1", *([] if "host" in names else ["Host: localhost"]), "Connection: close"]
    lines += [f"{name}: {value}" for name, value in headers]
    if body or method == "POST":
        lines.append(f"Content-Length: {len(body)}")
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(60)
        connection.connect(str(socket_path))
        connection.sendall("\r\n".join([*lines, "", ""]).encode("latin-1") + body)
        return read_answer(connection, method=method)


def read_answer(connection: socket.socket, *, method: str = "GET") -> RawAnswer:
    """Read one HTTP/1.1 answer; a connection that was closed without one gives status 0."""
    response = HTTPResponse(connection, method=method)
    try:
        response.begin()
        body = response.read()
    except (HTTPException, ConnectionError, ssl.SSLError):
        return RawAnswer(0, [], b"")
    return RawAnswer(response.status, response.getheaders(), body)


def reached(answer: httpx.Response | RawAnswer) -> bool:
    """Say whether an answer came from the echo application."""
    status = answer.status if isinstance(answer, RawAnswer) else answer.status_code
    body = answer.body if isinstance(answer, RawAnswer) else answer.content
    return status == 200 and body.startswith(b'{"method"')


def received(answer: httpx.Response | RawAnswer, name: str) -> list[str]:
    """Return the values of a header that the echo application saw."""
    assert reached(answer), answer
    return [value for header, value in answer.json()["headers"] if header.lower() == name.lower()]


def location(answer: httpx.Response) -> str:
    """Return where an answer sends the browser, absolute; empty where it sends it nowhere."""
    where = answer.headers.get("location", "")
    return urljoin(str(answer.request.url), where) if where else ""
