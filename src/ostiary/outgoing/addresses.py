"""Addresses of other systems: which of them anything may be sent to. Pure."""

from typing import Final
from urllib.parse import SplitResult, urlsplit

from ostiary.errors import OstiaryError

MAX_URL_CHARACTERS: Final = 2000


class Unreachable(OstiaryError):
    """Another system does not answer, or its address is none to send anything to."""


def may_be_asked(url: str) -> bool:
    """Tell whether anything may be sent to an address: by TLS, or without it on this machine."""
    parts = split_url(url)
    if parts is None:
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and is_this_machine(parts.hostname or ""))


def is_this_machine(host: str) -> bool:
    """Tell whether a name means this machine wherever it is read (RFC 6761, section 6.3)."""
    return host in {"localhost", "127.0.0.1", "::1"} or host.endswith(".localhost")


def split_url(url: str) -> SplitResult | None:
    """Return the parts of an address; `None` where it cannot be read, or says something that could lead elsewhere."""
    if (
        not 0 < len(url) <= MAX_URL_CHARACTERS
        or not url.isascii()
        or not url.isprintable()
        or set(url) & set(' \\"<>^`{|}')
    ):
        return None
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return None
    if not parts.hostname or "@" in parts.netloc or parts.fragment or port == 0:
        return None
    return parts
