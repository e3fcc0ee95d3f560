"""Carries answers out where the access comes from, once. What is in reach afterwards is read back in `reading_back`.

Each step is one transaction: whatever dies at whatever moment, a removal is done and noted, or neither. For the worker.
An answer is carried out also when its campaign was closed meanwhile: closing ends the asking, not what was decided.
"""

from datetime import UTC, datetime
from typing import Final

from django.db import transaction
from django.db.models import QuerySet

from ostiary.errors import OstiaryError
from ostiary.identity.domain import RoleId
from ostiary.identity.facade import add_member, assign_role, remove_by_hand, withdraw_role
from ostiary.identity.models import Membership, RoleAssignment
from ostiary.identity.terms import in_force, seconds_of
from ostiary.policy.identifiers import GroupId, PersonId
from ostiary.requests.facade import hand_back
from ostiary.reviews.domain.campaign import ItemState
from ostiary.reviews.holdings import GROUP, ROLE, SERVICE, working_services
from ostiary.reviews.journal import record_item
from ostiary.reviews.models import ItemRow
from ostiary.reviews.services.exchanging import require_opens_less
from ostiary.visibility.facade import Actor
from ostiary.workloads.facade import disable_service

AT_ONCE: Final = 100
BY_REQUEST: Final = "request:"
BY_TIME: Final = Actor(kind="system", id="reviews", label="access reviews")


def carry_out_answers() -> int:
    """Carry out what was answered; what cannot be is tried again, and its item says why. Returns how many were done.

    What cannot be done holds up nothing else: only what was done counts towards how much is done at once.
    """
    rows = ItemRow.objects.filter(state=ItemState.OWED.value).order_by("answered_at", "pk")
    done = 0
    for item_id in list(rows.values_list("pk", flat=True)):
        done += _try(item_id)
        if done == AT_ONCE:
            break
    return done


def close_vanished() -> int:
    """Close items whose entitlement ended by itself before anybody answered. Returns how many."""
    return sum(map(_gone, not_held(ItemRow.objects.filter(state=ItemState.WAITING.value, campaign__closed_at=None))))


def not_held(items: QuerySet[ItemRow]) -> list[str]:
    """Return those items whose entitlement nobody holds any more, by a few queries for however many."""
    rows = list(items.values_list("pk", "person_id", "kind", "name", "via"))
    if not rows:
        return []
    people = items.values("person_id")
    held = {
        (GROUP, *one)
        for one in Membership.objects.filter(in_force(), person_id__in=people).values_list(
            "person_id", "group_id", "via"
        )
    }
    held |= {
        (ROLE, *one, "")
        for one in RoleAssignment.objects.filter(in_force(), person_id__in=people).values_list("person_id", "role_id")
    }
    held |= {(SERVICE, "", str(one.id), "") for one in working_services()}
    return [pk for pk, person, kind, name, via in rows if (kind, person, name, via) not in held]


def _try(item_id: str) -> int:
    try:
        return _carry_out(item_id)
    except OstiaryError as error:
        trouble = f"{error.message} {error.hint}".strip()[:500]
        ItemRow.objects.filter(pk=item_id, state=ItemState.OWED.value).exclude(trouble=trouble).update(trouble=trouble)
        return 0


@transaction.atomic
def _carry_out(item_id: str) -> int:
    row = ItemRow.objects.select_for_update(of=("self",)).select_related("campaign").get(pk=item_id)
    if row.state != ItemState.OWED.value:
        return 0
    actor = Actor(kind="system", id="reviews", label=f"access review, answered by {row.answered_by}"[:200])
    reason = f"access review {row.campaign.name}"[:500]
    if _is_kept_elsewhere(row) and is_held(row):
        row.state = ItemState.ELSEWHERE.value
        row.trouble = (
            f"{row.via} keeps {row.email} in {row.name}: take them out there. This stays open until they are out."
        )
    else:
        if is_held(row):
            _change(row, actor, reason)
        row.state, row.trouble = ItemState.CARRIED_OUT.value, ""
    row.carried_out_at = datetime.now(UTC)
    row.save()
    record_item(row, actor=actor, before=ItemState.OWED.value, comment=row.comment)
    return 1


