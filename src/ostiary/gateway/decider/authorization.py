"""The token of ours in an `Authorization` header.

Only tokens of ours are looked at, known by their prefix; any other credential in that header is the app's affair, neither
believed nor taken away. One of ours never reaches an app.
Source: RFC 6750, section 2.1.
"""

import re
from typing import Final

from ostiary.policy.bearers import PREFIXES

UNREADABLE: Final = ""
_BEARER: Final = re.compile(r"[Bb][Ee][Aa][Rr][Ee][Rr] +([A-Za-z0-9._~+/-]{1,4096}=*)", re.ASCII)


def own_token(authorization: str) -> str | None:
    """Return the token of ours in an `Authorization` header; `None` when there is none.

    Args:
        authorization: the header's value, several joined; what names a token of ours and is not exactly one is `UNREADABLE`.
    """
    lowered = authorization.lower()
    if not any(prefix in lowered for prefix in PREFIXES):
        return None
    match = _BEARER.fullmatch(authorization)
    return match[1] if match and match[1].startswith(PREFIXES) else UNREADABLE
