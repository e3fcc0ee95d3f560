"""Who gets a token: a service that signed an assertion itself, or one for which a trusted issuer's token stands.

Signing the token is the gateway's; here is found out for which service, and that it may have one. Nothing is fetched inside
a transaction.
Source: RFC 6749, sections 4.4 and 5.2; RFC 7521; RFC 7523; RFC 8693; RFC 8707.
"""

import hashlib
from collections.abc import Callable, Collection, Mapping
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any, Final
from urllib.parse import urlsplit

import msgspec
from django.db import IntegrityError, transaction

from ostiary.applications.facade import list_apps
from ostiary.errors import OstiaryError
from ostiary.identity.domain.stored_text import can_be_stored
from ostiary.policy.identifiers import AppId, ServiceId
from ostiary.workloads.adapters.issuers import keys_of, read_keys
from ostiary.workloads.domain.assertions import (
    LEEWAY_SECONDS,
    LONGEST_ASSERTION_SECONDS,
    LONGEST_FEDERATED_SECONDS,
    AssertionRefused,
    judge_times,
    kid_of,
    read_federated,
    read_own,
    unverified,
)
from ostiary.workloads.domain.services import Service, State
from ostiary.workloads.domain.trust import Trust, unmet_claim
from ostiary.workloads.journal import record_issue
from ostiary.workloads.models import ServiceKey, StoredService, StoredTrust, UsedAssertion
from ostiary.workloads.queries import get_service, to_service
from ostiary.workloads.services.unused import closes_at

CLIENT_CREDENTIALS: Final = "client_credentials"
JWT_BEARER: Final = "urn:ietf:params:oauth:grant-type:jwt-bearer"
TOKEN_EXCHANGE: Final = "urn:ietf:params:oauth:grant-type:token-exchange"  # noqa: S105 - a name of RFC 8693
GRANTS: Final = (CLIENT_CREDENTIALS, JWT_BEARER, TOKEN_EXCHANGE)
ASSERTION_TYPE: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
ACCESS_TOKEN_TYPE: Final = "urn:ietf:params:oauth:token-type:access_token"  # noqa: S105 - as above
SUBJECT_TOKEN_TYPES: Final = frozenset(
    {"urn:ietf:params:oauth:token-type:jwt", "urn:ietf:params:oauth:token-type:id_token"}
)
USED_EVERY: Final = timedelta(minutes=1)
LONGEST_NAME: Final = 63


class Code(StrEnum):
    """What a program is told went wrong (RFC 6749, section 5.2; RFC 8707, section 2)."""

    INVALID_REQUEST = "invalid_request"
    INVALID_CLIENT = "invalid_client"
    INVALID_GRANT = "invalid_grant"
    INVALID_SCOPE = "invalid_scope"
    INVALID_TARGET = "invalid_target"
    UNSUPPORTED_GRANT_TYPE = "unsupported_grant_type"


class TokenRefused(OstiaryError):
    """No token is given out.

    Args:
        code: what the program is told.
        message: the same in words.
        service: which service was named, where one was.
    """

    def __init__(self, code: Code, message: str, *, service: str = "", detail: str = "") -> None:
        super().__init__(message, detail=detail)
        self.code = code
        self.service = service


class TooManyTokens(OstiaryError):
    """A service asks too often.

    Args:
        seconds: how long it must wait.
    """

    def __init__(self, seconds: float) -> None:
        super().__init__("This service asks too often; use a token until it runs out.")
        self.seconds = seconds


class Entitled(msgspec.Struct, frozen=True, kw_only=True):
    """A service that may have a token.

    Args:
        app: the one app that it is to be for; `None` for every app the rules open to it.
        seconds: how long it may live.
        how: what the service proved itself with, in short.
    """

    service: ServiceId
    app: AppId | None
    seconds: int
    how: str


class _Proof(msgspec.Struct, frozen=True, kw_only=True):
    how: str
    key: str = ""
    trust: str = ""
    once: str = ""
    ends_at: float = 0.0


