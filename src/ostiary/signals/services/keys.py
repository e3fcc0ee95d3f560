"""Replacing the key that signs: by hand, or by the worker when the newest has grown old."""

from typing import Final

from django.conf import settings

from ostiary.signals.adapters.key_files import add_key, key_that_signs, list_keys
from ostiary.signals.journal import KEY
from ostiary.visibility.facade import Actor, record_entity_change

KEY_SECONDS: Final = 90 * 86_400.0
WORKER: Final = Actor(kind="system", id="signals", label="shared signals")


def rotate_key(*, actor: Actor, now: float, forget: bool = False, reason: str = "") -> tuple[str, ...]:
    """Publish a new key, which signs a day later; the one before still counts. Return their names, the one that signs first.

    Args:
        actor: who asks for it.
        now: seconds since the epoch.
        forget: sign with the new one at once and let nothing count that another signed: for a key that others know.
        reason: why.

    Raises:
        RecordUnavailable: when it cannot be put on record; the key was made all the same.
    """
    keys = add_key(settings.INSTANCE.secrets, now=now, forget=forget)
    signing = key_that_signs(keys, now)
    after = {"signs": signing.kid, "published": [key.kid for key in keys], "forgotten": forget}
    record_entity_change(KEY, keys[-1].kid, "create", actor=actor, after=after, comment=reason)
    return (signing.kid, *(key.kid for key in keys if key is not signing))


def rotate_old_key(*, now: float) -> int:
    """Replace the key that signs when it is old; return how many were made. For the worker."""
    if now - list_keys(settings.INSTANCE.secrets)[-1].made_at < KEY_SECONDS:
        return 0
    rotate_key(actor=WORKER, now=now, reason="the one before was 90 days old")
    return 1
