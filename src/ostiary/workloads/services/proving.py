"""Which service asks: one that signed an assertion itself, or one for which a trusted issuer's token stands. Nothing is changed.

An issuer may be asked for its keys here, so no transaction is open.
Source: RFC 6749, section 4.4; RFC 7523; RFC 8693.
"""

import hashlib
from collections.abc import Collection, Mapping
from typing import Any, Final

from ostiary.identity.domain.stored_text import can_be_stored
from ostiary.workloads.adapters.issuers import keys_of, read_keys
from ostiary.workloads.domain.assertions import (
    LEEWAY_SECONDS,
    LONGEST_ASSERTION_SECONDS,
    LONGEST_FEDERATED_SECONDS,
    AssertionRefused,
    digest_of,
    judge_times,
    kid_of,
    unverified,
)
from ostiary.workloads.domain.issuing import (
    ACCESS_TOKEN_TYPE,
    ASSERTION_TYPE,
    JWT_BEARER,
    SUBJECT_TOKEN_TYPES,
    TOKEN_EXCHANGE,
    Code,
    Proof,
    TokenRefused,
)
from ostiary.workloads.domain.key_sets import IssuerKey
from ostiary.workloads.domain.services import Service
from ostiary.workloads.domain.trust import Trust, unmet_claim
from ostiary.workloads.domain.verifying import read_federated, read_own
from ostiary.workloads.models import StoredService
from ostiary.workloads.queries import to_service

LONGEST_NAME: Final = 63


def by_own_key(form: Mapping[str, str], *, audiences: Collection[str], now: float) -> tuple[Service, Proof]:
    """Return the service whose own key signed the assertion in a form.

    Args:
        form: what was posted.
        audiences: whom the assertion may be for; the first is told to whoever errs.
        now: seconds since the epoch.

    Raises:
        TokenRefused: when none has.
    """
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
    return to_service(row), Proof(how=f"key:{kid}", key=kid, once=once, ends_at=ends_at + LEEWAY_SECONDS)


def by_issuer(form: Mapping[str, str], grant: str, *, now: float) -> tuple[Service, Proof]:
    """Return the service that a form names, when it trusts the issuer of the token in it and the token says what it must.

    Args:
        form: what was posted.
        grant: `JWT_BEARER` or `TOKEN_EXCHANGE`.
        now: seconds since the epoch.

    Raises:
        TokenRefused: when it does not.
    """
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


def _first_that_fits(trusts: list[Trust], token: str, *, now: float) -> Proof:
    refused = AssertionRefused("The service does not trust the issuer of this token.")
    for trust in trusts:
        try:
            claims, ends_at = _judge(trust, token, now)
        except AssertionRefused as error:
            refused = error
            continue
        return Proof(
            how=f"issuer:{trust.issuer} sub:{str(claims.get('sub', ''))[:200]}",
            trust=trust.id,
            once=digest_of(token) if trust.once else "",
            ends_at=ends_at + LEEWAY_SECONDS,
        )
    raise refused


def _judge(trust: Trust, token: str, now: float) -> tuple[dict[str, Any], float]:
    claims = read_federated(token, keys_for(trust, token), issuer=trust.issuer, audience=trust.audience)
    ends_at = judge_times(claims, now=now, longest=LONGEST_FEDERATED_SECONDS, jti=False)
    wrong = unmet_claim(trust.claims, claims)
    if wrong is not None:
        # What it must be is told to nobody outside: anybody can get a token of GitHub for us and would learn whose job we want.
        raise AssertionRefused(
            f"The claim `{wrong}` is not what the service demands: see `ostiary workload trust try`.",
            detail=f"wanted {trust.claims[wrong]!r}, said {str(claims.get(wrong))[:200]!r}",
        )
    return claims, ends_at


def keys_for(trust: Trust, token: str) -> tuple[IssuerKey, ...]:
    """Return the keys that a token of a trusted issuer may be signed with: those that were handed in, or those it publishes.

    Raises:
        AssertionRefused: when there are none, or they cannot be had.
    """
    return read_keys(trust.keys) if trust.keys else keys_of(trust.issuer, kid=kid_of(token))


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
