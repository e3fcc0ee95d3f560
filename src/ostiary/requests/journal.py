"""Puts each step of a request on record. Called last in a transaction: no record, no step."""

from ostiary.policy.identifiers import GroupId
from ostiary.requests.domain import ApprovalRule
from ostiary.requests.models import AccessRequest
from ostiary.visibility.domain.events import EntityChange
from ostiary.visibility.facade import Actor, record_entity_change


def record_step(row: AccessRequest, *, actor: Actor, change: EntityChange, before: str = "", comment: str = "") -> None:
    """Put on record what became of a request.

    Args:
        row: as it is now.
        actor: who did it.
        change: `create` for asking, `update` for all that follows.
        before: the state it had.
        comment: why, in the actor's words.
    """
    record_entity_change(
        "access request",
        row.id,
        change,
        actor=actor,
        name=f"access request of {row.person.email} for {row.group_id}",
        before={"state": before} if before else None,
        after={
            "state": row.state,
            "person": row.person.email,
            "group": row.group_id,
            "app": row.app or None,
            "seconds": row.seconds,
            "ends_at": row.ends_at.isoformat() if row.ends_at else None,
            "extends": row.extends or None,
            "agreed": _agreed(row),
            "kind": row.kind,
        },
        comment=comment,
    )


def record_rule(*, group_id: GroupId, actor: Actor, before: ApprovalRule | None, after: ApprovalRule | None) -> None:
    """Put on record who answers requests for a group from now on."""
    record_entity_change(
        "approval rule",
        group_id,
        "create" if before is None else "delete" if after is None else "update",
        actor=actor,
        name=f"who answers requests for {group_id}",
        before={"by": before.by, "needed": before.needed} if before else None,
        after={"by": after.by, "needed": after.needed} if after else None,
    )


def _agreed(row: AccessRequest) -> list[str] | None:
    """Return who has agreed, where more than one has to."""
    if row.needed == 1:
        return None
    return sorted(row.votes.values_list("person__email", flat=True))


def record_review(row: AccessRequest, *, actor: Actor, what: str, comment: str) -> None:
    """Put on record what became of the review of emergency access: `justified`, `not justified`, `reminded` or `overdue`."""
    record_entity_change(
        "emergency access review",
        row.id,
        "update",
        actor=actor,
        name=f"review of the emergency access of {row.person.email} to {row.group_id}",
        after={"review": what, "person": row.person.email, "group": row.group_id, "reason": row.reason},
        comment=comment,
    )
