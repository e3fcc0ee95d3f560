"""The addresses for shared signals: who asks, how often, how much. What is done is in `signals`.

Source: OpenID SSF 1.0, sections 7 and 8; RFC 8935; RFC 8936; RFC 6749, section 4.4.
"""

import base64
import json
import time
from binascii import Error as NotBase64
from collections.abc import Callable, Mapping
from functools import lru_cache
from math import ceil
from typing import Any, Final
from urllib.parse import unquote_plus

import structlog
from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_exempt

from ostiary.gateway.decider.authzen.callers import Allowances, bearer_token
from ostiary.identity.facade import client_of
from ostiary.signals.facade import (
    METHODS,
    BadRequest,
    Receiver,
    RefusedSignal,
    TooOften,
    UnknownStream,
    Unreachable,
    UnusableTransmitter,
    access_token,
    ask_verification,
    authorized_transmitter,
    change_stream,
    configuration_of,
    create_stream,
    delete_stream,
    fetch_signals,
    get_stream,
    issuer,
    list_streams,
    public_keys,
    receiver_with_token,
    set_status,
    set_subject,
    take_signal,
)
from ostiary.visibility.facade import Actor

MAX_BODY_BYTES: Final = 256 * 1024
MEDIA_TYPE: Final = "application/secevent+jwt"
REQUESTS_PER_SECOND: Final = 50
ACCESS_SECONDS: Final = 3600

log = structlog.get_logger(__name__)

Body = Mapping[str, Any]
Answer = Callable[[HttpRequest, Receiver, Actor, Body], HttpResponse]


@csrf_exempt
def configuration(request: HttpRequest) -> HttpResponse:
    """Say what this transmitter offers (section 7)."""
    _require(request, "GET")
    base = issuer()
    return JsonResponse(
        {
            "spec_version": "1_0",
            "issuer": base,
            "jwks_uri": f"{base}/ssf/jwks.json",
            "delivery_methods_supported": list(METHODS),
            "configuration_endpoint": f"{base}/ssf/streams",
            "status_endpoint": f"{base}/ssf/status",
            "add_subject_endpoint": f"{base}/ssf/subjects/add",
            "remove_subject_endpoint": f"{base}/ssf/subjects/remove",
            "verification_endpoint": f"{base}/ssf/verify",
            "critical_subject_members": ["user"],
            "authorization_schemes": [{"spec_urn": "urn:ietf:rfc:6749"}, {"spec_urn": "urn:ietf:rfc:6750"}],
            "default_subjects": "ALL",
        }
    )


@csrf_exempt
def keys(request: HttpRequest) -> HttpResponse:
    """Give out the keys that signals are signed with."""
    _require(request, "GET")
    return JsonResponse(public_keys(), content_type="application/jwk-set+json")


@csrf_exempt
def token(request: HttpRequest) -> HttpResponse:
    """Give a receiver a short-lived token for its name and its token (RFC 6749, section 4.4)."""
    _require(request, "POST")
    name, secret = _client(request)
    if request.POST.get("grant_type") != "client_credentials":
        return JsonResponse({"error": "unsupported_grant_type"}, status=400)
    wait = _wait(f"token:{client_of(request).address}")
    if wait:
        return _too_often(wait)
    made = access_token(name, secret) if name and secret else None
    if made is None:
        refused = JsonResponse({"error": "invalid_client"}, status=401)
        refused["WWW-Authenticate"] = 'Basic realm="ssf"'
        return refused
    said = {"access_token": made, "token_type": "Bearer", "expires_in": ACCESS_SECONDS, "scope": "ssf.manage ssf.read"}
    return JsonResponse(said)


@csrf_exempt
def streams(request: HttpRequest) -> HttpResponse:
    """Make, read, change, replace and delete streams (section 8.1.1)."""
    ways: dict[str, Answer] = {
        "GET": _read,
        "POST": _create,
        "PATCH": lambda _request, receiver, actor, body: _changed(receiver, actor, body, whole=False),
        "PUT": lambda _request, receiver, actor, body: _changed(receiver, actor, body, whole=True),
        "DELETE": _delete,
    }
    return _answered(request, ways)


