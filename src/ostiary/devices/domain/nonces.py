"""Numbers that are given out once and must come back signed, within two minutes. Nothing is kept until one is used. Pure.

What makes them good once is kept in `services.freshness`.
"""

import base64
import binascii
import hmac
from hashlib import sha256
from typing import Final

NONCE_SECONDS: Final = 120
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
    content = int(now + NONCE_SECONDS).to_bytes(_MOMENT_BYTES, "big") + random
    return base64.urlsafe_b64encode(content + _tag(key, content)).rstrip(b"=").decode()


def nonce_end(key: bytes, nonce: str, *, now: float) -> float | None:
    """Return until when a nonce is good (seconds since the epoch), or `None` when it is over or none of ours.

    Args:
        key: as for `make_nonce`.
        nonce: as it was received, whatever it is.
        now: seconds since the epoch.
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
    ends_at = float(int.from_bytes(said[:_MOMENT_BYTES], "big"))
    return ends_at if now < ends_at else None


def _tag(key: bytes, content: bytes) -> bytes:
    return hmac.new(key, content, sha256).digest()[:_TAG_BYTES]
