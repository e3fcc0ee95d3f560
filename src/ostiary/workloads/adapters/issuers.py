"""The keys of issuers, fetched from where they publish them and kept for a while. What their tokens must say is `domain.trust`'s.

A name is looked up once and every address it leads to is judged; the connection goes to an address that was judged, so a name that
changes its mind leads nowhere. No redirect is followed.
Source: OpenID Connect Discovery 1.0, section 4; RFC 7517; RFC 8725, section 3.10 (what a token names is not fetched blindly).
"""

import http.client
import json
import socket
import ssl
import threading
import time
from pathlib import Path
from typing import Any, Final, NamedTuple
from urllib.parse import urlsplit

import jwt
from django.conf import settings

from ostiary.applications.facade import describe_forbidden, own_ports
from ostiary.workloads.domain.assertions import AssertionRefused

ANSWER_SECONDS: Final = 5.0
MAX_ANSWER_BYTES: Final = 512_000
KEEP_SECONDS: Final = 600.0
ASK_AGAIN_SECONDS: Final = 15.0
MAX_KEYS: Final = 50
MAX_WAITING: Final = 4
"""Requests that wait for issuers at once, of the twelve that the sign-in host works on."""

DISCOVERY: Final = "/.well-known/openid-configuration"

Keys = tuple[jwt.PyJWK, ...]


class IssuerUnreachable(AssertionRefused):
    """An issuer did not give its keys. Nothing it signed is believed meanwhile."""


class _Said(NamedTuple):
    """What an issuer said last, and when."""

    at: float = float("-inf")
    keys: Keys = ()
    problem: IssuerUnreachable | None = None


class _Kept:
    """What is kept of an issuer; the lock is held by whoever asks it."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.said = _Said()


_kept: dict[str, _Kept] = {}
_guard = threading.Lock()
_waiting = threading.BoundedSemaphore(MAX_WAITING)


def keys_of(issuer: str, *, kid: str | None) -> Keys:
    """Return the keys of an issuer, at most ten minutes old; asked for again when one is wanted that is not among them.

    Args:
        issuer: an https address, as an administrator wrote it.
        kid: the key that is wanted, where the token names one.

    Raises:
        IssuerUnreachable: when it does not answer, answers for another issuer, may not be asked, or too many wait already.
    """
    with _guard:
        kept = _kept.setdefault(issuer, _Kept())
    if _is_due(kept.said, kid):
        # Anybody can name a trusted issuer; were each to wait for a slow one, nobody could sign in meanwhile.
        if not _waiting.acquire(blocking=False):
            raise IssuerUnreachable(f"The keys of {issuer} are being asked for. Try again in a few seconds.")
        try:
            with kept.lock:
                if _is_due(kept.said, kid):
                    kept.said = _ask(issuer)
        finally:
            _waiting.release()
    said = kept.said
    if said.problem is not None:
        raise IssuerUnreachable(said.problem.message, detail=said.problem.detail)
    return said.keys


def _is_due(said: _Said, kid: str | None) -> bool:
    there = said.problem is None and (kid is None or any(key.key_id == kid for key in said.keys))
    return time.monotonic() - said.at >= (KEEP_SECONDS if there else ASK_AGAIN_SECONDS)


def read_keys(content: str) -> Keys:
    """Return the keys of a key set (RFC 7517) as text.

    Raises:
        AssertionRefused: when there are none that can verify anything.
    """
    try:
        return _signing_keys(json.loads(content))
    except (ValueError, RecursionError):
        raise AssertionRefused("This is no key set (JWKS).") from None


def _ask(issuer: str) -> _Said:
    try:
        document = fetch_json(f"{issuer.rstrip('/')}{DISCOVERY}")
        if document.get("issuer") != issuer:
            raise IssuerUnreachable("The issuer's document is for another issuer.")
        keys = _signing_keys(fetch_json(str(document.get("jwks_uri", ""))))
    except AssertionRefused as error:
        problem = IssuerUnreachable(f"The keys of {issuer} cannot be had: {error.message}", detail=error.detail)
        return _Said(time.monotonic(), (), problem)
    return _Said(time.monotonic(), keys)


def _signing_keys(document: object) -> Keys:
    """Return the keys that sign and that this version knows; a set may hold others besides."""
    found = document.get("keys") if isinstance(document, dict) else None
    keys = []
    for one in found[:MAX_KEYS] if isinstance(found, list) else ():
        if not isinstance(one, dict) or one.get("kty") not in {"RSA", "EC", "OKP"}:
            continue
        try:
            keys.append(jwt.PyJWK(one))
        except (jwt.PyJWTError, ValueError, TypeError, KeyError):
            continue
    if not keys:
        raise AssertionRefused("There is no key in the key set that could be used.")
    return tuple(keys)


def fetch_json(url: str) -> dict[str, Any]:
    """Return the object at an https address, with every caution.

    Raises:
        IssuerUnreachable: when there is none, or it may not be asked for.
    """
    try:
        parts = urlsplit(url)
        port = parts.port or 443
    except ValueError:
        raise IssuerUnreachable("An address cannot be read.", detail=url[:200]) from None
    host = parts.hostname or ""
    if parts.scheme != "https" or not host or parts.username is not None or not url.isascii() or not url.isprintable():
        raise IssuerUnreachable("Only https addresses are asked.", detail=url[:200])
    target = f"{parts.path or '/'}{'?' + parts.query if parts.query else ''}"
    deadline = time.monotonic() + ANSWER_SECONDS
    connection = _Connection(host, port, addresses=_judged(host, port), context=_context(), deadline=deadline)
    try:
        connection.request("GET", target, headers={"Accept": "application/json", "User-Agent": "ostiary"})
        answer = connection.getresponse()
        if answer.status != 200:
            raise IssuerUnreachable(f"It answered with {answer.status}.", detail=url[:200])
        read = json.loads(_read(answer, deadline))
    except (OSError, http.client.HTTPException, ValueError, RecursionError) as error:
        raise IssuerUnreachable("It did not answer as it should.", detail=f"{url[:200]}: {error}"[:400]) from None
    finally:
        connection.close()
    if not isinstance(read, dict):
        raise IssuerUnreachable("It did not answer with an object.", detail=url[:200])
    return read


def _read(answer: http.client.HTTPResponse, deadline: float) -> bytes:
    """Read an answer in parts, so that one that comes by drops ends at the deadline."""
    content = b""
    while part := answer.read1(65_536):
        content += part
        if len(content) > MAX_ANSWER_BYTES or time.monotonic() > deadline:
            raise OSError("the answer is too long or too slow")
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
        self, host: str, port: int, *, addresses: tuple[str, ...], context: ssl.SSLContext, deadline: float
    ) -> None:
        super().__init__(host, port, timeout=ANSWER_SECONDS, context=context)
        self._addresses = addresses
        self._tls = context
        self._deadline = deadline

    def connect(self) -> None:
        """Try each address once."""
        problem: OSError = OSError("there is no address")
        for address in self._addresses:
            left = self._deadline - time.monotonic()
            if left <= 0:
                break
            try:
                plain = socket.create_connection((address, self.port), timeout=left)
                self.sock = self._tls.wrap_socket(plain, server_hostname=self.host)
            except OSError as error:
                problem = error
            else:
                return
        raise problem
