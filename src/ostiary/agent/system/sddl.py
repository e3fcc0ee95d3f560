"""Reads who may use a file of Windows from its security descriptor. Pure; whatever cannot be read is nobody's own.

Source: Microsoft, Security Descriptor Definition Language: string format, ACE strings, SID strings.
"""

import re
from typing import Final

import msgspec

SYSTEM: Final = frozenset({"SY", "S-1-5-18", "BA", "S-1-5-32-544"})
"""Windows itself and its administrators, who may read everything anyway, as root may elsewhere."""
_OWNERS: Final = frozenset({"OW", "S-1-3-4", "CO", "S-1-3-0"})
"""Whoever the owner is."""
_FIRST_ACCOUNT: Final = "LA"
"""The account that every Windows begins with; its identifier ends with 500."""
_WHOLE: Final = re.compile(
    r"O:(?P<owner>S-[0-9-]{1,180}|[A-Z]{2})(?:G:(?:S-[0-9-]{1,180}|[A-Z]{2}))?"
    r"D:(?P<flags>[A-Z_]{0,40})(?P<entries>(?:\([^()]{1,400}\)){0,200})",
    re.ASCII,
)
_ALLOWS_ALL: Final = "NO_ACCESS_CONTROL"
_DENIES: Final = frozenset({"D", "OD", "XD"})
_FIELDS: Final = 6


class Access(msgspec.Struct, frozen=True, kw_only=True):
    """Who may use something.

    Args:
        is_own: whether its owner is who asks, or Windows itself.
        others: who else may do anything with it, as Windows names them.
    """

    is_own: bool
    others: tuple[str, ...]


def read_access(sddl: str, *, own: str) -> Access:
    """Return who may use something.

    Args:
        sddl: its owner and its list of who may do what, whatever that is.
        own: the security identifier of who asks.
    """
    said = _WHOLE.fullmatch(sddl)
    if said is None or _ALLOWS_ALL in said["flags"]:
        return Access(is_own=False, others=("everybody",))
    named = {own} | ({_FIRST_ACCOUNT} if own.startswith("S-1-5-21-") and own.endswith("-500") else set())
    trusted = named | SYSTEM
    others = []
    for entry in re.findall(r"\(([^()]*)\)", said["entries"]):
        fields = entry.split(";")
        if len(fields) < _FIELDS:
            return Access(is_own=False, others=("everybody",))
        if fields[0] not in _DENIES and fields[5] not in trusted | _OWNERS:
            others.append(fields[5])
    return Access(is_own=said["owner"] in trusted, others=tuple(others))
