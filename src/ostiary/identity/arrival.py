"""From the button to checked claims: what is asked of another directory, kept in the browser's session, and read back.

Every question has its own state, nonce and verifier, is good once, for ten minutes, and only in the browser that
asked. What follows from the claims is in `services.federation`.
"""

import time
from collections.abc import Mapping
from typing import Final, Literal

import msgspec
from django.conf import settings
from django.http import HttpRequest

from ostiary.errors import OstiaryError
from ostiary.identity.adapters.openid import ClientProof, ask, exchange, proof_by_key, proof_by_secret, read_userinfo
from ostiary.identity.adapters.openid_discovery import Discovery, discover
from ostiary.identity.adapters.openid_tokens import LEEWAY_SECONDS, read_id_token
from ostiary.identity.domain.federation import (
    Assertion,
    DirectoryRefused,
    Provider,
    Reason,
    merge_userinfo,
    read_assertion,
)
from ostiary.identity.federation_queries import callback_url, client_key, client_secret
from ostiary.identity.sign_out_there import keep_hint

FLOWS_KEY: Final = "ostiary_directory_flows"
FLOW_SECONDS: Final = 600
MAX_FLOWS: Final = 5
MAX_CODE_CHARACTERS: Final = 4096
Purpose = Literal["sign_in", "link"]


class Coming(msgspec.Struct, frozen=True, kw_only=True):
    """What was kept when somebody went to another directory.

    Args:
        at: when they went, seconds since the epoch.
        target: where they go then, on this host.
        person: who wanted to be linked; empty when it is about signing in.
    """

    provider: str
    nonce: str
    verifier: str
    at: float
    target: str
    purpose: Purpose
    person: str = ""


def ask_directory(request: HttpRequest, provider: Provider, *, target: str, purpose: Purpose, person: str = "") -> str:
    """Return where the browser goes to be asked there, and keep in its session what the answer must fit.

    Raises:
        DirectoryRefused: when the directory does not answer.
    """
    question = ask(
        provider,
        discover(provider.issuer),
        redirect_uri=callback_url(provider.id),
        max_age_seconds=_max_age_seconds() if provider.mfa else None,
        choose=purpose == "link",
    )
    now = time.time()
    coming = Coming(
        provider=provider.id,
        nonce=question.nonce,
        verifier=question.verifier,
        at=now,
        target=target,
        purpose=purpose,
        person=person,
    )
    flows = {state: one for state, one in _flows(request).items() if one.at > now - FLOW_SECONDS}
    kept = dict(sorted(flows.items(), key=lambda item: item[1].at)[-(MAX_FLOWS - 1) :])
    _keep(request, {**kept, question.state: coming})
    return question.url


def read_arrival(request: HttpRequest, provider: Provider, answer: Mapping[str, str]) -> tuple[Coming, Assertion]:
    """Return what was kept and what the directory says, when the answer belongs to a question from this browser.

    Args:
        request: from the browser that comes back; its question is used up.
        provider: whose address it came back to.
        answer: the query's parameters.

    Raises:
        DirectoryRefused: for any other answer.
    """
    flows = _flows(request)
    coming = flows.pop(answer.get("state", ""), None)
    if coming is None or coming.provider != provider.id or coming.at < time.time() - FLOW_SECONDS:
        raise DirectoryRefused(Reason.NOT_THIS_BROWSER, detail="no such question from this browser")
    _keep(request, flows)
    if answer.get("iss", provider.issuer) != provider.issuer:
        raise DirectoryRefused(Reason.TOKEN_REFUSED, detail="the answer names another issuer")  # RFC 9207
    if "error" in answer:
        reason = Reason.CANCELLED if answer["error"] == "access_denied" else Reason.REFUSED_THERE
        raise DirectoryRefused(reason, detail=f"{answer['error']}: {answer.get('error_description', '')}"[:300])
    assertion, id_token = _assertion(provider, coming, answer.get("code", "")[:MAX_CODE_CHARACTERS])
    if coming.purpose == "sign_in":
        keep_hint(request, provider, id_token)
    return coming, assertion


def _assertion(provider: Provider, coming: Coming, code: str) -> tuple[Assertion, str]:
    """Return what the directory says, and the ID token in which it says so."""
    document = discover(provider.issuer)
    try:
        proof = _client_proof(provider, document)
    except OstiaryError as error:
        raise DirectoryRefused(Reason.UNREACHABLE, detail=str(error)) from None
    id_token, access_token = exchange(
        document,
        code=code,
        verifier=coming.verifier,
        redirect_uri=callback_url(provider.id),
        proof=proof,
    )
    claims = read_id_token(provider, document, id_token, nonce=coming.nonce)
    userinfo = read_userinfo(document, access_token)
    if userinfo:
        claims = merge_userinfo(claims, userinfo, groups_claim=provider.groups_claim)
    oldest = time.time() - _max_age_seconds() - LEEWAY_SECONDS
    return read_assertion(provider, claims, now=time.time(), oldest=oldest), id_token


def _client_proof(provider: Provider, document: Discovery) -> ClientProof:
    if provider.proves_by == "key":
        return proof_by_key(provider, document, client_key(provider.id), now=time.time())
    return proof_by_secret(provider, document, client_secret(provider.id))


def _max_age_seconds() -> int:
    """Return how long ago a second factor may have been given there: as long as a sign-in lasts here."""
    hours: int = settings.INSTANCE.configuration.sign_in.session_hours
    return hours * 3600


def _flows(request: HttpRequest) -> dict[str, Coming]:
    try:
        return msgspec.convert(request.session.get(FLOWS_KEY, {}), dict[str, Coming])
    except msgspec.ValidationError:
        return {}


def _keep(request: HttpRequest, flows: Mapping[str, Coming]) -> None:
    request.session[FLOWS_KEY] = msgspec.to_builtins(flows)
