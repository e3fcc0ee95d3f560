"""Carries answers out where the access comes from, once, and reads back from the published facts what is in reach afterwards.

Each step is one transaction: whatever dies at whatever moment, a removal is done and noted, or neither. For the worker.
"""

from collections.abc import Callable
from datetime import UTC, datetime

import msgspec
from django.db import transaction

from ostiary.errors import OstiaryError
from ostiary.identity.domain import RoleId
from ostiary.identity.facade import add_member, assign_role, remove_by_hand, withdraw_role
from ostiary.identity.models import Membership, RoleAssignment
from ostiary.identity.terms import in_force, seconds_of
from ostiary.policy.identifiers import GroupId, PersonId
from ostiary.policy.terms import person_at
from ostiary.requests.facade import hand_back
from ostiary.reviews.domain.campaign import Answer, ItemState
from ostiary.reviews.domain.facts import Facts, Opened, ReadBack
from ostiary.reviews.domain.pre_answer import reach_of
from ostiary.reviews.gathering import ROLE
from ostiary.reviews.journal import record_item
from ostiary.reviews.models import ItemRow
from ostiary.reviews.reach import Reaches, World
from ostiary.visibility.facade import Actor

AT_ONCE = 100
BY_REQUEST = "request:"
BY_TIME = Actor(kind="system", id="reviews", label="access reviews")


def carry_out_answers() -> int:
    """Carry out what was answered; what cannot be is tried again, and its item says why. Returns how many were done."""
    rows = ItemRow.objects.filter(state=ItemState.OWED.value, campaign__closed_at=None).order_by("answered_at", "pk")
    return sum(_try(item_id) for item_id in list(rows.values_list("pk", flat=True)[:AT_ONCE]))


def close_vanished() -> int:
    """Close items whose entitlement ended by itself before anybody answered. Returns how many."""
    waiting = ItemRow.objects.filter(state=ItemState.WAITING.value, campaign__closed_at=None)
    rows = list(waiting.values_list("pk", "person_id", "kind", "name", "via"))
    people = {person for _pk, person, _kind, _name, _via in rows}
    held = {
        ("group", *one)
        for one in Membership.objects.filter(in_force(), person_id__in=people).values_list(
            "person_id", "group_id", "via"
        )
    } | {
        (ROLE, *one, "")
        for one in RoleAssignment.objects.filter(in_force(), person_id__in=people).values_list("person_id", "role_id")
    }
    return sum(_gone(pk) for pk, person, kind, name, via in rows if (kind, person, name, via) not in held)


def read_back_removals(read_world: Callable[[], World], *, now: float) -> int:
    """Ask the published facts what people still reach after a removal, and settle what was found. Returns how many.

    Args:
        read_world: returns the facts as they are published.
        now: seconds since the epoch.
    """
    wanted = (ItemState.CARRIED_OUT.value, ItemState.ELSEWHERE.value)
    rows = list(
        ItemRow.objects.filter(state__in=wanted, campaign__closed_at=None).values_list("pk", flat=True)[:AT_ONCE]
    )
    if not rows:
        return 0
    world = read_world()
    reaches = Reaches(world, now=now)
    return sum(_settle(item_id, world, reaches, now) for item_id in rows)


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
    if _is_kept_elsewhere(row) and _held(row):
        row.state = ItemState.ELSEWHERE.value
        row.trouble = (
            f"{row.via} keeps {row.email} in {row.name}: take them out there. This stays open until they are out."
        )
    else:
        if _held(row):
            _change(row, actor, reason)
        row.state, row.trouble = ItemState.CARRIED_OUT.value, ""
    row.carried_out_at = datetime.now(UTC)
    row.save()
    record_item(row, actor=actor, before=ItemState.OWED.value, comment=row.comment)
    return 1


def _change(row: ItemRow, actor: Actor, reason: str) -> None:
    """Do what was answered, through whatever brought the access."""
    person, until = PersonId(row.person_id), seconds_of(row.until)
    if row.via.startswith(BY_REQUEST):
        hand_back(request_id=row.via.removeprefix(BY_REQUEST), actor=actor, reason=reason)
    elif row.kind == ROLE:
        role = RoleId(row.name)
        if until is not None:
            assign_role(role_id=role, person_id=person, actor=actor, reason=reason, ends_at=until)
            return
        if row.narrower:
            assign_role(role_id=RoleId(row.narrower), person_id=person, actor=actor, reason=reason)
        withdraw_role(role_id=role, person_id=person, actor=actor, reason=reason)
    else:
        group = GroupId(row.name)
        if until is not None:
            add_member(group_id=group, person_id=person, actor=actor, reason=reason, ends_at=until)
            return
        if row.narrower:
            add_member(group_id=GroupId(row.narrower), person_id=person, actor=actor, reason=reason)
        remove_by_hand(group_id=group, person_id=person, actor=actor, reason=reason)


