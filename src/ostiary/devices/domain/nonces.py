"""Numbers that are given out once and must come back signed, before long. Nothing is kept until one is used. Pure.

A number says when it was given out; how long it is good depends on what it is used for.

What makes them good once is kept in `services.freshness`.
"""

import base64
import binascii
import hmac
from hashlib import sha256
from typing import Final

NONCE_SECONDS: Final = 120
REPORT_NONCE_SECONDS: Final = 900
"""An answer to a report brings the number for the next one, which may be a while off."""

_TICKS: Final = 1_000_000
_RANDOM_BYTES: Final = 16
_MOMENT_BYTES: Final = 8
_TAG_BYTES: Final = 16
_LENGTH: Final = _MOMENT_BYTES + _RANDOM_BYTES + _TAG_BYTES


def make_nonce(key: bytes, *, now: float, random: bytes) -> str:
    """Return a nonce.

    Args:
        key: the instance's, for this purpose alone.
        now: seconds since the epoch.
        random: 16 bytes nobody can foresee.
    """
    content = int(now * _TICKS).to_bytes(_MOMENT_BYTES, "big") + random
    return base64.urlsafe_b64encode(content + _tag(key, content)).rstrip(b"=").decode()


def nonce_moment(key: bytes, nonce: str, *, now: float, seconds: int = NONCE_SECONDS) -> float | None:
    """Return when a nonce was given out (seconds since the epoch), or `None` when it is over or none of ours.

    Args:
        key: as for `make_nonce`.
        nonce: as it was received, whatever it is.
        now: seconds since the epoch.
        seconds: for how long it is good.
    """
    try:
        content = base64.b64decode(nonce + "=" * (-len(nonce) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return None
    if len(content) != _LENGTH or base64.urlsafe_b64encode(content).rstrip(b"=").decode() != nonce:
        return None
    said, tag = content[:-_TAG_BYTES], content[-_TAG_BYTES:]
    if not hmac.compare_digest(tag, _tag(key, said)):
        return None
    given_at = int.from_bytes(said[:_MOMENT_BYTES], "big") / _TICKS
    return given_at if now < given_at + seconds else None


def _tag(key: bytes, content: bytes) -> bytes:
    return hmac.new(key, content, sha256).digest()[:_TAG_BYTES]
