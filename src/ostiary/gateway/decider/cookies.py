"""Our cookies on an app's host: found in a `Cookie` header, taken out of it, and written.

What stands in a session or a grant lives in `gateway.tokens`.
Source: RFC 6265, sections 4.1 and 5.4; the `__Host-` prefix of RFC 6265bis.
"""

import re
from functools import lru_cache
from typing import Final

import msgspec

PREFIX: Final = "__Host-ostiary-"
SESSION: Final = "__Host-ostiary-session"
BEGIN: Final = "__Host-ostiary-begin"
GRANT: Final = "__Host-ostiary-grant"
BEGIN_SECONDS: Final = 900
_ATTRIBUTES: Final = "Path=/; Secure; HttpOnly; SameSite=Lax"
_BEGIN_FORM: Final = re.compile(r"[A-Za-z0-9_-]{43}", re.ASCII)


class Cookies(msgspec.Struct, frozen=True):
    """What a `Cookie` header holds, for us and for the app.

    Args:
        session: the app's session token, unchecked; `None` when there is none or more than one.
        begin: the begin value, when there is exactly one and it has our form.
        ours: whether anything was taken out for the app.
        others: the header for the app, without our cookies; empty when nothing is left.
    """

    session: str | None = None
    begin: str | None = None
    ours: bool = False
    others: str = ""


_REMEMBERED: Final = 2048
_MAX_REMEMBERED_CHARACTERS: Final = 4096
_NONE: Final = Cookies()


def read_cookies(header: str) -> Cookies:
    """Read a `Cookie` header, several joined with `; `. Two cookies of one of our names count as none."""
    if PREFIX not in header:
        return Cookies(others=header) if header else _NONE
    return _read_again(header) if len(header) <= _MAX_REMEMBERED_CHARACTERS else _read(header)


def _read(header: str) -> Cookies:
    others: list[str] = []
    found: dict[str, str | None] = {}
    for pair in header.split(";"):
        name, _, value = pair.strip().partition("=")
        if name.startswith(PREFIX):
            found[name] = value if name not in found else None
        else:
            others.append(pair.strip())
    begin = found.get(BEGIN)
    return Cookies(
        session=found.get(SESSION) or None,
        begin=begin if begin and _BEGIN_FORM.fullmatch(begin) else None,
        ours=bool(found),
        others="; ".join(filter(None, others)),
    )


_read_again = lru_cache(maxsize=_REMEMBERED)(_read)
"""A browser sends the same cookies again and again; reading them is pure."""


def set_session(token: str) -> str:
    """Return `Set-Cookie` for the app's session; it ends with the browser, or with the sign-in before."""
    return f"{SESSION}={token}; {_ATTRIBUTES}"


def set_begin(value: str) -> str:
    """Return `Set-Cookie` for the value that ties a sign-in to this browser."""
    return f"{BEGIN}={value}; {_ATTRIBUTES}; Max-Age={BEGIN_SECONDS}"


def set_grant(token: str, seconds: int) -> str:
    """Return `Set-Cookie` for a grant that is good for so many seconds."""
    return f"{GRANT}={token}; {_ATTRIBUTES}; Max-Age={seconds}"


def clear(name: str) -> str:
    """Return `Set-Cookie` that removes one of our cookies."""
    return f"{name}=; {_ATTRIBUTES}; Max-Age=0"