def entitle(
    form: Mapping[str, str],
    *,
    audiences: Collection[str],
    address: str,
    now: float,
    wait: Callable[[ServiceId], float],
) -> Entitled:
    """Find out which service asks, and whether it may have a token. What it proved itself with is used up.

    Args:
        form: what was posted, each name once.
        audiences: whom assertions may be for: the issuer, and the token endpoint. The first is told to whoever errs.
        address: where it asks from, for the record.
        now: seconds since the epoch.
        wait: how many seconds a service must wait before its next token; asked once it has proved itself, so that nobody else
            can use up its share.

    Raises:
        TokenRefused: with what the program is told.
        TooManyTokens: when it asks too often.
        RecordUnavailable: when it cannot be put on record.
    """
    grant = form.get("grant_type", "")
    if grant not in GRANTS:
        raise TokenRefused(Code.UNSUPPORTED_GRANT_TYPE, f"`grant_type` must be one of: {', '.join(GRANTS)}.")
    if form.get("scope"):
        raise TokenRefused(Code.INVALID_SCOPE, "There are no scopes: the rules say what a service may do.")
    app = _app(form)
    if grant == CLIENT_CREDENTIALS:
        service, proof = _by_own_key(form, audiences=audiences, now=now)
    else:
        service, proof = _by_issuer(form, grant, now=now)
    if service.state(now) is not State.WORKS:
        raise TokenRefused(Code.INVALID_CLIENT, "The service is switched off, or its time is over.", service=service.id)
    if seconds := wait(service.id):
        raise TooManyTokens(seconds)
    _use_up(service, proof, address=address, now=now)
    left = int(service.ends_at - now)
    return Entitled(service=service.id, app=app, seconds=max(1, min(service.token_seconds, left)), how=proof.how)


def entitle_by_hand(name: str, *, now: float) -> Entitled:
    """Let somebody on the machine have a token of a service without a proof, to try what the rules open to it.

    Args:
        name: which service.
        now: seconds since the epoch.

    Raises:
        UnknownService: when there is none of this name.
        TokenRefused: when it is switched off or over.
    """
    service = get_service(name)
    if service.state(now) is not State.WORKS:
        raise TokenRefused(Code.INVALID_CLIENT, f"{name} is switched off, or its time is over.", service=name)
    record_issue(service=service.id, how="by_hand", address="")
    left = int(service.ends_at - now)
    return Entitled(service=service.id, app=None, seconds=max(1, min(service.token_seconds, left)), how="by_hand")


def forget_used_assertions(*, now: float) -> int:
    """Forget assertions that have run out by themselves. For the worker.

    Args:
        now: seconds since the epoch.

    Returns:
        How many.
    """
    return UsedAssertion.objects.filter(ends_at__lt=datetime.fromtimestamp(now, UTC)).delete()[0]


def _by_own_key(form: Mapping[str, str], *, audiences: Collection[str], now: float) -> tuple[Service, _Proof]:
    if form.get("client_secret") or form.get("client_assertion_type") != ASSERTION_TYPE:
        raise TokenRefused(
            Code.INVALID_CLIENT, f"Prove yourself with a signed assertion: `client_assertion_type` {ASSERTION_TYPE}."
        )
    assertion = form.get("client_assertion", "")
    named = form.get("client_id", "")
    try:
        claims = unverified(assertion)
        name = claims.get("sub")
        if not isinstance(name, str) or (named and named != name):
            raise AssertionRefused("`sub` must be the service's name, and `client_id` the same where it is sent.")
        row = _row(name)
        keys = [key.jwk for key in row.keys.all()] if row is not None else []
        kid = read_own(assertion, keys, service=name, audiences=audiences)
        ends_at = judge_times(claims, now=now, longest=LONGEST_ASSERTION_SECONDS, jti=True)
    except AssertionRefused as error:
        raise TokenRefused(Code.INVALID_CLIENT, error.message, service=_told(named or _said(assertion))) from None
    if row is None:
        raise TokenRefused(Code.INVALID_CLIENT, "No key of the service has signed this.", service=_told(name))
    once = hashlib.sha256(f"{name}\n{claims['jti']}".encode("utf-8", "surrogatepass")).hexdigest()
    return to_service(row), _Proof(how=f"key:{kid}", key=kid, once=once, ends_at=ends_at + LEEWAY_SECONDS)


def _by_issuer(form: Mapping[str, str], grant: str, *, now: float) -> tuple[Service, _Proof]:
    field = "assertion" if grant == JWT_BEARER else "subject_token"
    name, token = form.get("client_id", ""), form.get(field, "")
    if not name or not token:
        raise TokenRefused(Code.INVALID_REQUEST, f"Send `client_id` (the service's name) and `{field}`.")
    if grant == TOKEN_EXCHANGE and form.get("subject_token_type") not in SUBJECT_TOKEN_TYPES:
        raise TokenRefused(
            Code.INVALID_REQUEST, f"`subject_token_type` must be one of: {', '.join(sorted(SUBJECT_TOKEN_TYPES))}."
        )
    if form.get("requested_token_type", ACCESS_TOKEN_TYPE) != ACCESS_TOKEN_TYPE:
        raise TokenRefused(Code.INVALID_REQUEST, f"`requested_token_type` must be {ACCESS_TOKEN_TYPE}.")
    row = _row(name)
    service = to_service(row) if row is not None else None
    try:
        issuer = unverified(token).get("iss")
        trusts = [one for one in service.trusts if one.issuer == issuer] if service is not None else []
        if service is None or not trusts:
            raise AssertionRefused("The service does not trust the issuer of this token.")
        return service, _first_that_fits(trusts, token, now=now)
    except AssertionRefused as error:
        raise TokenRefused(Code.INVALID_GRANT, error.message, service=_told(name), detail=error.detail) from None


