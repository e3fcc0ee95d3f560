"""The addresses for devices' agents: what comes in, how much of it, and in which words it is refused. What is done is in `devices`.

Each request proves itself by what it carries; no browser's sign-in counts. Every refusal is JSON with a code, a sentence and a hint.
"""

import time
from collections.abc import Callable
from functools import wraps
from typing import Any, Final, TypeVar

import msgspec
import structlog
from django.http import HttpRequest, HttpResponse
from django.http.request import RawPostDataException
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from ostiary.devices.facade import (
    MAX_LOG_BYTES,
    AgentRefused,
    Code,
    Kept,
    Problem,
    UnprovenTpm,
    UnreadableMessage,
    UnreadableTpm,
    UnusableDeviceKey,
    give_nonce,
    leave,
    poll_enrolment,
    prove_tpm,
    renew_certificate,
    start_enrolment,
    take_quote,
    take_report,
)
from ostiary.errors import OstiaryError
from ostiary.identity.facade import UnacceptableText, client_of
from ostiary.software.facade import MAX_PACKED_BYTES, UnreadableInventory, note_report, take_inventory
from ostiary.visibility.facade import RecordUnavailable
from ostiary.web.device_standing import with_compliance

MAX_BODY_BYTES: Final = 16 * 1024
MAX_QUOTE_BYTES: Final = MAX_BODY_BYTES + MAX_LOG_BYTES * 4 // 3
"""A firmware's log is sent with it, in base64."""
MAX_INVENTORY_BYTES: Final = MAX_BODY_BYTES + MAX_PACKED_BYTES * 4 // 3
"""The list is sent with it, in base64."""
INVENTORY: Final = "inventory"
STATUS: Final[dict[Code, int]] = {
    Code.SWITCHED_OFF: 404,
    Code.STALE: 401,
    Code.UNKNOWN: 401,
    Code.TOO_MANY: 429,
    Code.SLOW_DOWN: 429,
    Code.EXPIRED: 410,
    Code.ENDED: 410,
    Code.WAITING: 403,
    Code.QUARANTINED: 403,
    Code.OWNER_GONE: 403,
    Code.TPM_UNPROVEN: 403,
    Code.TPM_REQUIRED: 403,
    Code.UNAVAILABLE: 503,
}
"""Whatever is not here is 400."""

log = structlog.get_logger(__name__)


class _Body(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    message: str = ""


class _QuoteBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    message: str
    log: bytes = b""


class _InventoryBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    message: str
    content: bytes


Act = Callable[[HttpRequest, str, float], msgspec.Struct]
B = TypeVar("B", _Body, _QuoteBody, _InventoryBody)
T = TypeVar("T")


def _for_agents(act: Act) -> Callable[[HttpRequest], HttpResponse]:
    """Make a page of what answers a signed message."""
    return _page(act, lambda request: _body(request, _Body, MAX_BODY_BYTES).message)


def _page(
    act: Callable[[HttpRequest, T, float], msgspec.Struct], read: Callable[[HttpRequest], T]
) -> Callable[[HttpRequest], HttpResponse]:
    """Make a page of what answers a request, once it is read."""

    @csrf_exempt
    @require_POST
    @wraps(act)
    def page(request: HttpRequest) -> HttpResponse:
        now = time.time()
        try:
            return _answer(act(request, read(request), now), 200)
        except AgentRefused as error:
            return _refusal(error, error.code, now)
        except UnprovenTpm as error:
            return _refusal(error, Code.TPM_UNPROVEN, now)
        except (UnreadableMessage, UnreadableTpm, UnreadableInventory, UnusableDeviceKey, UnacceptableText) as error:
            return _refusal(error, Code.INVALID, now)
        except RecordUnavailable as error:
            log.error("device_not_recorded", detail=error.detail)
            words = OstiaryError("Nothing can be put on record at the moment.", hint="Try again in a minute.")
            return _refusal(words, Code.UNAVAILABLE, now)

    return page


@_for_agents
def nonce(_request: HttpRequest, _message: str, now: float) -> msgspec.Struct:
    """Give out a number to sign."""
    return give_nonce(now=now)


@_for_agents
def start(request: HttpRequest, message: str, now: float) -> msgspec.Struct:
    """Begin an enrolment."""
    return start_enrolment(message, address=client_of(request).address, now=now)


@_for_agents
def prove(_request: HttpRequest, message: str, now: float) -> msgspec.Struct:
    """Take the secret that was sealed to a device's TPM."""
    return prove_tpm(message, now=now)


@_for_agents
def poll(_request: HttpRequest, message: str, now: float) -> msgspec.Struct:
    """Say what became of an enrolment."""
    return poll_enrolment(message, now=now)


@_for_agents
def renew(request: HttpRequest, message: str, now: float) -> msgspec.Struct:
    """Give a device a certificate."""
    return renew_certificate(message, address=client_of(request).address, now=now)


@_for_agents
def report(_request: HttpRequest, message: str, now: float) -> msgspec.Struct:
    """Take what a device says of itself, and say how it stands with that."""
    said, taken = take_report(message, now=now)
    if note_report(device=said.device, digest=said.inventory, now=now):
        taken = msgspec.structs.replace(taken, wants=(*taken.wants, INVENTORY))
    return with_compliance(taken, said.device, now=now)


@_for_agents
def give_up(request: HttpRequest, message: str, now: float) -> msgspec.Struct:
    """Retire a device that says so itself."""
    return leave(message, address=client_of(request).address, now=now)


def _quote(request: HttpRequest, body: _QuoteBody, now: float) -> msgspec.Struct:
    """Take a TPM's word on how its computer started."""
    return take_quote(body.message, body.log, address=client_of(request).address, now=now)


quote: Final = _page(_quote, lambda request: _body(request, _QuoteBody, MAX_QUOTE_BYTES))


def _inventory(_request: HttpRequest, body: _InventoryBody, now: float) -> msgspec.Struct:
    """Take what is installed on a device."""
    return Kept(device=take_inventory(body.message, body.content, now=now))


inventory: Final = _page(_inventory, lambda request: _body(request, _InventoryBody, MAX_INVENTORY_BYTES))


def _body(request: HttpRequest, kind: type[B], limit: int) -> B:
    if (request.content_type or "").lower() != "application/json":
        raise AgentRefused(Code.INVALID, "Send application/json.")
    if int(request.META.get("CONTENT_LENGTH") or 0) > limit:
        raise AgentRefused(Code.INVALID, f"A request has at most {limit} bytes.")
    try:
        return msgspec.json.decode(request.body, type=kind)
    except (RawPostDataException, msgspec.MsgspecError, UnicodeDecodeError, ValueError):
        raise AgentRefused(Code.INVALID, "The request cannot be read.") from None


def _refusal(error: OstiaryError, code: Code, now: float) -> HttpResponse:
    problem = Problem(error=code.value, message=error.message, hint=error.hint, now=now)
    return _answer(problem, STATUS.get(code, 400))


def _answer(content: Any, status: int) -> HttpResponse:
    response = HttpResponse(msgspec.json.encode(content), status=status, content_type="application/json")
    response["Cache-Control"] = "no-store"
    return response
