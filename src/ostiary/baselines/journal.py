"""Puts what happens to baselines, exceptions and verdicts on record. Called last in a transaction: no record, no change."""

from collections.abc import Mapping
from typing import Any, Final

from ostiary.visibility.domain.events import EntityChange
from ostiary.visibility.facade import Actor, entity_change_event, new_uid, record

BASELINE: Final = "device baseline"
REQUIREMENT: Final = "required device baseline"
EXCEPTION: Final = "device exception"
VERDICT: Final = "device compliance"
HELD: Final = "held device compliance"

JUDGED_BY: Final = Actor(kind="system", id="judge_devices", label="Ostiary")


def record_of(
    kind: str,
    about: str,
    change: EntityChange,
    *,
    at: float,
    actor: Actor = JUDGED_BY,
    name: str = "",
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
    reason: str = "",
) -> None:
    """Put something of this room on record; `at` in seconds since the epoch."""
    record(
        entity_change_event(
            at=at,
            uid=new_uid(),
            actor=actor,
            change=change,
            entity_type=kind,
            entity_id=about,
            entity_name=name,
            before=before,
            after=after,
            comment=reason,
        )
    )