@transaction.atomic
def _gone(item_id: str) -> int:
    row = ItemRow.objects.select_for_update(of=("self",)).select_related("campaign").get(pk=item_id)
    if row.state != ItemState.WAITING.value or _held(row):
        return 0
    row.state = ItemState.GONE.value
    row.save(update_fields=["state"])
    record_item(row, actor=BY_TIME, before=ItemState.WAITING.value, comment="it ended by itself")
    return 1


@transaction.atomic
def _settle(item_id: str, world: World, reaches: Reaches, now: float) -> int:
    row = ItemRow.objects.select_for_update(of=("self",)).select_related("campaign").get(pk=item_id)
    before = row.state
    if before not in {ItemState.CARRIED_OUT.value, ItemState.ELSEWHERE.value}:
        return 0
    if before == ItemState.ELSEWHERE.value and _held(row):
        return 0
    found = _read_back(row, world, reaches, now)
    if found is None:
        return 0
    row.state, row.read_back, row.trouble = ItemState.SETTLED.value, msgspec.json.encode(found), ""
    row.save(update_fields=["state", "read_back", "trouble"])
    record_item(row, actor=BY_TIME, before=before, more={"read_back": msgspec.to_builtins(found)})
    return 1


def _read_back(row: ItemRow, world: World, reaches: Reaches, now: float) -> ReadBack | None:
    """Return what the published facts say; `None` while they do not hold yet what the database does."""
    fact = world.directory.people.get(PersonId(row.person_id))
    stored = Membership.objects.filter(in_force(), person_id=row.person_id).values_list("group_id", flat=True)
    published = person_at(fact, now) if fact is not None else None
    groups = set(published.groups) if published is not None else set()
    if groups != set(stored):
        return None
    if row.answer == Answer.REDUCE.value and row.until is not None:
        return _end_read_back(row, row.until.timestamp(), world, now)
    facts = msgspec.json.decode(bytes(row.facts), type=Facts)
    wanted = _together((*facts.opens, *facts.gives))
    if published is None or not published.active:
        return ReadBack(at=now, generation=world.generation, gone=wanted)
    still = reaches.still(wanted, groups, PersonId(row.person_id), row.email)
    reached = {(one.app, action) for one in still for action in one.actions}
    gone = []
    for one in wanted:
        actions = tuple(action for _app, action in sorted(reach_of((one,)) - reached))
        if actions:
            gone.append(Opened(app=one.app, name=one.name, actions=actions, rules=one.rules))
    return ReadBack(at=now, generation=world.generation, gone=tuple(gone), still=still)


def _end_read_back(row: ItemRow, wanted: float, world: World, now: float) -> ReadBack | None:
    """Return the end of the membership as it is published; that of its own way where others keep somebody in longer."""
    fact = world.directory.people[PersonId(row.person_id)]
    facts = msgspec.json.decode(bytes(row.facts), type=Facts)
    ends = [fact.terms.get(GroupId(group)) for group in facts.groups]
    if not facts.other_ways and any(end is None or abs(end - wanted) > 1 for end in ends):
        return None
    return ReadBack(at=now, generation=world.generation, ends_at=wanted)


def _together(opened: tuple[Opened, ...]) -> tuple[Opened, ...]:
    """Return apps once, each with every action and rule that is named of it."""
    found: dict[str, Opened] = {}
    for one in opened:
        before = found.get(one.app, one)
        found[one.app] = Opened(
            app=one.app,
            name=one.name,
            actions=tuple(dict.fromkeys((*before.actions, *one.actions))),
            rules=tuple(sorted({*before.rules, *one.rules})),
        )
    return tuple(found.values())


def _is_kept_elsewhere(row: ItemRow) -> bool:
    return bool(row.via) and not row.via.startswith(BY_REQUEST)


def _held(row: ItemRow) -> bool:
    """Return whether somebody holds now what the item is about, in the way it is about."""
    if row.kind == ROLE:
        return RoleAssignment.objects.filter(in_force(), person_id=row.person_id, role_id=row.name).exists()
    return Membership.objects.filter(in_force(), person_id=row.person_id, group_id=row.name, via=row.via).exists()