def _change(row: ItemRow, actor: Actor, reason: str) -> None:
    """Do what was answered, through whatever brought the access."""
    if row.via.startswith(BY_REQUEST):
        hand_back(request_id=row.via.removeprefix(BY_REQUEST), actor=actor, reason=reason)
    elif row.kind == SERVICE:
        disable_service(row.name, actor=actor, reason=reason)
    elif row.until is not None:
        _give_an_end(row, row.until, actor, reason)
    else:
        if row.narrower:
            _give_narrower(row, actor, reason)
        _take_away(row, actor, reason)


def _take_away(row: ItemRow, actor: Actor, reason: str) -> None:
    person = PersonId(row.person_id)
    if row.kind == ROLE:
        withdraw_role(role_id=RoleId(row.name), person_id=person, actor=actor, reason=reason)
    else:
        remove_by_hand(group_id=GroupId(row.name), person_id=person, actor=actor, reason=reason)


def _give_an_end(row: ItemRow, until: datetime, actor: Actor, reason: str) -> None:
    """Set the end; one that is earlier already stays, as a reduction never prolongs."""
    before = own_end(row)
    if before is not None and before <= until:
        return
    person, end = PersonId(row.person_id), until.timestamp()
    if row.kind == ROLE:
        assign_role(role_id=RoleId(row.name), person_id=person, actor=actor, reason=reason, ends_at=end)
    else:
        add_member(group_id=GroupId(row.name), person_id=person, actor=actor, reason=reason, ends_at=end)


def _give_narrower(row: ItemRow, actor: Actor, reason: str) -> None:
    """Give what takes its place, until when it lasted itself; who has that already keeps it as it is."""
    require_opens_less(row, row.narrower)
    person, end = PersonId(row.person_id), seconds_of(own_end(row))
    if row.kind == ROLE:
        if not RoleAssignment.objects.filter(in_force(), person_id=person, role_id=row.narrower).exists():
            assign_role(role_id=RoleId(row.narrower), person_id=person, actor=actor, reason=reason, ends_at=end)
    elif not Membership.objects.filter(in_force(), person_id=person, group_id=row.narrower, via="").exists():
        add_member(group_id=GroupId(row.narrower), person_id=person, actor=actor, reason=reason, ends_at=end)


@transaction.atomic
def _gone(item_id: str) -> int:
    row = ItemRow.objects.select_for_update(of=("self",)).select_related("campaign").get(pk=item_id)
    if row.state != ItemState.WAITING.value or is_held(row):
        return 0
    row.state = ItemState.GONE.value
    row.save(update_fields=["state"])
    record_item(row, actor=BY_TIME, before=ItemState.WAITING.value, comment="it ended by itself")
    return 1


def _is_kept_elsewhere(row: ItemRow) -> bool:
    return bool(row.via) and not row.via.startswith(BY_REQUEST)


def is_held(row: ItemRow) -> bool:
    """Return whether somebody holds now what the item is about, in the way it is about."""
    if row.kind == SERVICE:
        return any(one.id == row.name for one in working_services())
    return _holdings(row).exists()


def own_end(row: ItemRow) -> datetime | None:
    """Return until when the membership or role itself lasts now; `None` for no end."""
    return _holdings(row).values_list("ends_at", flat=True).first()


def _holdings(row: ItemRow) -> QuerySet[Membership] | QuerySet[RoleAssignment]:
    if row.kind == ROLE:
        return RoleAssignment.objects.filter(in_force(), person_id=row.person_id, role_id=row.name)
    return Membership.objects.filter(in_force(), person_id=row.person_id, group_id=row.name, via=row.via)
