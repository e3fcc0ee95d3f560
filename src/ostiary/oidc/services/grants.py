"""Codes and tokens: issued, used once, rotated, ended. Whether somebody may sign in is decided before each of these.

A code or a refresh token that comes a second time was stolen, or the first was: everything that came of that sign-in ends.
Source: RFC 6749 sections 4.1.2, 4.1.3 and 6; RFC 9700 sections 4.14.2 (rotation, reuse) and 2.1.1; RFC 7009.
"""

import secrets
from datetime import UTC, datetime, timedelta
from typing import Final

import msgspec
from django.db import transaction

from ostiary.identity.facade import SignInSession
from ostiary.oidc.domain.authorization import Asked, AuthorizationRefused, answers_challenge
from ostiary.oidc.domain.claims import acr_of, amr_of, auth_time_of, counted_since
from ostiary.oidc.domain.client import Client
from ostiary.oidc.journal import record_end
from ostiary.oidc.models import Grant, Token
from ostiary.oidc.services.clients import digest_of
from ostiary.oidc.services.logouts import owe_logout
from ostiary.policy.identifiers import PersonId, SessionId

CODE_SECONDS: Final = 60
ACCESS_SECONDS: Final = 600
TOKEN_BYTES: Final = 32
MAX_TOKEN_CHARACTERS: Final = 200
_UNKNOWN: Final = "unknown, used, expired or issued to another client"


class Held(msgspec.Struct, frozen=True, kw_only=True):
    """A sign-in to a client that is not over.

    Args:
        id: of the grant.
        person: who signed in.
        session: in which session.
        auth_time: when they had last proved who they are, seconds since the epoch.
        acr: how strong the proofs were that counted; empty where it was issued before that was kept.
        amr: what those proofs were.
        created_at: when, seconds since the epoch.
    """

    id: str
    client: str
    person: PersonId
    session: SessionId
    scopes: tuple[str, ...]
    nonce: str
    auth_time: float
    acr: str = ""
    amr: tuple[str, ...] = ()
    created_at: float


class Tokens(msgspec.Struct, frozen=True, kw_only=True):
    """What a client gets; `refresh` is empty where it asked for none."""

    held: Held
    access: str
    refresh: str = ""


@transaction.atomic
def issue_code(client: Client, asked: Asked, *, session: SignInSession, now: float, since: float = 0.0) -> str:
    """Return a code for somebody who may sign in. How they proved who they are is settled now: a refresh changes nothing of it.

    Args:
        client: whom it is for.
        asked: what the client asked.
        session: whose sign-in.
        now: seconds since the epoch.
        since: only proofs given since then count, seconds since the epoch; 0 for all of the sign-in.
    """
    at, proofs = _moment(now), counted_since(session.authentications, since)
    grant = Grant.objects.create(
        client_id=client.id,
        person_id=session.person_id,
        session_id=session.id,
        scopes=list(asked.scopes),
        nonce=asked.nonce,
        auth_time=auth_time_of(proofs),
        acr=acr_of(proofs),
        amr=amr_of(proofs),
        created_at=at,
    )
    return _issue(grant, Token.Kind.CODE, now, CODE_SECONDS, redirect_uri=asked.redirect_uri, challenge=asked.challenge)


def look_at_code(client: Client, code: str, *, redirect_uri: str, verifier: str, now: float) -> Held:
    """Use up a code and return the sign-in it stands for; it is used up even when something else is wrong.

    Args:
        client: who shows it.
        code: what it shows.
        redirect_uri: where the code was sent, in its words.
        verifier: of PKCE; empty for none.
        now: seconds since the epoch.

    Raises:
        AuthorizationRefused: `invalid_grant`.
    """
    with transaction.atomic():
        token, problem = _take(client, Token.Kind.CODE, code, now)
        if token is not None and token.redirect_uri != redirect_uri:
            token, problem = None, "redirect_uri is not where the code was sent"
        if token is not None and token.challenge and not answers_challenge(verifier, token.challenge):
            token, problem = None, "code_verifier does not answer the challenge"
        if token is not None and not token.challenge and verifier:
            token, problem = None, "no code_challenge was sent, so no code_verifier fits"
    if token is None:
        raise AuthorizationRefused("invalid_grant", problem)
    return _held(token.grant)


def look_at_refresh_token(client: Client, refresh: str, *, now: float) -> Held:
    """Return the sign-in of a refresh token; one that was used before ends it.

    Raises:
        AuthorizationRefused: `invalid_grant`.
    """
    with transaction.atomic():
        token, problem = _take(client, Token.Kind.REFRESH, refresh, now, use=False)
    if token is None:
        raise AuthorizationRefused("invalid_grant", problem)
    return _held(token.grant)


