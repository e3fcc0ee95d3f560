"""The key by which this instance proves itself to a directory: made, made known, changed for the next. Files, on record."""

import time

from django.conf import settings

from ostiary.identity.adapters.client_keys import ClientKey, make_key, read_key
from ostiary.identity.domain.federation import DIRECTORY, Provider
from ostiary.identity.errors import NotAllowed
from ostiary.identity.federation_queries import get_provider, key_name, next_key_name
from ostiary.visibility.facade import Actor, record_entity_change


def prepare_key(*, provider_id: str, actor: Actor) -> ClientKey:
    """Make a key for a directory: its first one, or the next one, which is made known and not used yet.

    Raises:
        UnknownProvider: when there is no such directory.
        NotAllowed: when the next one is there already.
    """
    provider = get_provider(provider_id)
    folder, instance = settings.INSTANCE.secrets, settings.INSTANCE
    first = read_key(folder, key_name(provider.id)) is None
    name = key_name(provider.id) if first else next_key_name(provider.id)
    try:
        key = make_key(folder, name, subject=f"{provider.id} {instance.identity_host}", now=time.time())
    except FileExistsError:
        raise NotAllowed(
            "The next key is there already.", hint=f"Change to it: ostiary directory key switch {provider.id}"
        ) from None
    try:
        _record(provider, f"key {key.kid} made", actor)
    except BaseException:
        (folder / name).unlink(missing_ok=True)
        raise
    return key


def switch_key(*, provider_id: str, actor: Actor) -> ClientKey:
    """Prove this instance by the next key from now on, and forget the one before.

    Raises:
        UnknownProvider: when there is no such directory.
        NotAllowed: when no next key was made.
    """
    provider = get_provider(provider_id)
    folder = settings.INSTANCE.secrets
    coming = read_key(folder, next_key_name(provider.id))
    if coming is None:
        raise NotAllowed("There is no next key.", hint=f"Make one: ostiary directory key make {provider.id}")
    _record(provider, f"key {coming.kid} in use, the one before forgotten", actor)
    (folder / next_key_name(provider.id)).replace(folder / key_name(provider.id))
    return coming


def _record(provider: Provider, words: str, actor: Actor) -> None:
    record_entity_change(DIRECTORY, provider.id, "update", actor=actor, name=provider.name, comment=words)
