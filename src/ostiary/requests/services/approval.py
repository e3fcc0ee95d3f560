"""Who answers requests for a group, where that is not left to its owner: so many members of another group."""

from django.db import transaction

from ostiary.identity.facade import UnknownGroup
from ostiary.identity.models import Group
from ostiary.identity.services.groups import groups_by_id
from ostiary.identity.services.guards import require_may_change_group
from ostiary.policy.identifiers import GroupId
from ostiary.requests.domain import MOST_NEEDED, ApprovalRule, CannotAsk
from ostiary.requests.journal import record_rule
from ostiary.requests.models import ApprovalRule as Stored
from ostiary.visibility.facade import Actor


def list_approval_rules() -> tuple[ApprovalRule, ...]:
    """Return every such rule, by group."""
    return tuple(_rule_of(row) for row in Stored.objects.order_by("group_id"))


def get_approval_rule(group_id: GroupId) -> ApprovalRule | None:
    """Return the rule of one group; `None` where its owner answers."""
    row = Stored.objects.filter(pk=group_id).first()
    return None if row is None else _rule_of(row)


@transaction.atomic
def set_approval_rule(*, group_id: GroupId, by: GroupId | None, needed: int = 2, actor: Actor) -> None:
    """Say who answers requests for a group. Requests that wait already need as many as when they were asked.

    Args:
        group_id: what is asked for.
        by: whose members answer; `None` leaves it to the owner of the group again.
        needed: how many of them have to agree.
        actor: who says so.

    Raises:
        UnknownGroup: when there is no such group.
        CannotAsk: when the number is out of range, or nobody can ask for the group.
        NotAllowed: when the actor may not change the group.
    """
    group = groups_by_id((group_id,))[0]
    require_may_change_group(actor, group_id)
    if group.builtin:
        raise CannotAsk(f"{group.name} opens the console, and cannot be asked for.")
    before = get_approval_rule(group_id)
    if by is None:
        Stored.objects.filter(pk=group_id).delete()
    else:
        if not 1 <= needed <= MOST_NEEDED:
            raise CannotAsk(f"From one to {MOST_NEEDED} people can be asked to agree.", hint="Say another number.")
        if not Group.objects.filter(pk=by).exists():
            raise UnknownGroup(f"There is no group {by!r}.", hint="See which there are: ostiary group list")
        Stored.objects.update_or_create(group=group, defaults={"by_id": by, "needed": needed})
    after = get_approval_rule(group_id)
    if after != before:
        record_rule(group_id=group_id, actor=actor, before=before, after=after)


def _rule_of(row: Stored) -> ApprovalRule:
    return ApprovalRule(group=GroupId(row.group_id), by=GroupId(row.by_id), needed=row.needed)
