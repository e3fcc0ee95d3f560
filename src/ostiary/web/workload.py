"""Where services get their tokens. Who may have one is `workloads`' to say; programs learn of it from `oidc.published`.

The token endpoint that is published is the one of `oidc.token`, which comes here for a service's grants. The address of its
own goes on for those that were told it.

Source: RFC 6749, sections 3.2, 5.1 and 5.2; RFC 8693, section 2.2.
"""

import secrets
import time
from functools import lru_cache
from math import ceil
from typing import Any, Final

import structlog
from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.http.request import RawPostDataException
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST

from ostiary.config.secrets import read_secret
from ostiary.gateway.decider.authzen.callers import Allowances
from ostiary.gateway.decider.budget import Budget
from ostiary.gateway.workload_tokens import EVERYWHERE, WorkloadClaims, sign_workload, workload_key
from ostiary.identity.facade import client_of
from ostiary.oidc.answers import TOKEN
from ostiary.policy.identifiers import ServiceId
from ostiary.visibility.facade import RecordUnavailable
from ostiary.workloads.facade import Code, Entitled, TokenRefused, TooManyTokens, entitle, record_issue

TOKEN_PATH: Final = "/workload/token"  # noqa: S105 - an address
MAX_BODY_BYTES: Final = 64 * 1024
TOKENS_PER_SECOND: Final = 2.0
CONTENT_TYPE: Final = "application/x-www-form-urlencoded"
GRANTS: Final = (
    "client_credentials",
    "urn:ietf:params:oauth:grant-type:jwt-bearer",
    "urn:ietf:params:oauth:grant-type:token-exchange",
)
ISSUED: Final = "urn:ietf:params:oauth:token-type:access_token"
ALGORITHMS: Final = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")

log = structlog.get_logger(__name__)


@csrf_exempt
@require_POST
@sensitive_post_parameters()
def token(request: HttpRequest) -> HttpResponse:
    """Give a service a token, or say in the words of RFC 6749 why not."""
    form = _form(request)
    if isinstance(form, HttpResponse):
        return form
    issuer, address, now = _issuer(), client_of(request).address, time.time()
    try:
        entitled = entitle(
            form, audiences=(issuer, issuer + TOKEN, issuer + TOKEN_PATH), address=address, now=now, wait=_wait
        )
    except TokenRefused as error:
        _record_refusal(error, address)
        return _refusal(error.code, error.message)
    except TooManyTokens as error:
        slower = {"error": "slow_down", "error_description": _described(error.message)}
        return _answer(slower, 429, ("Retry-After", str(ceil(error.seconds))))
    except RecordUnavailable as error:
        log.error("token_not_recorded", service=form.get("client_id", "")[:63], detail=error.detail)
        return _unavailable()
    answer: dict[str, Any] = {
        "access_token": signed_token(entitled, now=now),
        "token_type": "Bearer",
        "expires_in": entitled.seconds,
    }
    if form["grant_type"].endswith("token-exchange"):
        answer["issued_token_type"] = ISSUED
    return _answer(answer, 200)


def signed_token(entitled: Entitled, *, now: float) -> str:
    """Return a token for a service that may have one.

    Args:
        entitled: which, for which app, for how long.
        now: seconds since the epoch.
    """
    claims = WorkloadClaims(
        service=entitled.service,
        app=entitled.app or EVERYWHERE,
        issued_at=now,
        expires_at=now + entitled.seconds,
        jti=secrets.token_urlsafe(16),
    )
    return sign_workload(_key(), claims)


def _form(request: HttpRequest) -> dict[str, str] | HttpResponse:
    if (request.content_type or "").lower() != CONTENT_TYPE:
        return _refusal(Code.INVALID_REQUEST, f"Send {CONTENT_TYPE}.")
    if int(request.META.get("CONTENT_LENGTH") or 0) > MAX_BODY_BYTES:
        return _refusal(Code.INVALID_REQUEST, f"A request has at most {MAX_BODY_BYTES} bytes.")
    try:
        posted = request.POST
    except (RawPostDataException, ValueError):
        return _refusal(Code.INVALID_REQUEST, "The form cannot be read.")
    repeated = [name for name, values in posted.lists() if len(values) != 1]
    if repeated:
        return _refusal(Code.INVALID_REQUEST, f"`{repeated[0][:40]}` may be sent once only.")
    return {name: str(value) for name, value in posted.items()}


def _refusal(code: Code, words: str) -> HttpResponse:
    status = 401 if code is Code.INVALID_CLIENT else 400
    return _answer({"error": code.value, "error_description": _described(words)}, status)


def _described(words: str) -> str:
    """Return words in the characters that RFC 6749 leaves to them: quotes and backslashes are not among them."""
    return "".join(one if " " <= one <= "~" and one not in '"\\' else "'" for one in words)


def _unavailable() -> HttpResponse:
    words = "Nothing can be put on record at the moment, so no token is given out. Try again in a minute."
    return _answer({"error": "temporarily_unavailable", "error_description": words}, 503, ("Retry-After", "60"))


def _answer(content: dict[str, Any], status: int, *headers: tuple[str, str]) -> HttpResponse:
    response = JsonResponse(content, status=status)
    response["Cache-Control"] = "no-store"
    for name, value in headers:
        response[name] = value
    return response


def _record_refusal(error: TokenRefused, address: str) -> None:
    """Put a refusal on record, within a budget: nobody fills the disk from outside."""
    log.info("token_refused", service=error.service, reason=error.code.value, words=error.message, detail=error.detail)
    if error.service and _refusals().take(time.perf_counter()):
        try:
            record_issue(service=error.service, how="", address=address, refused=error.code.value)
        except RecordUnavailable as unavailable:
            log.error("token_refusal_not_recorded", detail=unavailable.detail)


def _wait(service: ServiceId) -> float:
    allowances, now = _allowances(), ticking()
    wait = allowances.wait(service, now)
    if not wait:
        allowances.charge(service, 1, now)
    return wait


def ticking() -> float:
    """Return seconds on a clock that only goes forward."""
    return time.monotonic()


def _issuer() -> str:
    instance = settings.INSTANCE
    origin: str = instance.url(instance.identity_host, "")
    return origin


@lru_cache(maxsize=1)
def _key() -> bytes:
    return workload_key(read_secret(settings.INSTANCE.secrets, "session.key").reveal())


@lru_cache(maxsize=1)
def _allowances() -> Allowances:
    return Allowances(per_second=TOKENS_PER_SECOND)


@lru_cache(maxsize=1)
def _refusals() -> Budget:
    return Budget()
