"""Which record is probably about which device, for a person to judge: nothing of it links by itself. Pure.

Owner, name and system are what both sides say of themselves, so they prove nothing; they save looking for what belongs together.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Final

import msgspec

from ostiary.mdm.domain.records import Record

_OTHERS: Final = ("ios", "ipados", "android", "chrome", "tvos", "watchos", "visionos")
"""Systems that no agent runs on."""

_Alike = tuple[str, str, str]


class Computer(msgspec.Struct, frozen=True, kw_only=True):
    """A computer as one side knows it.

    Args:
        id: its number or identifier on that side.
        owner: the address of whoever has it.
        name: its own name, with or without a domain.
        platform: `linux`, `macos` or `windows`; empty where it is not known, or another.
        open: whether it may be suggested; one that may not still makes another one ambiguous.
    """

    id: str
    owner: str
    name: str
    platform: str
    open: bool


def system_of(record: Record) -> str:
    """Return what a record's computer runs on, in its own words; empty where that is not said, or no agent runs on it."""
    said = record.facts.get("os_version")
    text = said.strip() if isinstance(said, str) else ""
    return "" if text.casefold().startswith(_OTHERS) else text


def suggest(there: Iterable[Computer], here: Iterable[Computer]) -> tuple[tuple[str, str], ...]:
    """Return pairs of identifiers that have owner, name and platform in common, and with nobody else on either side.

    Args:
        there: as device management knows them.
        here: as we know them.
    """
    ours = _by_what_they_say(here)
    found = ((theirs, ours.get(alike, [])) for alike, theirs in _by_what_they_say(there).items())
    return tuple(
        (theirs[0].id, mine[0].id)
        for theirs, mine in found
        if len(theirs) == len(mine) == 1 and theirs[0].open and mine[0].open
    )


def _by_what_they_say(computers: Iterable[Computer]) -> Mapping[_Alike, list[Computer]]:
    found: defaultdict[_Alike, list[Computer]] = defaultdict(list)
    for one in computers:
        alike = (one.owner.strip().casefold(), one.platform, one.name.strip().casefold().partition(".")[0])
        if all(alike):
            found[alike].append(one)
    return found
