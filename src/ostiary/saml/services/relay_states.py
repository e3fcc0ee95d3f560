"""Relay states that are too long for the browser's address: kept here for as long as somebody may take to sign in.

Anybody can make us keep one, so they are few, short and soon forgotten. One that is gone ends the sign-in it belongs to.
"""

import secrets
from datetime import UTC, datetime, timedelta
from typing import Final

from django.db import transaction

from ostiary.saml.models import KeptRelayState

IN_ADDRESS_BYTES: Final = 200
"""Up to so many travel in the browser's address, sealed."""
KEEP_SECONDS: Final = 15 * 60
KEPT_AT_MOST: Final = 2000
"""Together no more than 4 MiB. Past that the oldest goes."""


@transaction.atomic
def keep_relay_state(text: str, now: float) -> str:
    """Keep a relay state; return by which key it is found, empty for one short enough to travel.

    Args:
        text: as the application gave it, within the bounds of `bindings`.
        now: seconds since the epoch.
    """
    value = text.encode("utf-8", "surrogatepass")
    if len(value) <= IN_ADDRESS_BYTES:
        return ""
    at = datetime.fromtimestamp(now, UTC)
    KeptRelayState.objects.filter(forget_at__lt=at).delete()
    over = KeptRelayState.objects.order_by("-forget_at").values_list("pk", flat=True)[KEPT_AT_MOST - 1 :]
    KeptRelayState.objects.filter(pk__in=list(over)).delete()
    key = secrets.token_urlsafe(16)
    KeptRelayState.objects.create(key=key, value=value, forget_at=at + timedelta(seconds=KEEP_SECONDS))
    return key


def kept_relay_state(key: str, now: float) -> str | None:
    """Return a relay state that was kept; `None` when it is gone.

    Args:
        key: as `keep_relay_state` gave it.
        now: seconds since the epoch.
    """
    row = KeptRelayState.objects.filter(pk=key, forget_at__gte=datetime.fromtimestamp(now, UTC)).first()
    return None if row is None else bytes(row.value).decode("utf-8", "surrogatepass")
