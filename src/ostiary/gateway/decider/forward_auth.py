"""Decisions for other proxies: Caddy and Traefik (`forward_auth`), nginx (`auth_request`).

Served on the loopback address only, where the proxy is the one who speaks: here, and nowhere else, the forwarding
headers are believed. Such proxies verify no grants, so each request is decided; they pass `Authorization` on to the app, so
tokens of ours are refused.
Source: the proxies' documentation of these directives; RFC 9110.
"""

from typing import Final, Literal
from urllib.parse import urlsplit

from ostiary.gateway.decider.answers import Answer
from ostiary.gateway.decider.cookies import read_cookies
from ostiary.gateway.decider.incoming import Incoming, Scope, read_headers, read_host
from ostiary.gateway.decider.paths import MalformedPath, decode_path

Proxy = Literal["caddy", "traefik", "nginx"]

PREFIX: Final = "/forward-auth/"
PROXIES: Final[dict[str, Proxy]] = {"caddy": "caddy", "traefik": "traefik", "nginx": "nginx"}
_UNREADABLE: Final = "/\x00"
_ORIGINAL: Final = ("x-original-method", "x-original-host", "x-original-uri")
_FORWARDED: Final = ("x-forwarded-method", "x-forwarded-host", "x-forwarded-uri")


def from_proxy(scope: Scope, proxy: Proxy) -> Incoming:
    """Read the request that a proxy asks about.

    A proxy that leaves one of its headers out is misconfigured; the request it asks about is then refused, for its
    host or its path is not known.
    """
    headers = read_headers(scope.headers)
    method, host, uri = (headers.get(name, "") for name in (_ORIGINAL if proxy == "nginx" else _FORWARDED))
    authority, path, query = _split(uri)
    return Incoming(
        method=method,
        host=read_host(host) if authority in {"", host} else "",
        path=path,
        query=query,
        headers={name: value for name, value in headers.items() if not name.startswith("x-ostiary-")},
        cookies=read_cookies(headers.get("cookie", "")),
        address=headers.get("x-forwarded-for", "").rpartition(",")[2].strip() or None,
        keeps_credentials=True,
    )


def for_proxy(answer: Answer, incoming: Incoming, proxy: Proxy) -> Answer:
    """Bring an answer into the form the proxy understands.

    An allowed request carries the cookies that are left for the app, if there are any. nginx knows only 2xx, 401 and
    403: a redirect becomes 401 with the address in `location`, any other refusal 403.
    """
    if answer.status == 200:
        others = incoming.cookies.others
        return Answer(200, [*answer.headers, ("cookie", others)] if others else answer.headers)
    if proxy != "nginx" or answer.status in {401, 403}:
        return answer
    return Answer(401 if 300 <= answer.status < 400 else 403, answer.headers, answer.body)


def _split(uri: str) -> tuple[str, str, str]:
    """Return authority (empty in origin form), path and query of a request target; an unreadable one is refused later."""
    authority, target = "", uri
    if not uri.startswith("/"):
        try:
            parts = urlsplit(uri)
        except ValueError:
            return "", _UNREADABLE, ""
        authority, target = parts.netloc, f"{parts.path or '/'}?{parts.query}" if parts.netloc else _UNREADABLE
    path, _, query = target.partition("?")
    try:
        return authority, decode_path(path), query
    except MalformedPath:
        return authority, _UNREADABLE, query