def _first_that_fits(trusts: list[Trust], token: str, *, now: float) -> _Proof:
    refused = AssertionRefused("The service does not trust the issuer of this token.")
    for trust in trusts:
        try:
            claims = _judge(trust, token, now)
        except AssertionRefused as error:
            refused = error
            continue
        return _Proof(how=f"issuer:{trust.issuer} sub:{str(claims.get('sub', ''))[:200]}", trust=trust.id)
    raise refused


def _judge(trust: Trust, token: str, now: float) -> dict[str, Any]:
    keys = read_keys(trust.keys) if trust.keys else keys_of(trust.issuer, kid=kid_of(token))
    claims = read_federated(token, keys, issuer=trust.issuer, audience=trust.audience)
    judge_times(claims, now=now, longest=LONGEST_FEDERATED_SECONDS, jti=False)
    wrong = unmet_claim(trust.claims, claims)
    if wrong is not None:
        # What it must be is told to nobody outside: anybody can get a token of GitHub for us and would learn whose job we want.
        raise AssertionRefused(
            f"The claim `{wrong}` is not what the service demands: see `ostiary workload show`.",
            detail=f"wanted {trust.claims[wrong]!r}, said {str(claims.get(wrong))[:200]!r}",
        )
    return claims


@transaction.atomic
def _use_up(service: Service, proof: _Proof, *, address: str, now: float) -> None:
    """Note the use, and see to it that an assertion is used once.

    What the proof rests on is looked at once more, locked: whatever takes it away later also ends the token that is given out now.
    """
    moment = datetime.fromtimestamp(now, UTC)
    _still_stands(service, proof, now=now)
    if proof.once:
        try:
            with transaction.atomic():
                ends_at = datetime.fromtimestamp(proof.ends_at, UTC)
                UsedAssertion.objects.create(digest=proof.once, ends_at=ends_at)
        except IntegrityError:
            raise TokenRefused(
                Code.INVALID_CLIENT, "This assertion was used before; make a new one each time.", service=service.id
            ) from None
    if service.used_at is None or moment.timestamp() - service.used_at >= USED_EVERY.total_seconds():
        closes = closes_at(service)
        told_of_want_of_use = closes is not None and closes <= service.ends_at
        again = {"told_at": None} if told_of_want_of_use else {}
        StoredService.objects.filter(pk=service.id).update(used_at=moment, **again)
        if proof.key:
            ServiceKey.objects.filter(service_id=service.id, kid=proof.key).update(used_at=moment)
        if proof.trust:
            StoredTrust.objects.filter(pk=int(proof.trust)).update(used_at=moment)
    record_issue(service=service.id, how=proof.how, address=address)


def _still_stands(service: Service, proof: _Proof, *, now: float) -> None:
    row = StoredService.objects.select_for_update().filter(pk=service.id).first()
    current = to_service(row) if row is not None else None
    known = current is not None and (
        proof.key in {key.id for key in current.keys}
        if proof.key
        else proof.trust in {one.id for one in current.trusts}
    )
    if current is None or not known or current.state(now) is not State.WORKS:
        raise TokenRefused(Code.INVALID_CLIENT, "The service was changed at this very moment.", service=service.id)


def _app(form: Mapping[str, str]) -> AppId | None:
    """Return the one app a token is asked for, by `resource` (RFC 8707) or, at an exchange, `audience`."""
    wanted = form.get("resource") or form.get("audience")
    if not wanted:
        return None
    try:
        host = urlsplit(wanted).hostname or ""
    except ValueError:
        host = ""
    for app in list_apps():
        if app.behind_gateway and not app.builtin and (wanted == app.id or host == app.host):
            return app.id
    raise TokenRefused(Code.INVALID_TARGET, "`resource` is no app's address here.")


def _row(name: str) -> StoredService | None:
    if not can_be_stored(name):
        return None
    return StoredService.objects.select_related("owner").prefetch_related("keys", "trusts").filter(pk=name).first()


def _said(assertion: str) -> str:
    try:
        return str(unverified(assertion).get("sub", ""))
    except AssertionRefused:
        return ""


def _told(name: str) -> str:
    """Return a name that anybody may have made up as it can stand in a log and on record: short, and nothing but ASCII."""
    return "".join(one if " " < one <= "~" else "?" for one in name[:LONGEST_NAME])
