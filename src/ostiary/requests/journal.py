"""Puts each step of a request on record. Called last in a transaction: no record, no step."""

import time

from ostiary.requests.models import AccessRequest
from ostiary.visibility.domain.events import EntityChange
from ostiary.visibility.facade import Actor, entity_change_event, new_uid, record


def record_step(row: AccessRequest, *, actor: Actor, change: EntityChange, before: str = "", comment: str = "") -> None:
    """Put on record what became of a request.

    Args:
        row: as it is now.
        actor: who did it.
        change: `create` for asking, `update` for all that follows.
        before: the state it had.
        comment: why, in the actor's words.
    """
    record(
        entity_change_event(
            at=time.time(),
            uid=new_uid(),
            actor=actor,
            change=change,
            entity_type="access request",
            entity_id=row.id,
            entity_name=f"access request of {row.person.email} for {row.group_id}",
            before={"state": before} if before else None,
            after={
                "state": row.state,
                "person": row.person.email,
                "group": row.group_id,
                "app": row.app or None,
                "seconds": row.seconds,
                "ends_at": row.ends_at.isoformat() if row.ends_at else None,
                "extends": row.extends or None,
            },
            comment=comment,
        )
    )
