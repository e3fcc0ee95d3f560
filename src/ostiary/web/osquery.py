"""The addresses that osqueryd asks: what comes in, how much of it, how often. What is done is in `osquery`.

osqueryd understands nothing but 200 and `node_invalid`, by which it enrols anew; every other refusal it tries again later.
Source: osquery, "Remotely interfacing osquery".
"""

import time
from collections.abc import Callable
from functools import lru_cache, wraps
from math import ceil
from typing import Any, Final, TypeVar

import msgspec
import structlog
from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.debug import sensitive_post_parameters

from ostiary.gateway.decider.authzen.callers import Allowances
from ostiary.identity.facade import client_of
from ostiary.osquery.facade import (
    Answered,
    Asked,
    Enrol,
    Logged,
    UnreadableRequest,
    UnusableHost,
    ask_host,
    configure_host,
    enrol_host,
    take_answers,
    take_log,
)
from ostiary.programs.tokens import digest_of
from ostiary.visibility.facade import RecordUnavailable

MAX_BODY_BYTES: Final = 1024 * 1024
ASKS_PER_SECOND: Final = 1.0
"""Of one node key, or one address that enrols, in the long run; four times as many at once."""

log = structlog.get_logger(__name__)
Message = TypeVar("Message", Enrol, Asked, Logged, Answered)


def _for_hosts(
    kind: type[Message],
) -> Callable[[Callable[[HttpRequest, Message, float], dict[str, Any]]], Callable[[HttpRequest], HttpResponse]]:
    """Make a page of what answers one kind of message."""

    def make(act: Callable[[HttpRequest, Message, float], dict[str, Any]]) -> Callable[[HttpRequest], HttpResponse]:
        @csrf_exempt
        @sensitive_post_parameters()
        @wraps(act)
        def page(request: HttpRequest) -> HttpResponse:
            if not settings.INSTANCE.configuration.osquery.enabled:
                raise Http404
            if request.method != "POST":
                return _refusal(405, "Send POST.")
            try:
                message = _message(request, kind)
                wait = _wait(request, message)
                if wait:
                    answer = _refusal(429, "This host asks too often.")
                    answer["Retry-After"] = str(ceil(wait))
                    return answer
                return _answer(act(request, message, time.time()), 200)
            except (UnreadableRequest, UnusableHost) as error:
                return _refusal(400 if isinstance(error, UnreadableRequest) else 503, str(error))
            except RecordUnavailable as error:
                log.error("osquery_not_recorded", detail=error.detail)
                return _refusal(503, "Nothing can be put on record at the moment.")

        return page

    return make


@_for_hosts(Enrol)
def enrol(request: HttpRequest, message: Enrol, now: float) -> dict[str, Any]:
    """Give a host its node key."""
    return enrol_host(message, address=client_of(request).address, now=now)


@_for_hosts(Asked)
def config(_request: HttpRequest, message: Asked, now: float) -> dict[str, Any]:
    """Say what a host is to do."""
    return configure_host(message, now=now)


@_for_hosts(Asked)
def distributed_read(_request: HttpRequest, message: Asked, now: float) -> dict[str, Any]:
    """Say what a host is to find out at once."""
    return ask_host(message, now=now)


@_for_hosts(Answered)
def distributed_write(_request: HttpRequest, message: Answered, now: float) -> dict[str, Any]:
    """Take what a host found out."""
    return take_answers(message, now=now)


@_for_hosts(Logged)
def logged(_request: HttpRequest, message: Logged, now: float) -> dict[str, Any]:
    """Take what scheduled queries found."""
    return take_log(message, now=now)


def _message(request: HttpRequest, kind: type[Message]) -> Message:
    body = request.read(MAX_BODY_BYTES + 1)
    if len(body) > MAX_BODY_BYTES:
        raise UnreadableRequest(f"A request has at most {MAX_BODY_BYTES} bytes.")
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise UnreadableRequest("This is not what osqueryd sends.") from None


def _wait(request: HttpRequest, message: Enrol | Asked | Logged | Answered) -> float:
    """Return how long whoever asks is to wait: each node key by itself, whoever enrols by address. Nothing is looked up for it."""
    if isinstance(message, Enrol):
        who = f"address {client_of(request).address}"
    else:
        who = f"node {digest_of(message.node_key).hex()}"
    allowances, now = _allowances(), time.monotonic()
    wait = allowances.wait(who, now)
    if not wait:
        allowances.charge(who, 1, now)
    return wait


@lru_cache(maxsize=1)
def _allowances() -> Allowances:
    return Allowances(per_second=ASKS_PER_SECOND)


def _refusal(status: int, words: str) -> HttpResponse:
    return _answer({"error": words}, status)


def _answer(content: dict[str, Any], status: int) -> HttpResponse:
    response = JsonResponse(content, status=status)
    response["Cache-Control"] = "no-store"
    return response
