"""Signing out at another directory: the way there from here, and its word that somebody signed out there.

Source: OpenID Connect RP-Initiated Logout 1.0; Back-Channel Logout 1.0.
"""

import secrets
import threading
import time
from typing import Final

import msgspec
from django.http import HttpRequest
from django.utils.crypto import constant_time_compare

from ostiary.identity.adapters.openid import sign_out_url
from ostiary.identity.adapters.openid_discovery import discover
from ostiary.identity.adapters.openid_tokens import read_logout_token
from ostiary.identity.domain.federation import DirectoryRefused, Provider, Reason, read_logout
from ostiary.identity.errors import UnknownProvider
from ostiary.identity.federation_queries import get_provider, signed_out_url
from ostiary.identity.services.directory_logouts import end_by_directory

HINT_KEY: Final = "ostiary_directory_hint"
LEAVING_KEY: Final = "ostiary_directory_leaving"
MAX_HINT_CHARACTERS: Final = 6000
MAX_LOGOUT_TOKEN_CHARACTERS: Final = 16_000
_checking = threading.BoundedSemaphore(3)
"""Checking may wait for the directory's keys; whoever sends rubbish takes no more threads than these."""


class Parting(msgspec.Struct, frozen=True):
    """What is known of a browser's sign-in at a directory, before its session here is forgotten.

    Args:
        provider: the directory.
        id_token: what the sign-in began with; empty when it is not known.
    """

    provider: Provider
    id_token: str


def keep_hint(request: HttpRequest, provider: Provider, id_token: str) -> None:
    """Keep, in the browser's session, what the directory wants to see when they sign out there; nothing if nobody chose so."""
    if provider.signs_out:
        hint = id_token if len(id_token) <= MAX_HINT_CHARACTERS else ""
        request.session[HINT_KEY] = [provider.id, hint]


def parting_of(request: HttpRequest) -> Parting | None:
    """Return at which directory the browser is to be signed out too; `None` for none. Ask before its session is forgotten."""
    kept = request.session.get(HINT_KEY)
    if not isinstance(kept, list) or len(kept) != 2:
        return None
    try:
        provider = get_provider(str(kept[0]))
    except UnknownProvider:
        return None
    return Parting(provider, str(kept[1])) if provider.signs_out else None


def way_out(request: HttpRequest, parting: Parting) -> str:
    """Return where the browser goes to be signed out there; empty where the directory has no such address.

    Args:
        request: from the browser, signed out here.
        parting: the directory.

    Raises:
        DirectoryRefused: when the directory does not answer.
    """
    state = secrets.token_urlsafe(16)
    url = sign_out_url(
        parting.provider,
        discover(parting.provider.issuer),
        id_token=parting.id_token,
        return_uri=signed_out_url(parting.provider.id),
        state=state,
    )
    if url:
        request.session[LEAVING_KEY] = [parting.provider.id, state]
    return url


def is_back(request: HttpRequest, provider_id: str) -> bool:
    """Say whether this browser comes back from being signed out there; it is said once."""
    kept = request.session.pop(LEAVING_KEY, None)
    if not isinstance(kept, list) or len(kept) != 2:
        return False
    return bool(kept[0] == provider_id) and constant_time_compare(str(kept[1]), request.GET.get("state", ""))


def take_logout(provider: Provider, token: str) -> int:
    """End the sign-ins that a directory's logout token is about, and return how many there were.

    Raises:
        DirectoryRefused: when the token is none, is not for this instance, or was used before; `unreachable` when the
            directory's keys cannot be had, or too many tokens are being checked.
    """
    if len(token) > MAX_LOGOUT_TOKEN_CHARACTERS:
        raise DirectoryRefused(Reason.TOKEN_REFUSED, detail="the logout token is too long")
    if not _checking.acquire(blocking=False):
        raise DirectoryRefused(Reason.UNREACHABLE, detail="too many logout tokens at once")
    try:
        claims = read_logout_token(provider, discover(provider.issuer), token)
    finally:
        _checking.release()
    now = time.time()
    return end_by_directory(provider=provider, logout=read_logout(claims, now=now), now=now)
