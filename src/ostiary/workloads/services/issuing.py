"""Who gets a token: a service that has proved itself, is on, does not ask too often, and has not used its proof before.

How it proves itself is `proving`'s; signing the token is the gateway's.
Source: RFC 6749, sections 4.4 and 5.2; RFC 8707.
"""

from collections.abc import Callable, Collection, Mapping
from datetime import UTC, datetime, timedelta
from typing import Final
from urllib.parse import urlsplit

from django.db import IntegrityError, transaction

from ostiary.applications.facade import list_apps
from ostiary.policy.identifiers import AppId, ServiceId
from ostiary.workloads.domain.issuing import (
    CLIENT_CREDENTIALS,
    GRANTS,
    Code,
    Entitled,
    Proof,
    TokenRefused,
    TooManyTokens,
)
from ostiary.workloads.domain.services import Service, State
from ostiary.workloads.journal import record_issue
from ostiary.workloads.models import ServiceKey, StoredService, StoredTrust, UsedAssertion
from ostiary.workloads.queries import get_service, to_service
from ostiary.workloads.services.proving import by_issuer, by_own_key
from ostiary.workloads.services.unused import closes_at

USED_EVERY: Final = timedelta(minutes=1)


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
        service, proof = by_own_key(form, audiences=audiences, now=now)
    else:
        service, proof = by_issuer(form, grant, now=now)
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


@transaction.atomic
def _use_up(service: Service, proof: Proof, *, address: str, now: float) -> None:
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
            raise _used_before(service, proof) from None
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


def _used_before(service: Service, proof: Proof) -> TokenRefused:
    if proof.key:
        words = "This assertion was used before; make a new one each time."
        return TokenRefused(Code.INVALID_CLIENT, words, service=service.id)
    words = "This token was used before; get a new one from the issuer each time."
    return TokenRefused(Code.INVALID_GRANT, words, service=service.id)


def _still_stands(service: Service, proof: Proof, *, now: float) -> None:
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