def rotate(client: Client, refresh: str, *, now: float) -> Tokens:
    """Use up a refresh token and return the next ones.

    Raises:
        AuthorizationRefused: `invalid_grant`, when somebody else was quicker with the same token.
    """
    with transaction.atomic():
        token, problem = _take(client, Token.Kind.REFRESH, refresh, now)
        tokens = None if token is None else _next_tokens(token.grant, now)
    if tokens is None:
        raise AuthorizationRefused("invalid_grant", problem)
    return tokens


@transaction.atomic
def issue_tokens(held: Held, *, now: float) -> Tokens:
    """Return the first tokens of a sign-in whose code was good.

    Raises:
        AuthorizationRefused: `invalid_grant`, when it ended in between.
    """
    grant = _living(held.id)
    if grant is None:
        raise AuthorizationRefused("invalid_grant", "the sign-in has ended")
    return _next_tokens(grant, now)


def find_by_access_token(access: str, *, now: float) -> Held | None:
    """Return the sign-in of an access token; `None` for one that is unknown, over, or whose sign-in has ended."""
    if not 0 < len(access) <= MAX_TOKEN_CHARACTERS:
        return None
    token = (
        Token.objects.select_related("grant")
        .filter(digest=digest_of(access), kind=Token.Kind.ACCESS, expires_at__gt=_moment(now), grant__ended_at=None)
        .first()
    )
    return None if token is None else _held(token.grant)


@transaction.atomic
def revoke(client: Client, text: str, *, now: float) -> bool:
    """End the sign-in of a token that a client hands back; return whether it was one of its own (RFC 7009, section 2)."""
    found = Token.objects.filter(digest=digest_of(text), grant__client_id=client.id).values_list("grant_id", flat=True)
    grant = _living(found[0]) if found else None
    if grant is None:
        return False
    _end(grant, "revoked", now)
    return True


def forget_old_grants(now: float) -> int:
    """Delete what has been over for a day; return how many grants. For the worker.

    Used codes and tokens stay as long as their sign-in does, so that a second use is noticed.
    """
    over = Grant.objects.filter(ended_at__lt=_moment(now) - timedelta(days=1))
    count, _by_model = over.delete()
    Token.objects.filter(kind=Token.Kind.ACCESS, expires_at__lt=_moment(now)).delete()
    return count


def _take(client: Client, kind: Token.Kind, text: str, now: float, *, use: bool = True) -> tuple[Token | None, str]:
    """Find a code or refresh token and lock its family; a second use, or somebody else's, ends the family."""
    if not 0 < len(text) <= MAX_TOKEN_CHARACTERS:
        return None, _UNKNOWN
    found = Token.objects.filter(digest=digest_of(text), kind=kind).values_list("grant_id", flat=True)
    grant = _living(found[0]) if found else None
    if grant is None:
        return None, _UNKNOWN
    token = Token.objects.select_related("grant").get(digest=digest_of(text))
    if token.used_at is not None or grant.client_id != client.id:
        reason = f"{kind.value}_reused" if token.used_at is not None else f"{kind.value}_of_another_client"
        _end(grant, reason, now)
        record_end(
            grant=grant.id, client=grant.client_id, person=grant.person_id, session=grant.session_id, reason=reason
        )
        return None, _UNKNOWN
    if token.expires_at <= _moment(now):
        return None, _UNKNOWN
    if use:
        token.used_at = _moment(now)
        token.save(update_fields=["used_at"])
    return token, ""


def _living(grant_id: str) -> Grant | None:
    return Grant.objects.select_for_update().filter(pk=grant_id, ended_at=None).first()


def _end(grant: Grant, reason: str, now: float) -> None:
    grant.ended_at, grant.end_reason = _moment(now), reason
    grant.save(update_fields=["ended_at", "end_reason"])
    owe_logout(grant, now=now)


def _next_tokens(grant: Grant, now: float) -> Tokens:
    access = _issue(grant, Token.Kind.ACCESS, now, ACCESS_SECONDS)
    refresh = ""
    if "offline_access" in grant.scopes:
        refresh = _issue(grant, Token.Kind.REFRESH, now, 366 * 24 * 3600)
    return Tokens(held=_held(grant), access=access, refresh=refresh)


def _issue(grant: Grant, kind: Token.Kind, now: float, seconds: int, **more: str) -> str:
    text = secrets.token_urlsafe(TOKEN_BYTES)
    expires_at = _moment(now) + timedelta(seconds=seconds)
    Token.objects.create(digest=digest_of(text), kind=kind, grant=grant, expires_at=expires_at, **more)
    return text


def _held(grant: Grant) -> Held:
    return Held(
        id=grant.id,
        client=grant.client_id,
        person=PersonId(grant.person_id),
        session=SessionId(grant.session_id),
        scopes=tuple(grant.scopes),
        nonce=grant.nonce,
        auth_time=grant.auth_time,
        acr=grant.acr,
        amr=tuple(grant.amr),
        created_at=grant.created_at.timestamp(),
    )


def _moment(now: float) -> datetime:
    return datetime.fromtimestamp(now, UTC)
