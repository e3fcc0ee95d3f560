"""Which platform a device runs on, from what it says of itself. Everybody who asks asks here. Pure."""

import re
from typing import Final

from ostiary.devices.domain.posture import Platform

_WORD: Final = re.compile(r"[^\W\d_]{2}")
"""Without one it is a number at most, which any system may have."""
_WINDOWS: Final = re.compile(r"\bwindows")
_MACOS: Final = re.compile(r"\b(?:macos|mac os|os x|darwin)\b")


def platform_of(text: str) -> Platform | None:
    """Return the platform of a device; `None` where it says nothing, so that every check is asked of it.

    Agents for Linux name the distribution, of which there is no end, often without that word; those for macOS and Windows say so. So
    what is neither is Linux.
    """
    words = text.strip().casefold()
    if not _WORD.search(words):
        return None
    if _WINDOWS.search(words):
        return "windows"
    return "macos" if _MACOS.search(words) else "linux"
