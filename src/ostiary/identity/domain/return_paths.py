"""Which paths somebody may be sent back to. The host never comes from a request, so only the path is judged.

Source: lesson 8, open redirects: `/\\evil`, `//evil`, encoded white space, user information, data URLs.
"""

import re

from ostiary.errors import OstiaryError

MAX_CHARACTERS = 2048
_SAFE = re.compile(r"/(?:[A-Za-z0-9._~!$&'()*+,;=:@/?-]|%(?![01][0-9A-Fa-f]|5[Cc]|7[Ff])[0-9A-Fa-f]{2})*", re.ASCII)


class UnsafeReturnPath(OstiaryError):
    """A return path could lead somewhere else than it says."""


def parse_return_path(text: str) -> str:
    """Return `text` if it is a plain absolute path, with a query or without.

    Refused: anything that does not start with exactly one `/`, backslashes (plain or encoded), control characters
    and white space (plain or encoded), fragments, and anything longer than 2048 characters.

    Raises:
        UnsafeReturnPath: for anything else.
    """
    if len(text) <= MAX_CHARACTERS and not text.startswith("//") and _SAFE.fullmatch(text):
        return text
    raise UnsafeReturnPath("The page to return to is not a path on this site.", detail=text[:200])
