"""Tries a directory out: what it answers now, thing by thing. Nothing is changed, and nobody signs in."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime

import msgspec

from ostiary.config.secrets import MissingSecret
from ostiary.identity.adapters.client_keys import ClientKey
from ostiary.identity.adapters.openid_discovery import Discovery, discover
from ostiary.identity.adapters.openid_tokens import count_keys
from ostiary.identity.domain.federation import DirectoryRefused, Provider
from ostiary.identity.federation_queries import client_key, client_secret


class ProviderCheck(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that was looked at when a directory was tried: what, whether it is as it should be, and more words."""

    what: str
    good: bool
    words: str = ""


def check_provider(provider: Provider) -> tuple[ProviderCheck, ...]:
    """Return what a directory answers now, thing by thing; the first that fails ends it."""
    found: list[ProviderCheck] = []
    key = None
    what = "The key can be read" if provider.proves_by == "key" else "The client secret can be read"
    try:
        if provider.proves_by == "key":
            key = client_key(provider.id)
        else:
            client_secret(provider.id)
        found.append(ProviderCheck(what=what, good=True))
        document = discover(provider.issuer, fresh=True)
        found.append(ProviderCheck(what="The directory answers for this issuer", good=True, words=document.issuer))
        found.extend(_checks_of(provider, document, key))
    except (DirectoryRefused, MissingSecret) as error:
        words = error.detail if isinstance(error, DirectoryRefused) else str(error)
        failed = "The directory answers" if isinstance(error, DirectoryRefused) else what
        found.append(ProviderCheck(what=failed, good=False, words=words))
    return tuple(found)


def _checks_of(provider: Provider, document: Discovery, key: ClientKey | None) -> Iterator[ProviderCheck]:
    """Say what follows from what the directory says of itself."""
    keys = count_keys(document)
    yield ProviderCheck(what="It publishes keys to check its word with", good=keys > 0, words=str(keys))
    if key is not None:
        known = "private_key_jwt" in document.token_endpoint_auth_methods_supported
        yield ProviderCheck(
            what="It takes a key in the place of a secret (private_key_jwt)",
            good=known and key.ends_at > time.time(),
            words=f"until {datetime.fromtimestamp(key.ends_at, UTC):%Y-%m-%d}" if known else "",
        )
    if provider.signs_out:
        address = document.end_session_endpoint or ""
        yield ProviderCheck(what="It has an address for signing out there", good=bool(address), words=address)
    if document.backchannel_logout_supported is True:
        yield ProviderCheck(
            what="It sends word of sign-outs there", good=True, words="where the address is entered there"
        )
    methods = document.code_challenge_methods_supported
    yield ProviderCheck(
        what="Codes are bound to the browser (PKCE, S256)",
        good=not methods or "S256" in methods,
        words="" if methods else "it does not say; it is asked for all the same",
    )