@csrf_exempt
def status(request: HttpRequest) -> HttpResponse:
    """Say and change whether a stream flows (section 8.1.2)."""
    return _answered(request, {"GET": _status, "POST": _change_status})


@csrf_exempt
def add_subject(request: HttpRequest) -> HttpResponse:
    """Let a receiver hear of somebody again (section 8.1.3.2)."""
    return _answered(
        request, {"POST": lambda _request, receiver, actor, body: _subject(receiver, actor, body, wanted=True)}
    )


@csrf_exempt
def remove_subject(request: HttpRequest) -> HttpResponse:
    """Let a receiver hear of somebody no more (section 8.1.3.3)."""
    return _answered(
        request, {"POST": lambda _request, receiver, actor, body: _subject(receiver, actor, body, wanted=False)}
    )


@csrf_exempt
def verify(request: HttpRequest) -> HttpResponse:
    """Owe a receiver a verification (section 8.1.4.2)."""
    return _answered(request, {"POST": _verify})


@csrf_exempt
def poll(request: HttpRequest, stream_id: str) -> HttpResponse:
    """Hand a receiver its events, and take its acknowledgements (RFC 8936)."""

    def handed(_request: HttpRequest, receiver: Receiver, _actor: Actor, body: Body) -> HttpResponse:
        return JsonResponse(fetch_signals(get_stream(stream_id, receiver=receiver.name), body))

    return _answered(request, {"POST": handed})


@csrf_exempt
def take_event(request: HttpRequest, name: str) -> HttpResponse:
    """Take an event that a trusted transmitter sends (RFC 8935)."""
    _require(request, "POST")
    if authorized_transmitter(name, bearer_token(request.headers.get("authorization", ""))) is None:
        refused = _error("authentication_failed", "This address takes events with its own token only.", 401)
        refused["WWW-Authenticate"] = 'Bearer realm="ssf"'
        return refused
    wait = _wait(f"event:{name}")
    if wait:
        return _too_often(wait)
    if (request.content_type or "").lower() != MEDIA_TYPE:
        return _error("invalid_request", f"Send {MEDIA_TYPE}.", 400)
    body = request.read(MAX_BODY_BYTES + 1)
    try:
        text = body.decode("ascii").strip()
        take_signal(name, text if len(body) <= MAX_BODY_BYTES else "")
    except UnicodeDecodeError:
        return _error("invalid_request", "This is no token.", 400)
    except RefusedSignal as error:
        return _error(error.code, error.message, 400)
    except (Unreachable, UnusableTransmitter) as error:
        log.warning("signal_not_checked", transmitter=name, words=error.message)
        later = _error("invalid_key", "The keys cannot be had at the moment. Send it again later.", 503)
        later["Retry-After"] = "30"
        return later
    return HttpResponse(status=202)


def _read(request: HttpRequest, receiver: Receiver, _actor: Actor, _body: Body) -> HttpResponse:
    wanted = request.GET.get("stream_id")
    if wanted is not None:
        return JsonResponse(configuration_of(get_stream(wanted, receiver=receiver.name), receiver))
    return JsonResponse([configuration_of(one, receiver) for one in list_streams(receiver.name)], safe=False)


def _create(_request: HttpRequest, receiver: Receiver, actor: Actor, body: Body) -> HttpResponse:
    return JsonResponse(configuration_of(create_stream(receiver, body, actor=actor), receiver), status=201)


def _changed(receiver: Receiver, actor: Actor, body: Body, *, whole: bool) -> HttpResponse:
    return JsonResponse(configuration_of(change_stream(receiver, body, whole=whole, actor=actor), receiver))


def _delete(request: HttpRequest, receiver: Receiver, actor: Actor, _body: Body) -> HttpResponse:
    delete_stream(receiver, request.GET.get("stream_id", ""), actor=actor)
    return HttpResponse(status=204)


def _status(request: HttpRequest, receiver: Receiver, _actor: Actor, _body: Body) -> HttpResponse:
    stream = get_stream(request.GET.get("stream_id", ""), receiver=receiver.name)
    return JsonResponse(_standing(stream.id, stream.status.value, stream.status_reason))


