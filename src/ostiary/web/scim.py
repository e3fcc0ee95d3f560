"""The address that other directories speak SCIM to: who asks, how often, how much. What is answered is in `scim.door`."""

import threading
import time
from functools import lru_cache
from math import ceil
from typing import Final

import structlog
from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt

from ostiary.gateway.decider.authzen.callers import Allowances, bearer_token
from ostiary.identity.facade import client_of
from ostiary.scim.facade import Client, client_with_token
from ostiary.visibility.facade import Actor

PREFIX: Final = "/scim/v2"
MAX_BODY_BYTES: Final = 1024 * 1024
MAX_ADDRESS_CHARACTERS: Final = 12_000
CONTENT_TYPE: Final = "application/scim+json"
_READABLE: Final = frozenset({CONTENT_TYPE, "application/json", ""})

BULK_WAIT_SECONDS: Final = 5

log = structlog.get_logger(__name__)
_bulk = threading.Lock()
"""One bulk request at a time, so that never more than one of the threads that answer people is taken by them."""


@csrf_exempt
def scim(request: HttpRequest, rest: str) -> HttpResponse:
    """Answer one request of a client; to everybody else there is nothing but the demand for a token.

    Args:
        request: with its body not read yet.
        rest: the path below `/scim/v2/`.

    Raises:
        Http404: where SCIM is switched off.
    """
    instance = settings.INSTANCE
    if not instance.configuration.scim.enabled:
        raise Http404
    token = bearer_token(request.headers.get("authorization", ""))
    client = client_with_token(token) if token else None
    if client is None:
        return _refusal(401, "A token is needed: ostiary scim client add.", ("WWW-Authenticate", 'Bearer realm="scim"'))
    wait = _wait(client)
    if wait:
        return _refusal(429, "This client asks too often.", ("Retry-After", str(ceil(wait))))
    if len(request.get_full_path()) > MAX_ADDRESS_CHARACTERS:
        return _refusal(414, "The address is too long. Search with POST instead: …/.search")
    if (request.content_type or "").lower() not in _READABLE:
        return _refusal(415, f"Send {CONTENT_TYPE}.")
    body = request.read(MAX_BODY_BYTES + 1)
    if len(body) > MAX_BODY_BYTES:
        return _refusal(413, f"A request has at most {MAX_BODY_BYTES} bytes. Send members in several.")
    if rest.strip("/") != "Bulk":
        return _answered(request, client, rest, body)
    if not _bulk.acquire(blocking=False):
        return _refusal(429, "Another bulk request is under way.", ("Retry-After", str(BULK_WAIT_SECONDS)))
    try:
        return _answered(request, client, rest, body)
    finally:
        _bulk.release()


def _answered(request: HttpRequest, client: Client, rest: str, body: bytes) -> HttpResponse:
    from ostiary.scim.door import Door  # noqa: PLC0415 - 30 MiB, for instances that use it
    from ostiary.scim.exchange import Asked  # noqa: PLC0415 - as above
    from ostiary.scim.queries.views import Viewer  # noqa: PLC0415 - as above

    instance = settings.INSTANCE
    name = f"scim:{client.name}"
    actor = Actor(kind="machine", id=name, label=name, address=client_of(request).address or None)
    viewer = Viewer(client=client.name, base=instance.url(instance.identity_host, PREFIX))
    try:
        answer = Door(viewer, actor).answer(
            Asked(
                method=request.method or "",
                path=rest,
                query={key: value for key, value in request.GET.items() if isinstance(value, str)},
                body=body,
                if_match=request.headers.get("if-match", ""),
                if_none_match=request.headers.get("if-none-match", ""),
            )
        )
    except Exception:
        log.exception("scim_failed", client=client.name, method=request.method)
        return _refusal(500, "The request could not be answered; the log says why.")
    _allowances().charge(client.name, answer.operations - 1, time.monotonic())
    response = HttpResponse(answer.body, status=answer.status, content_type=CONTENT_TYPE)
    for header, value in answer.headers:
        response[header] = value
    return response


def _refusal(status: int, words: str, *headers: tuple[str, str]) -> HttpResponse:
    from scim2_models import Error  # noqa: PLC0415 - as above

    error = Error(status=status, detail=words).model_dump_json()
    return HttpResponse(error, status=status, content_type=CONTENT_TYPE, headers=dict(headers))


def _wait(client: Client) -> float:
    allowances, now = _allowances(), time.monotonic()
    wait = allowances.wait(client.name, now)
    if not wait:
        allowances.charge(client.name, 1, now)
    return wait


@lru_cache(maxsize=1)
def _allowances() -> Allowances:
    return Allowances(per_second=settings.INSTANCE.configuration.scim.requests_per_second)
