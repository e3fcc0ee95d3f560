"""Who may ask for shared signals, how often, how much, and how they are told what was wrong. What they ask for is beside it.

Source: OpenID SSF 1.0, section 8; RFC 8935, section 2.3; RFC 6750.
"""

import json
import time
from collections.abc import Callable, Mapping
from functools import lru_cache
from math import ceil
from typing import Any, Final

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse

from ostiary.gateway.decider.authzen.callers import Allowances, bearer_token
from ostiary.identity.facade import client_of
from ostiary.signals.facade import BadRequest, Receiver, TooOften, UnknownStream, receiver_with_token
from ostiary.visibility.facade import Actor

MAX_BODY_BYTES: Final = 256 * 1024
REQUESTS_PER_SECOND: Final = 50

Body = Mapping[str, Any]
Answer = Callable[[HttpRequest, Receiver, Actor, Body], HttpResponse]


def answered(request: HttpRequest, ways: Mapping[str, Answer]) -> HttpResponse:
    """Answer a receiver; to everybody else there is nothing but the demand for a token."""
    require_enabled()
    given = bearer_token(request.headers.get("authorization", ""))
    receiver = receiver_with_token(given) if given else None
    if receiver is None:
        asked = error("authentication_failed", "A token is needed: ostiary signal receiver add.", 401)
        asked["WWW-Authenticate"] = 'Bearer realm="ssf"' + (', error="invalid_token"' if given else "")
        return asked
    if delay := wait(f"receiver:{receiver.name}"):
        return too_often(delay)
    way = ways.get(request.method or "")
    if way is None:
        refused = error("invalid_request", f"Use {', '.join(ways)}.", 405)
        refused["Allow"] = ", ".join(ways)
        return refused
    actor = Actor(
        kind="machine",
        id=f"receiver:{receiver.name}",
        label=f"receiver:{receiver.name}",
        address=client_of(request).address or None,
    )
    try:
        return way(request, receiver, actor, read_body(request))
    except BadRequest as why:
        return error("invalid_request", why.message, 400)
    except UnknownStream:
        return error("not_found", "There is no such stream.", 404)
    except TooOften:
        return too_often(30)


def read_body(request: HttpRequest) -> Body:
    """Return the body of a request; an empty one says nothing.

    Raises:
        BadRequest: when it is no JSON object, or too long.
    """
    content = request.read(MAX_BODY_BYTES + 1)
    if not content:
        return {}
    try:
        found = json.loads(content) if len(content) <= MAX_BODY_BYTES else None
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise BadRequest("The body is no JSON object, or too long.")
    return found


def text(body: Body, name: str, default: str | None = None) -> str:
    """Return a member of a body that is a text.

    Raises:
        BadRequest: when it is none.
    """
    found = body.get(name, default)
    if not isinstance(found, str):
        raise BadRequest(f"{name} is missing.")
    return found


def require(request: HttpRequest, method: str) -> None:
    """Let there be nothing for other methods, and nothing at all where signals are switched off."""
    require_enabled()
    if request.method != method and not (method == "GET" and request.method == "HEAD"):
        raise Http404


def require_enabled() -> None:
    """Let there be nothing where signals are switched off."""
    if not settings.INSTANCE.configuration.signals.enabled:
        raise Http404


def error(code: str, words: str, status_code: int) -> HttpResponse:
    """Return an answer that says what was wrong (RFC 8935, section 2.4)."""
    return JsonResponse({"err": code, "description": words}, status=status_code)


def too_often(delay: float) -> HttpResponse:
    """Return the answer to who asks too often: how many seconds to wait."""
    answer = error("too_often", "This is asked too often.", 429)
    answer["Retry-After"] = str(ceil(delay))
    return answer


def wait(who: str) -> float:
    """Return how many seconds somebody has to wait; when it is none, this request is counted."""
    allowances, now = _allowances(), time.monotonic()
    delay = allowances.wait(who, now)
    if not delay:
        allowances.charge(who, 1, now)
    return delay


@lru_cache(maxsize=1)
def _allowances() -> Allowances:
    return Allowances(per_second=REQUESTS_PER_SECOND)
