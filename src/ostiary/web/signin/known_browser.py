"""Marks browsers in which somebody has signed in, so that guesses made elsewhere never shut them out.

The mark opens nothing. It only says under which count this browser's mistakes are kept.
"""

import hashlib
import secrets
from typing import Final

from django.core import signing
from django.http import HttpRequest, HttpResponseBase

COOKIE: Final = "__Host-ostiary-known"
SALT: Final = "ostiary.known-browser"
LIFE_SECONDS: Final = 180 * 24 * 3600
MAX_PEOPLE: Final = 8


def mark_of(request: HttpRequest, email: str) -> str | None:
    """Return this browser's mark for the person with this address, if they have signed in here before."""
    return _marks(request).get(_key(email))


def mark_browser(request: HttpRequest, response: HttpResponseBase, email: str) -> None:
    """Give this browser a mark for the person with this address, unless it has one."""
    marks = _marks(request)
    if _key(email) in marks:
        return
    kept = dict(list(marks.items())[-(MAX_PEOPLE - 1) :])
    kept[_key(email)] = secrets.token_urlsafe(12)
    response.set_cookie(
        COOKIE,
        signing.dumps(kept, salt=SALT),
        max_age=LIFE_SECONDS,
        secure=True,
        httponly=True,
        samesite="Lax",
        path="/",
    )


def _marks(request: HttpRequest) -> dict[str, str]:
    try:
        marks = signing.loads(request.COOKIES.get(COOKIE, ""), salt=SALT, max_age=LIFE_SECONDS)
    except signing.BadSignature:
        return {}
    return marks if isinstance(marks, dict) else {}


def _key(email: str) -> str:
    return hashlib.sha256(email.strip().lower().encode("utf-8", "surrogatepass")).hexdigest()[:16]