def _change_status(_request: HttpRequest, receiver: Receiver, actor: Actor, body: Body) -> HttpResponse:
    stream = set_status(
        receiver, _text(body, "stream_id"), _text(body, "status"), reason=_text(body, "reason", ""), actor=actor
    )
    return JsonResponse(_standing(stream.id, stream.status.value, stream.status_reason))


def _standing(stream_id: str, standing: str, reason: str) -> dict[str, str]:
    return {"stream_id": stream_id, "status": standing, **({"reason": reason} if reason else {})}


def _subject(receiver: Receiver, actor: Actor, body: Body, *, wanted: bool) -> HttpResponse:
    set_subject(receiver, _text(body, "stream_id"), body.get("subject"), wanted=wanted, actor=actor)
    return HttpResponse(status=200 if wanted else 204)


def _verify(_request: HttpRequest, receiver: Receiver, _actor: Actor, body: Body) -> HttpResponse:
    ask_verification(receiver, _text(body, "stream_id"), body.get("state"), now=time.time())
    return HttpResponse(status=204)


def _answered(request: HttpRequest, ways: Mapping[str, Answer]) -> HttpResponse:
    """Answer a receiver; to everybody else there is nothing but the demand for a token."""
    _require_enabled()
    given = bearer_token(request.headers.get("authorization", ""))
    receiver = receiver_with_token(given) if given else None
    if receiver is None:
        refused = _error("authentication_failed", "A token is needed: ostiary signal receiver add.", 401)
        refused["WWW-Authenticate"] = 'Bearer realm="ssf"' + (', error="invalid_token"' if given else "")
        return refused
    wait = _wait(f"receiver:{receiver.name}")
    if wait:
        return _too_often(wait)
    way = ways.get(request.method or "")
    if way is None:
        return _error("invalid_request", f"Use {', '.join(ways)}.", 405)
    actor = Actor(
        kind="machine",
        id=f"receiver:{receiver.name}",
        label=f"receiver:{receiver.name}",
        address=client_of(request).address or None,
    )
    try:
        return way(request, receiver, actor, _body(request))
    except BadRequest as error:
        return _error("invalid_request", error.message, 400)
    except UnknownStream:
        return _error("not_found", "There is no such stream.", 404)
    except TooOften:
        return _too_often(30)


def _body(request: HttpRequest) -> Body:
    body = request.read(MAX_BODY_BYTES + 1)
    if not body:
        return {}
    try:
        found = json.loads(body) if len(body) <= MAX_BODY_BYTES else None
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise BadRequest("The body is no JSON object, or too long.")
    return found


def _text(body: Body, name: str, default: str | None = None) -> str:
    found = body.get(name, default)
    if not isinstance(found, str):
        raise BadRequest(f"{name} is missing.")
    return found


def _client(request: HttpRequest) -> tuple[str, str]:
    """Return the name and the secret a client proves itself with: in the header, or in the form (RFC 6749, section 2.3.1)."""
    scheme, _, given = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return request.POST.get("client_id", ""), request.POST.get("client_secret", "")
    try:
        name, _, secret = base64.b64decode(given, validate=True).decode().partition(":")
    except (NotBase64, ValueError):
        return "", ""
    return unquote_plus(name), unquote_plus(secret)


def _require(request: HttpRequest, method: str) -> None:
    _require_enabled()
    if request.method != method and not (method == "GET" and request.method == "HEAD"):
        raise Http404


def _require_enabled() -> None:
    if not settings.INSTANCE.configuration.signals.enabled:
        raise Http404


def _error(code: str, words: str, status_code: int) -> HttpResponse:
    return JsonResponse({"err": code, "description": words}, status=status_code)


def _too_often(wait: float) -> HttpResponse:
    answer = _error("too_often", "This is asked too often.", 429)
    answer["Retry-After"] = str(ceil(wait))
    return answer


def _wait(who: str) -> float:
    allowances, now = _allowances(), time.monotonic()
    wait = allowances.wait(who, now)
    if not wait:
        allowances.charge(who, 1, now)
    return wait


@lru_cache(maxsize=1)
def _allowances() -> Allowances:
    return Allowances(per_second=REQUESTS_PER_SECOND)
