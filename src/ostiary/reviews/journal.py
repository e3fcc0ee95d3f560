"""Puts each step of a review on record. Called last in a transaction: no record, no step."""

import time
from collections.abc import Mapping

from ostiary.reviews.models import CampaignRow, ItemRow
from ostiary.visibility.domain.events import EntityChange, entity_change_event
from ostiary.visibility.facade import Actor, new_uid, record


def record_campaign(
    row: CampaignRow, *, actor: Actor, change: EntityChange, after: Mapping[str, object], comment: str = ""
) -> None:
    """Put on record what became of a campaign."""
    record(
        entity_change_event(
            at=time.time(),
            uid=new_uid(),
            actor=actor,
            change=change,
            entity_type="access review",
            entity_id=row.id,
            entity_name=f"access review {row.name}",
            after={"scope": row.scope, **after},
            comment=comment,
        )
    )


def record_item(
    row: ItemRow, *, actor: Actor, before: str, comment: str = "", more: Mapping[str, object] | None = None
) -> None:
    """Put on record what became of an item.

    Args:
        row: as it is now.
        actor: who did it.
        before: the state it had.
        comment: why, in the actor's words.
        more: further facts, such as what was read back.
    """
    after = {
        "state": row.state,
        "review": row.campaign_id,
        "person": row.email,
        row.kind: row.name,
        "via": row.via or None,
        "answer": row.answer or None,
        "suggested": row.suggested or None,
        "until": row.until.isoformat() if row.until else None,
        "narrower": row.narrower or None,
        **(more or {}),
    }
    record(
        entity_change_event(
            at=time.time(),
            uid=new_uid(),
            actor=actor,
            change="update",
            entity_type="access review item",
            entity_id=row.id,
            entity_name=f"access review item: {row.email} in {row.kind} {row.name}",
            before={"state": before},
            after=after,
            comment=comment,
        )
    )
