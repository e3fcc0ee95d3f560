"""Signs what this instance tells others, and says by which keys others know it. The keys themselves are in `key_files`."""

from typing import Any

import jwt
from django.conf import settings

from ostiary.signals.adapters.key_files import ALGORITHM, key_that_signs, list_keys
from ostiary.signals.domain.tokens import TYPE


def sign(claims: dict[str, Any], *, now: float) -> str:
    """Return a security event token.

    Args:
        claims: what it says.
        now: seconds since the epoch.

    Raises:
        MissingSecret: when the key cannot be read.
    """
    key = key_that_signs(list_keys(settings.INSTANCE.secrets), now)
    return jwt.encode(claims, key.private, algorithm=ALGORITHM, headers={"typ": TYPE, "kid": key.kid})


def public_keys() -> dict[str, Any]:
    """Return the key set that receivers check signatures with (RFC 7517), keys that do not sign yet included.

    Raises:
        MissingSecret: when a key cannot be read.
    """
    return {"keys": [key.public_jwk() for key in list_keys(settings.INSTANCE.secrets)]}
