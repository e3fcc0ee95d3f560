"""WebSocket and event streams through the gateway."""

import logging
import socket
from typing import Final
from urllib.parse import urlsplit

import httpx
from websockets.exceptions import WebSocketException
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Origin

from ostiary.demo.walk.browser import Browser, WalkFailed, trusting

_SILENT: Final = logging.getLogger(__name__)
"""That a connection was refused or cut is what the walk is about, and no error of its own."""
_SILENT.addHandler(logging.NullHandler())
_SILENT.propagate = False


def open_socket(browser: Browser, url: str) -> ClientConnection:
    """Open a WebSocket with a browser's cookies.

    Raises:
        WalkFailed: when the gateway refuses it.
    """
    parts = urlsplit(url)
    host, port = parts.hostname or "", parts.port or 443
    link = socket.create_connection(("127.0.0.1", port), 30)
    try:
        return connect(
            f"wss://{host}:{port}{parts.path}",
            sock=link,
            ssl=trusting(browser.authority, browser.proof),
            server_hostname=host,
            origin=Origin(f"https://{host}:{port}"),
            additional_headers={"Cookie": browser.cookie_header(host)},
            open_timeout=30,
            logger=_SILENT,
        )
    except (WebSocketException, OSError) as error:
        link.close()
        raise WalkFailed(f"{url} does not open: {error}") from None


def first_events(browser: Browser, url: str, count: int) -> list[str]:
    """Return the data of the first events of a stream."""
    host = httpx.URL(url).host
    headers = {"accept": "text/event-stream", "cookie": browser.cookie_header(host)}
    seen: list[str] = []
    with browser.client_for(host).stream("GET", url, headers=headers) as response:
        if response.status_code != 200:
            raise WalkFailed(f"{url} answers {response.status_code}")
        for line in response.iter_lines():
            if line.startswith("data: "):
                seen.append(line.removeprefix("data: "))
            if len(seen) == count:
                return seen
    raise WalkFailed(f"{url} ended after {len(seen)} events.")
