"""How tokens that programs carry to apps look: each kind by its prefix, so that scanners for leaked secrets know them too.

Whose a token is, is found in `gateway.decider.bearers`; issuing them is `workloads`'.
"""

import hashlib
from typing import Final

SERVICE_PREFIX: Final = "ostiary_wl_"
PERSONAL_PREFIX: Final = "ostiary_pat_"
PREFIXES: Final = (SERVICE_PREFIX, PERSONAL_PREFIX)
TOKEN_METHOD: Final = "token"  # noqa: S105 - the name of a proof, as it stands on record
"""The one proof of a personal access token. It is worth no second factor, whatever the person proved when making it."""


def personal_token(entropy: bytes) -> str:
    """Return the personal access token made of some randomness, 32 bytes.

    Raises:
        ValueError: when there are not that many.
    """
    if len(entropy) != 32:
        raise ValueError("a token has 256 random bits")
    return PERSONAL_PREFIX + entropy.hex()


def digest_of_token(token: str) -> bytes:
    """Return what is stored and published of a token. Its 256 random bits cannot be guessed, so no salt is needed."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
