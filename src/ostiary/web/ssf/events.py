"""The address to which trusted transmitters send events (RFC 8935)."""

from typing import Final

import structlog
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt

from ostiary.gateway.decider.authzen.callers import bearer_token
from ostiary.signals.facade import (
    RefusedSignal,
    TooOften,
    Unreachable,
    UnusableTransmitter,
    authorized_transmitter,
    take_signal,
)
from ostiary.web.ssf.door import MAX_BODY_BYTES, error, require, too_often, wait

MEDIA_TYPE: Final = "application/secevent+jwt"

log = structlog.get_logger(__name__)


@csrf_exempt
def take_event(request: HttpRequest, name: str) -> HttpResponse:
    """Take an event that a trusted transmitter sends (RFC 8935)."""
    require(request, "POST")
    if authorized_transmitter(name, bearer_token(request.headers.get("authorization", ""))) is None:
        refused = error("authentication_failed", "This address takes events with its own token only.", 401)
        refused["WWW-Authenticate"] = 'Bearer realm="ssf"'
        return refused
    if delay := wait(f"event:{name}"):
        return too_often(delay)
    if (request.content_type or "").lower() != MEDIA_TYPE:
        return error("invalid_request", f"Send {MEDIA_TYPE}.", 400)
    body = request.read(MAX_BODY_BYTES + 1)
    try:
        text = body.decode("ascii").strip()
        take_signal(name, text if len(body) <= MAX_BODY_BYTES else "")
    except UnicodeDecodeError:
        return error("invalid_request", "This is no token.", 400)
    except RefusedSignal as why:
        return error(why.code, why.message, 400)
    except TooOften:
        return too_often(30)
    except (Unreachable, UnusableTransmitter) as why:
        log.warning("signal_not_checked", transmitter=name, words=why.message)
        later = error("invalid_key", "The keys cannot be had at the moment. Send it again later.", 503)
        later["Retry-After"] = "30"
        return later
    return HttpResponse(status=202)
