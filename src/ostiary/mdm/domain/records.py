"""One device as device management elsewhere knows it, and how fields of its answers are read. Pure.

Whatever is not there, or is not what it should be, is not known; an answer that is no answer at all is an error.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final

import msgspec

from ostiary.errors import OstiaryError
from ostiary.outgoing.wording import fit

MAX_CHARACTERS: Final = 200
MAX_IDENTIFIER_CHARACTERS: Final = 100
NO_SERIALS: Final = frozenset(
    {
        "",
        "0",
        "none",
        "unknown",
        "n/a",
        "default string",
        "system serial number",
        "to be filled by o.e.m.",
        "not specified",
    }
)
"""What makers write where they wrote no serial number; nothing is told apart by it."""

Value = bool | int | str


class UnreadableAnswer(OstiaryError):
    """What a vendor answered is not what it documents."""


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """One device, as known there.

    Args:
        there: its identifier there.
        name: what it is called there.
        serial: of its hardware, in small letters; empty where none that tells it apart is known.
        hardware_uuid: likewise.
        owner: the address of whoever it is given to there, in small letters.
        standing: how it stands there, in the vendor's word.
        managed: whether it is under management there, rather than merely known.
        synced_at: when the vendor heard of it, seconds since the epoch; `None` where it does not say.
        facts: by name, as `devices` knows them.
    """

    there: str
    name: str = ""
    serial: str = ""
    hardware_uuid: str = ""
    owner: str = ""
    standing: str = ""
    managed: bool = False
    synced_at: float | None = None
    facts: dict[str, Value] = {}


class Page(msgspec.Struct, frozen=True, kw_only=True):
    """One page of an answer. `more`: the address of the next, empty for none; `skipped`: entries that cannot be read."""

    records: tuple[Record, ...]
    more: str = ""
    skipped: int = 0


def read_page(body: Any, key: str, read: Callable[[Mapping[str, Any]], Record | None]) -> Page:
    """Return the records below a key of an answer.

    Args:
        body: the answer, read as JSON.
        key: where the list of entries is.
        read: makes a record of one; `None` where it has no identifier.

    Raises:
        UnreadableAnswer: when there is no such list.
    """
    entries = body.get(key) if isinstance(body, Mapping) else None
    if not isinstance(entries, list):
        raise UnreadableAnswer(
            f"The answer has no list {key!r}.",
            hint="Is the address that of the product itself, and its version one of today?",
        )
    found = [read(one) if isinstance(one, Mapping) else None for one in entries]
    records = tuple(one for one in found if one is not None)
    return Page(records=records, skipped=len(entries) - len(records))


def part(entry: Mapping[str, Any], *names: str) -> Mapping[str, Any]:
    """Return an object inside an object; an empty one where there is none."""
    for name in names:
        inner = entry.get(name)
        entry = inner if isinstance(inner, Mapping) else {}
    return entry


def text(value: Any, most: int = MAX_CHARACTERS) -> str:
    """Return a text fit to be shown; empty for anything else."""
    return fit(value, most) if isinstance(value, str) else ""


def identifier(value: Any) -> str:
    """Return an identifier, which is a text or a whole number; empty for anything else, and for what is too long."""
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value) if abs(value) < 2**63 else ""
    usable = isinstance(value, str) and len(value) <= MAX_IDENTIFIER_CHARACTERS and value.isprintable()
    return value.strip() if usable else ""


def serial(value: Any) -> str:
    """Return what tells hardware apart, in small letters; empty where it does not."""
    found = identifier(value).lower()
    return "" if found in NO_SERIALS else found


def address(value: Any) -> str:
    """Return a mail address in small letters; empty for anything else."""
    found = text(value, 254).lower()
    return found if found.count("@") == 1 and " " not in found else ""


def moment(value: Any) -> float | None:
    """Return a moment that is written by ISO 8601 with a zone, in seconds since the epoch; `None` for anything else."""
    try:
        read = datetime.fromisoformat(value) if isinstance(value, str) and len(value) <= 40 else None
        seconds = read.timestamp() if read is not None and read.tzinfo is not None else -1.0
    except (ValueError, OverflowError, OSError):
        return None
    return seconds if seconds > 0 else None


def known(**facts: Value | None) -> dict[str, Value]:
    """Return those facts that are known."""
    return {name: value for name, value in facts.items() if value is not None and value != ""}


def flag(value: Any) -> bool | None:
    """Return yes or no; `None` for anything else."""
    return value if isinstance(value, bool) else None
