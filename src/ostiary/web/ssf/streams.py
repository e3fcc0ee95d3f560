"""What receivers do to their streams, and how they fetch events.

Source: OpenID SSF 1.0, section 8; RFC 8936.
"""

import time

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_exempt

from ostiary.signals.facade import (
    Receiver,
    ask_verification,
    change_stream,
    configuration_of,
    create_stream,
    delete_stream,
    fetch_signals,
    get_stream,
    list_streams,
    set_status,
    set_subject,
)
from ostiary.visibility.facade import Actor
from ostiary.web.ssf.door import Answer, Body, answered, text


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
    return answered(request, ways)


@csrf_exempt
def status(request: HttpRequest) -> HttpResponse:
    """Say and change whether a stream flows (section 8.1.2)."""
    return answered(request, {"GET": _status, "POST": _change_status})


@csrf_exempt
def add_subject(request: HttpRequest) -> HttpResponse:
    """Let a receiver hear of somebody again (section 8.1.3.2)."""
    return answered(
        request, {"POST": lambda _request, receiver, actor, body: _subject(receiver, actor, body, wanted=True)}
    )


@csrf_exempt
def remove_subject(request: HttpRequest) -> HttpResponse:
    """Let a receiver hear of somebody no more (section 8.1.3.3)."""
    return answered(
        request, {"POST": lambda _request, receiver, actor, body: _subject(receiver, actor, body, wanted=False)}
    )


@csrf_exempt
def verify(request: HttpRequest) -> HttpResponse:
    """Owe a receiver a verification (section 8.1.4.2)."""
    return answered(request, {"POST": _verify})


@csrf_exempt
def poll(request: HttpRequest, stream_id: str) -> HttpResponse:
    """Hand a receiver its events, and take its acknowledgements (RFC 8936)."""

    def handed(_request: HttpRequest, receiver: Receiver, _actor: Actor, body: Body) -> HttpResponse:
        return JsonResponse(fetch_signals(get_stream(stream_id, receiver=receiver.name), body))

    return answered(request, {"POST": handed})


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
        receiver, text(body, "stream_id"), text(body, "status"), reason=text(body, "reason", ""), actor=actor
    )
    return JsonResponse(_standing(stream.id, stream.status.value, stream.status_reason))


def _standing(stream_id: str, standing: str, reason: str) -> dict[str, str]:
    return {"stream_id": stream_id, "status": standing, **({"reason": reason} if reason else {})}


def _subject(receiver: Receiver, actor: Actor, body: Body, *, wanted: bool) -> HttpResponse:
    set_subject(receiver, text(body, "stream_id"), body.get("subject"), wanted=wanted, actor=actor)
    return HttpResponse(status=200 if wanted else 204)


def _verify(_request: HttpRequest, receiver: Receiver, _actor: Actor, body: Body) -> HttpResponse:
    ask_verification(receiver, text(body, "stream_id"), body.get("state"), now=time.time())
    return HttpResponse(status=204)
