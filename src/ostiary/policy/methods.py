"""Which class of action an HTTP method is. Apps may say otherwise for their own methods in the catalogue.

Source: RFC 9110 section 9 (safe methods), RFC 4918 (WebDAV), RFC 3253 and RFC 4791 (REPORT and friends).
"""

from collections.abc import Mapping
from typing import Final

from ostiary.policy.request import ActionClass

DEFAULT_METHODS: Final[Mapping[str, ActionClass]] = {
    "GET": ActionClass.VIEW,
    "HEAD": ActionClass.VIEW,
    "OPTIONS": ActionClass.VIEW,
    "PROPFIND": ActionClass.VIEW,
    "REPORT": ActionClass.VIEW,
    "SEARCH": ActionClass.VIEW,
    "POST": ActionClass.EDIT,
    "PUT": ActionClass.EDIT,
    "PATCH": ActionClass.EDIT,
    "PROPPATCH": ActionClass.EDIT,
    "MKCOL": ActionClass.EDIT,
    "MKCALENDAR": ActionClass.EDIT,
    "COPY": ActionClass.EDIT,
    "LOCK": ActionClass.EDIT,
    "UNLOCK": ActionClass.EDIT,
    "DELETE": ActionClass.DELETE,
    "MOVE": ActionClass.DELETE,
    "CONNECT": ActionClass.CONNECT,
}


def action_class(method: str, overrides: Mapping[str, ActionClass]) -> ActionClass:
    """Return what `method` does.

    Args:
        method: as in the request line; methods are case-sensitive, so `get` is not known.
        overrides: the app's own mapping, which wins.

    Returns:
        `ActionClass.UNKNOWN` for a method that neither knows; only `do: any` allows that.
    """
    return overrides.get(method) or DEFAULT_METHODS.get(method, ActionClass.UNKNOWN)
