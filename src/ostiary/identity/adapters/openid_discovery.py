"""What a directory says of itself, and every question to it over the network: bounded, without redirects, kept for a while.

Source: OpenID Connect Discovery 1.0, section 4.
"""

import json
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping
from http.client import HTTPException
from typing import Any, Final

import msgspec

from ostiary.identity.domain.federation import DirectoryRefused, Reason

ANSWER_SECONDS: Final = 10
MAX_ANSWER_BYTES: Final = 512_000
KEEP_SECONDS: Final = 600
ASK_AGAIN_SECONDS: Final = 15


class Discovery(msgspec.Struct, frozen=True):
    """What a directory says of itself."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    userinfo_endpoint: str = ""
    end_session_endpoint: str | None = ""
    backchannel_logout_supported: Any = False
    token_endpoint_auth_methods_supported: tuple[str, ...] = ("client_secret_basic",)
    code_challenge_methods_supported: tuple[str, ...] = ()


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """A directory's endpoints are where its document says; a redirect could lead into the own network."""

    def redirect_request(self, *_answer: object) -> None:
        """Follow nothing."""


_opener = urllib.request.build_opener(_NoRedirects)
_kept: dict[str, tuple[float, Any]] = {}
_lock = threading.Lock()


def discover(issuer: str, *, fresh: bool = False) -> Discovery:
    """Return what the directory says of itself, asked for at most every ten minutes.

    Raises:
        DirectoryRefused: when it does not answer, or answers for another issuer.
    """
    url = f"{issuer.rstrip('/')}/.well-known/openid-configuration"
    found = kept_or_asked(url, at_most=0 if fresh else KEEP_SECONDS)
    try:
        document = msgspec.convert(found, Discovery)
    except msgspec.ValidationError as error:
        raise DirectoryRefused(Reason.UNREACHABLE, detail=f"discovery: {error}") from None
    if document.issuer != issuer:
        raise DirectoryRefused(Reason.UNREACHABLE, detail=f"discovery is for the issuer {document.issuer[:200]}")
    for endpoint in (document.authorization_endpoint, document.token_endpoint, document.jwks_uri):
        if not _is_as_safe_as(endpoint, issuer):
            raise DirectoryRefused(Reason.UNREACHABLE, detail=f"not an https address: {endpoint[:200]}")
    if document.userinfo_endpoint and not _is_as_safe_as(document.userinfo_endpoint, issuer):
        raise DirectoryRefused(Reason.UNREACHABLE, detail="userinfo_endpoint is not an https address")
    if document.end_session_endpoint and not _is_as_safe_as(document.end_session_endpoint, issuer):
        return msgspec.structs.replace(document, end_session_endpoint="")
    return document


def kept_or_asked(url: str, *, at_most: float) -> dict[str, Any]:
    """Return an answer that is at most so many seconds old."""
    with _lock:
        at, answer = _kept.get(url, (0.0, None))
    if answer is not None and time.monotonic() - at < at_most:
        return dict(answer)
    answer = read_answer(url)
    with _lock:
        _kept[url] = (time.monotonic(), answer)
    return dict(answer)


def read_answer(
    url: str, *, headers: Mapping[str, str] | None = None, form: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """Return what a directory answers, a JSON object.

    Args:
        url: an address whose safety was checked.
        headers: sent with it.
        form: sent as a POST; left out, it is a GET.

    Raises:
        DirectoryRefused: `token_refused` when a form is not taken, `unreachable` when there is no answer that can be read.
    """
    body = urllib.parse.urlencode(form).encode() if form is not None else None
    question = urllib.request.Request(  # noqa: S310 - every address was checked to be https, or on this machine
        url, data=body, headers={"Accept": "application/json", "User-Agent": "ostiary", **(headers or {})}
    )
    try:
        with _opener.open(question, timeout=ANSWER_SECONDS) as answer:
            read = json.loads(answer.read(MAX_ANSWER_BYTES))
    except urllib.error.HTTPError as error:
        with error:
            detail = error.read(2000).decode("utf-8", "replace")
        reason = Reason.TOKEN_REFUSED if form is not None and error.code < 500 else Reason.UNREACHABLE
        raise DirectoryRefused(reason, detail=f"{url}: {error.code} {detail[:300]}") from None
    except (OSError, ValueError, RecursionError, HTTPException) as error:
        raise DirectoryRefused(Reason.UNREACHABLE, detail=f"{url}: {error}"[:400]) from None
    if not isinstance(read, dict):
        raise DirectoryRefused(Reason.UNREACHABLE, detail=f"{url}: the answer is not an object")
    return read


def _is_as_safe_as(endpoint: str, issuer: str) -> bool:
    return endpoint.startswith("https://") or (
        issuer.startswith("http://") and endpoint.startswith(f"http://{urllib.parse.urlsplit(issuer).netloc}/")
    )
