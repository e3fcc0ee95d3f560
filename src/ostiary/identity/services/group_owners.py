"""Who answers for a group."""

from django.db import transaction

from ostiary.identity.journal import record_group_change
from ostiary.identity.services.groups import groups_by_id
from ostiary.identity.services.guards import find_owner, parse_reason, require_may_change_group
from ostiary.policy.identifiers import GroupId
from ostiary.visibility.facade import Actor


@transaction.atomic
def set_group_owner(*, group_id: GroupId, owner: str, actor: Actor, reason: str = "") -> None:
    """Say who answers for a group; an empty address leaves it without anybody.

    Raises:
        UnknownGroup: when there is no such group.
        UnknownPerson: when nobody who can sign in has this address.
        NotAllowed: when the group opens the console and the actor is not an administrator.
    """
    group = groups_by_id((group_id,))[0]
    require_may_change_group(actor, group_id)
    before = group.owner.email if group.owner else None
    group.owner = find_owner(owner) if owner.strip() else None
    after = group.owner.email if group.owner else None
    if after == before:
        return
    group.save(update_fields=["owner"])
    record_group_change(
        actor=actor,
        change="set_owner",
        group_id=group.id,
        group_name=group.name,
        reason=parse_reason(reason),
        details={"owner": after, "before": before},
    )
