"""A proof that is asked for on behalf of one very request: when it was asked for stands in the request's own address, sealed.

Nothing is stored, so whoever is not signed in makes us store nothing, and whoever signs in anew on the way loses nothing.
"""

import hashlib
from typing import Final

from django.core import signing

SALT: Final = "ostiary.asked-anew"
SECONDS: Final = 15 * 60
"""How long after it was asked for a proof counts for the request: a later one was given for something else."""


def mark_of(page: str, at: float) -> str:
    """Return the mark that a proof was asked for, which nobody else can write.

    Args:
        page: path and query of the request, without the mark.
        at: seconds since the epoch.
    """
    return signing.dumps([_digest(page), at], salt=SALT)


def asked_at(mark: str, page: str, now: float) -> float | None:
    """Return when a proof was asked for on behalf of this very request; `None` where none was, or too long ago.

    Args:
        mark: as it came.
        page: path and query of the request, without the mark.
        now: seconds since the epoch.
    """
    try:
        digest, at = signing.loads(mark, salt=SALT)
    except (signing.BadSignature, ValueError, TypeError):
        return None
    return float(at) if digest == _digest(page) and 0 <= now - at <= SECONDS else None


def _digest(page: str) -> str:
    return hashlib.sha256(page.encode()).hexdigest()[:32]
