"""Puts each step of a review on record. Called last in a transaction: no record, no step."""

from collections.abc import Mapping

from ostiary.reviews.models import CampaignRow, ItemRow
from ostiary.visibility.domain.events import EntityChange
from ostiary.visibility.facade import Actor, record_entity_change


def record_campaign(
    row: CampaignRow, *, actor: Actor, change: EntityChange, after: Mapping[str, object], comment: str = ""
) -> None:
    """Put on record what became of a campaign."""
    record_entity_change(
        "access review",
        row.id,
        change,
        actor=actor,
        name=f"access review {row.name}",
        after={"scope": row.scope, **after},
        comment=comment,
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
    record_entity_change(
        "access review item",
        row.id,
        "update",
        actor=actor,
        name=f"access review item: {row.email} in {row.kind} {row.name}",
        before={"state": before},
        after=after,
        comment=comment,
    )
