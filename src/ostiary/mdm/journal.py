"""Puts on record which device management is asked, and which device is meant. Called last in a transaction: no record, no change."""

import time
from collections.abc import Mapping
from typing import Any, Final

from ostiary.visibility.domain.events import EntityChange
from ostiary.visibility.facade import Actor, entity_change_event, new_uid, record

CONNECTION: Final = "device management"
LINK: Final = "device link"


def record_change(
    kind: str, identifier: str, change: EntityChange, *, actor: Actor, name: str = "",
    before: Mapping[str, Any] | None = None, after: Mapping[str, Any] | None = None, reason: str = "",
) -> None:  # fmt: skip
    """Put a change on record.

    Args:
        kind: of what: one of the constants above.
        identifier: which one.
        change: what was done.
        actor: who did it.
        name: what people call it.
        before: what it was, without secrets.
        after: what it is now, without secrets.
        reason: why.
    """
    record(
        entity_change_event(
            at=time.time(),
            uid=new_uid(),
            actor=actor,
            change=change,
            entity_type=kind,
            entity_id=identifier,
            entity_name=name,
            before=before,
            after=after,
            comment=reason,
        )
    )
