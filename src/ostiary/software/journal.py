"""Puts on record what advisories came in. Called last in a transaction: no record, no change."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import msgspec

from ostiary.visibility.facade import Actor, record_entity_change

if TYPE_CHECKING:
    from ostiary.software.services.importing import Imported

ADVISORIES: Final = "advisories"
FOUND: Final = "vulnerable software"
_COUNTED_BY: Final = Actor(kind="system", id="tend_software", label="Ostiary")
_MOST_NAMES: Final = 20


def record_import(imported: "Imported", *, sources: Sequence[str], actor: Actor, reason: str = "") -> None:
    """Put an import on record: which files, about what, and how many advisories."""
    told = {**msgspec.to_builtins(imported), "files": list(sources[:_MOST_NAMES])}
    for name in ("ecosystems", "whole"):
        told[name] = told[name][:_MOST_NAMES]
    record_entity_change(
        ADVISORIES,
        ", ".join(sources[:_MOST_NAMES])[:200],
        "update",
        actor=actor,
        name=f"{imported.entries} from {', '.join(sources[:3])}"[:200],
        after=told,
        comment=reason,
    )


def record_found(*, found: Sequence[str], over: Sequence[str]) -> None:
    """Put on record which advisories of high or critical severity are about some device from now on, and which about none any more.

    Args:
        found: their identifiers, sorted.
        over: likewise.
    """
    told = {
        "found": list(found[:_MOST_NAMES]),
        "found_number": len(found),
        "over": list(over[:_MOST_NAMES]),
        "over_number": len(over),
    }
    name = f"{len(found)} found, {len(over)} over"
    record_entity_change(FOUND, "devices", "update", actor=_COUNTED_BY, name=name, after=told)
