"""A part of a search's results at a time. A token says after which result to go on, and of which search; it grants nothing.

Results come in the order of their identifiers, so that none is repeated or left out while others come and go.
Source: AuthZEN Authorization API 1.0, section 8.2.
"""

import base64
import binascii
import hashlib
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from ostiary.gateway.decider.authzen.messages import Page, Search
from ostiary.gateway.decider.authzen.reading import UnusableMessage

DEFAULT_LIMIT: Final = 100
MAX_LIMIT: Final = 1000


class _Token(msgspec.Struct, frozen=True, array_like=True):
    after: str
    limit: Annotated[int, Meta(ge=0)] | None
    search: bytes


class Wanted(msgspec.Struct, frozen=True):
    """Which results are wanted.

    Args:
        after: the identifier of the last one that was given; empty at the beginning.
        limit: how many at most.
        asked_limit: how many were asked for, for the next token.
        search: what tells this search from others.
    """

    after: str
    limit: int
    asked_limit: int | None
    search: bytes

    def token_after(self, last: str) -> str:
        """Return the token that goes on after a result."""
        token = msgspec.msgpack.encode(_Token(last, self.asked_limit, self.search))
        return base64.urlsafe_b64encode(token).decode().rstrip("=")


def wanted(search: Search) -> Wanted:
    """Return which of a search's results are wanted.

    Raises:
        UnusableMessage: when the token is not ours, or belongs to another search or limit.
    """
    page, mark = search.page, _mark(search)
    if not page.token:
        return _wanted("", page.limit, mark)
    token = _read(page.token)
    if token.search != mark or page.limit not in (None, token.limit):
        raise UnusableMessage(
            "`page.token` belongs to another search. Repeat the same question with it, or leave it out."
        )
    return _wanted(token.after, token.limit, mark)


def _wanted(after: str, limit: int | None, mark: bytes) -> Wanted:
    return Wanted(after, min(MAX_LIMIT, DEFAULT_LIMIT if limit is None else limit), limit, mark)


def _mark(search: Search) -> bytes:
    question = msgspec.structs.replace(search, page=Page())
    return hashlib.sha256(type(search).__name__.encode() + b"\0" + msgspec.json.encode(question)).digest()[:16]


def _read(text: str) -> _Token:
    try:
        content = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        return msgspec.msgpack.decode(content, type=_Token)
    except (binascii.Error, msgspec.MsgspecError, ValueError):
        raise UnusableMessage("`page.token` is none that was given out. Leave it out to begin anew.") from None
