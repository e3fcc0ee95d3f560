"""What a request path could mean, and where a person may be sent back to.

A path is decided on in every reading an app could give it, and is refused when one of them leaves the tree. Whether a
path is allowed is decided in `policy`.
Source: RFC 3986, sections 3.3 and 6.2.2.
"""

import re
from typing import Final
from urllib.parse import quote, unquote

from ostiary.errors import OstiaryError

MAX_PATH_CHARACTERS: Final = 4096
MAX_RETURN_CHARACTERS: Final = 2048
OWN_PREFIX: Final = "/.ostiary/"
_ODD: Final = re.compile(r"[;?#%\\\x00-\x1f\x7f-\x9f\ufffd\ud800-\udfff]|//|/\.{1,2}(?:/|$)")
_REFUSED: Final = re.compile(r"[\\\x00-\x1f\x7f-\x9f\ufffd\ud800-\udfff]|//|/\.{1,2}(?:/|$)")
_PARAMETERS: Final = re.compile(r";[^/]*")
_ESCAPE: Final = re.compile(r"%[0-9A-Fa-f]{2}")
_ESCAPED_SEPARATOR: Final = re.compile(r"%(?:2[fF]|5[cC])")
_MAX_READINGS: Final = 8
_RETURN_FORM: Final = re.compile(r"/(?![/\\])[!-\[\]-~]*", re.ASCII)


class MalformedPath(OstiaryError):
    """A path that two programs could read as different places."""


class PathTooLong(OstiaryError):
    """A path that is longer than anything we decide on."""


def readings(path: str) -> tuple[str, ...]:
    """Return every place `path` could mean to an app; the first is the path itself.

    An app may cut a path at an escaped `?` or `#`, ignore `;parameters` or decode escapes twice. Each of these is a
    reading of its own, and a request passes only where all of them may.

    Args:
        path: percent-decoded once, without the query.

    Raises:
        MalformedPath: when a reading has an empty, `.` or `..` segment, a backslash, a control character or bytes
            that are not UTF-8.
        PathTooLong: beyond `MAX_PATH_CHARACTERS`.
    """
    if len(path) > MAX_PATH_CHARACTERS:
        raise PathTooLong("The path is too long.")
    if not path.startswith("/"):
        raise MalformedPath("A path starts with a slash.")
    if not _ODD.search(path):
        return (path,)
    found: dict[str, None] = {path: None}
    waiting = [path]
    while waiting:
        reading = waiting.pop()
        if _REFUSED.search(reading):
            raise MalformedPath("The path could be read in two ways.")
        for other in _others(reading):
            if other not in found:
                found[other] = None
                waiting.append(other)
        if len(found) > _MAX_READINGS:
            raise MalformedPath("The path could be read in many ways.")
    return tuple(found)


def decode_path(raw: str) -> str:
    """Return a path as sent, decoded once.

    Raises:
        MalformedPath: when it hides a separator behind an escape.
    """
    if _ESCAPED_SEPARATOR.search(raw):
        raise MalformedPath("The path hides a separator.")
    return unquote(raw, errors="replace")


def _others(path: str) -> tuple[str, ...]:
    cut = re.split(r"[?#]", path, maxsplit=1)[0] or "/"
    decoded = unquote(path, errors="replace") if _ESCAPE.search(path) else path
    return cut, _PARAMETERS.sub("", path), decoded


def encode_location(path: str, query: str) -> str:
    """Return a decoded path and a query as they stand in a `Location`."""
    text = quote(path, safe="/:@!$&'()*+,;=~")
    return f"{text}?{query}" if query else text


def local_path(text: str) -> str:
    """Return `text` when it is a path on this very host that we may send a browser to, else `/`.

    Only printable ASCII, one leading slash, no backslash, bounded in length, and not one of our own paths: whatever a
    browser may make of it, it stays on the host.
    """
    if len(text) > MAX_RETURN_CHARACTERS or not _RETURN_FORM.fullmatch(text):
        return "/"
    decoded = unquote(text.partition("?")[0].partition("#")[0])
    if decoded.startswith(("//", "/\\", OWN_PREFIX)) or _REFUSED.search(decoded):
        return "/"
    return text
