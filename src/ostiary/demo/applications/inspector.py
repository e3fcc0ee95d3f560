"""Shows the request as the application received it: a page for people, JSON for programs, WebSocket and event-stream echoes."""

import asyncio
import base64
import json
from html import escape
from typing import Any

from ostiary.demo.applications.page import render_page

EVENT_SECONDS = 1.0
MAX_EVENTS = 600


async def application(scope: Any, proto: Any) -> None:
    """Answer one request or WebSocket."""
    if scope.proto == "ws":
        await _echo(proto)
    elif scope.path == "/stream":
        await _stream(proto)
    elif scope.path == "/healthz":
        proto.response_str(200, [("content-type", "text/plain")], "well\n")
    else:
        await _show(scope, proto)


async def _echo(proto: Any) -> None:
    link = await proto.accept()
    while True:
        message = await link.receive()
        if message.kind == 0:
            return
        if message.kind == 1:
            await link.send_bytes(bytes(message.data))
        else:
            await link.send_str(str(message.data))


async def _stream(proto: Any) -> None:
    link = proto.response_stream(200, [("content-type", "text/event-stream"), ("cache-control", "no-store")])
    for number in range(1, MAX_EVENTS + 1):
        await link.send_str(f"id: {number}\nevent: count\ndata: {number}\n\n")
        await asyncio.sleep(EVENT_SECONDS)


async def _show(scope: Any, proto: Any) -> None:
    body = await proto()
    seen = {
        "method": scope.method,
        "path": scope.path,
        "query": scope.query_string,
        "http_version": scope.http_version,
        "peer": scope.client,
        "headers": sorted([name, value] for name, value in scope.headers.items()),
        "assertion": _claims(scope.headers.get("x-ostiary-assertion")),
        "body_bytes": len(body),
    }
    if "text/html" in (scope.headers.get("accept") or ""):
        proto.response_str(200, [("content-type", "text/html; charset=utf-8")], _page(seen))
    else:
        proto.response_str(200, [("content-type", "application/json")], json.dumps(seen, indent=2) + "\n")


def _claims(assertion: str | None) -> dict[str, Any]:
    """Return what the assertion says, unverified: this application only shows it."""
    try:
        payload = (assertion or "").split(".")[1]
        claims: dict[str, Any] = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    except (IndexError, ValueError):
        return {}
    return claims


def _page(seen: dict[str, Any]) -> str:
    who = seen["assertion"]
    facts = "".join(
        _row(name, json.dumps(value) if isinstance(value, list) else str(value)) for name, value in who.items()
    )
    headers = "".join(_row(name, value) for name, value in seen["headers"])
    body = (
        f"<section><h1>{escape(seen['method'])} {escape(seen['path'])}</h1>"
        f"<p>This is all the application got to see. It trusts the gateway and nobody else.</p></section>"
        f"<section><h2>Who you are</h2><table>{facts or _row('nobody', 'no assertion came')}</table></section>"
        f"<section><h2>Headers</h2><table>{headers}</table></section>"
        f'<section><h2>Streams</h2><p><a href="/stream">An event stream</a> counts the seconds until your access ends. '
        f"<code>/socket</code> is a WebSocket that repeats what you say.</p></section>"
    )
    return render_page("Request inspector", "what an application sees behind the gateway", body)


def _row(name: str, value: str) -> str:
    return f"<tr><td>{escape(name)}</td><td><code>{escape(value)}</code></td></tr>"
