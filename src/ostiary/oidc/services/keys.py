"""Replacing the keys that sign: by hand, or by the worker when the one that signs has grown old."""

from typing import Final

from django.conf import settings

from ostiary.oidc.adapters.key_files import KEPT, add_key, list_keys
from ostiary.oidc.journal import PROVIDER, record_keys
from ostiary.visibility.facade import Actor

KEY_SECONDS: Final = 90 * 24 * 3600.0


def rotate_keys(*, actor: Actor, now: float, forget: bool = False) -> tuple[str, ...]:
    """Sign with a new key from now on; the one before still counts, unless it is to be forgotten. Return their names.

    Args:
        actor: who asks for it.
        now: seconds since the epoch.
        forget: let nothing count that was signed before: for a key that others know.

    Raises:
        RecordUnavailable: when it cannot be put on record; the keys were replaced all the same.
    """
    kids = tuple(key.kid for key in add_key(settings.INSTANCE.secrets, now=now, keep=1 if forget else KEPT))
    record_keys(actor, kids, "earlier keys forgotten" if forget else "new key")
    return kids


def rotate_old_keys(now: float) -> int:
    """Replace the key that signs when it is old; return how many were made. For the worker."""
    keys = list_keys(settings.INSTANCE.secrets)
    if not keys or now - keys[0].made_at < KEY_SECONDS:
        return 0
    rotate_keys(actor=PROVIDER, now=now)
    return 1
