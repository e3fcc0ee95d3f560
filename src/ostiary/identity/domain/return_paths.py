r"""Which paths somebody may be sent back to. The host never comes from a request, so only the path is judged.

Source: lesson 8, open redirects: `/\evil`, `//evil`, encoded white space, user information, data URLs.
"""

import re

from ostiary.errors import OstiaryError

MAX_CHARACTERS = 2048
_PATH = re.compile(r"/(?:[!$&-.0-;=@-\[\]-~/]|%(?![01][0-9A-Fa-f]|5[Cc]|7[Ff])[0-9A-Fa-f]{2})*", re.ASCII)
_QUERY = re.compile(r"[!$-;=?-\[\]-~]*", re.ASCII)


class UnsafeReturnPath(OstiaryError):
    """A return path could lead somewhere else than it says."""


def parse_return_path(text: str) -> str:
    """Return `text` if it is a plain absolute path, with a query or without.

    Refused: anything that does not start with exactly one `/`, backslashes, quotes, angle brackets, fragments and
    white space, in the path also their encoded forms and encoded control characters, and more than 2048 characters.

    Raises:
        UnsafeReturnPath: for anything else.
    """
    path, _mark, query = text.partition("?")
    if len(text) <= MAX_CHARACTERS and not path.startswith("//") and _PATH.fullmatch(path) and _QUERY.fullmatch(query):
        return text
    raise UnsafeReturnPath("The page to return to is not a path on this site.", detail=text[:200])


def return_path_or_start(text: str) -> str:
    """Return `text` if somebody may be sent there, and `/` otherwise."""
    try:
        return parse_return_path(text)
    except UnsafeReturnPath:
        return "/"
