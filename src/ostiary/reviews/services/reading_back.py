"""Reads back from the published facts what is in reach after a removal or a reduction. For the worker.

Only facts that hold what the database does prove anything: until they do, an item waits.
"""

from collections.abc import Callable

import msgspec
from django.db import transaction

from ostiary.identity.models import Membership
from ostiary.identity.terms import in_force, seconds_of
from ostiary.policy.identifiers import GroupId, PersonId, ServiceId
from ostiary.policy.snapshot import PersonFact
from ostiary.policy.terms import person_at
from ostiary.reviews.domain.campaign import Answer, ItemState
from ostiary.reviews.domain.facts import Facts, Opened, ReadBack, StillReached
from ostiary.reviews.domain.pre_answer import reach_of
from ostiary.reviews.holdings import SERVICE
from ostiary.reviews.journal import record_item
from ostiary.reviews.models import ItemRow
from ostiary.reviews.reach import Reaches, World
from ostiary.reviews.services.carrying_out import AT_ONCE, BY_TIME, is_held, not_held, own_end

_SAME_MOMENT_SECONDS = 1.0


def read_back_removals(read_world: Callable[[], World], *, now: float) -> int:
    """Ask the published facts what is still reached after a removal, and settle what was found. Returns how many.

    What waits for other facts or another directory holds up nothing else.

    Args:
        read_world: returns the facts as they are published.
        now: seconds since the epoch.
    """
    carried_out = ItemRow.objects.filter(state=ItemState.CARRIED_OUT.value).order_by("carried_out_at", "pk")
    elsewhere = not_held(ItemRow.objects.filter(state=ItemState.ELSEWHERE.value))
    rows = [*carried_out.values_list("pk", flat=True), *elsewhere]
    if not rows:
        return 0
    world = read_world()
    reaches, done = Reaches(world, now=now), 0
    for item_id in rows:
        done += _settle(item_id, world, reaches, now)
        if done == AT_ONCE:
            break
    return done


@transaction.atomic
def _settle(item_id: str, world: World, reaches: Reaches, now: float) -> int:
    row = ItemRow.objects.select_for_update(of=("self",)).select_related("campaign").get(pk=item_id)
    before = row.state
    if before not in {ItemState.CARRIED_OUT.value, ItemState.ELSEWHERE.value}:
        return 0
    if before == ItemState.ELSEWHERE.value and is_held(row):
        return 0
    found = _of_service(row, world, now) if row.kind == SERVICE else _of_person(row, world, reaches, now)
    if found is None:
        return 0
    row.state, row.read_back, row.trouble = ItemState.SETTLED.value, msgspec.json.encode(found), ""
    row.save(update_fields=["state", "read_back", "trouble"])
    record_item(row, actor=BY_TIME, before=before, more={"read_back": msgspec.to_builtins(found)})
    return 1


def _of_service(row: ItemRow, world: World, now: float) -> ReadBack | None:
    """A service that is off reaches nothing; one that was switched on again meanwhile reaches what it did."""
    fact = world.services.get(ServiceId(row.name))
    published = fact is not None and fact.active and now < fact.ends_at
    if published is not is_held(row):
        return None
    opens = _facts_of(row).opens
    if not published:
        return ReadBack(at=now, generation=world.generation, gone=opens)
    still = tuple(StillReached(app=one.app, name=one.name, actions=one.actions, rules=one.rules) for one in opens)
    return ReadBack(at=now, generation=world.generation, still=still)


def _of_person(row: ItemRow, world: World, reaches: Reaches, now: float) -> ReadBack | None:
    """Return what the published facts say; `None` while they do not hold yet what the database does."""
    fact = world.directory.people.get(PersonId(row.person_id))
    published = person_at(fact, now) if fact is not None else None
    if not _are_current(row.person_id, published):
        return None
    wanted = _together(row)
    if row.answer == Answer.REDUCE.value and row.until is not None and _has_its_end(row, row.until.timestamp()):
        asked = ReadBack(at=now, generation=world.generation)
        return _end_of(row, row.until.timestamp(), asked, reaches, published)
    if published is None or not published.active:
        return ReadBack(at=now, generation=world.generation, gone=wanted)
    still = reaches.still(wanted, published.groups, PersonId(row.person_id), row.email)
    reached = {(one.app, action) for one in still for action in one.actions}
    gone = []
    for one in wanted:
        actions = tuple(action for _app, action in sorted(reach_of((one,)) - reached))
        if actions:
            gone.append(Opened(app=one.app, name=one.name, actions=actions, rules=one.rules))
    return ReadBack(at=now, generation=world.generation, gone=tuple(gone), still=still)


def _are_current(person_id: str, published: PersonFact | None) -> bool:
    """Return whether the published memberships, with their ends, are those that are stored."""
    stored: dict[str, float | None] = {}
    for group, end in Membership.objects.filter(in_force(), person_id=person_id).values_list("group_id", "ends_at"):
        seconds = seconds_of(end)
        before = stored.get(group, 0.0)
        stored[group] = None if seconds is None or before is None else max(seconds, before)
    if published is None:
        return not stored
    return set(published.groups) == set(stored) and all(
        _same(published.terms.get(GroupId(group)), end) for group, end in stored.items()
    )


def _has_its_end(row: ItemRow, until: float) -> bool:
    """Return whether it ends when it was to, or did; somebody may have lifted the end since."""
    own = seconds_of(own_end(row))
    return not is_held(row) or (own is not None and own <= until + _SAME_MOMENT_SECONDS)


def _end_of(row: ItemRow, until: float, asked: ReadBack, reaches: Reaches, published: PersonFact | None) -> ReadBack:
    """Return until when the membership itself lasts, and what stays in reach after it by memberships that last longer."""
    own = seconds_of(own_end(row))
    ends_at = until if own is None else own
    if published is None or not published.active:
        return msgspec.structs.replace(asked, ends_at=ends_at)
    ends = {group: published.terms.get(group) for group in published.groups}
    later = [group for group, end in ends.items() if end is None or end > ends_at + _SAME_MOMENT_SECONDS]
    still = reaches.still(_together(row), later, PersonId(row.person_id), row.email)
    return msgspec.structs.replace(asked, ends_at=ends_at, still=still)


def _same(one: float | None, other: float | None) -> bool:
    if one is None or other is None:
        return one is other
    return abs(one - other) <= _SAME_MOMENT_SECONDS


def _together(row: ItemRow) -> tuple[Opened, ...]:
    """Return the apps that an item opened, each once, with every action and rule that is named of it."""
    facts = _facts_of(row)
    found: dict[str, Opened] = {}
    for one in (*facts.opens, *facts.gives):
        before = found.get(one.app, one)
        found[one.app] = Opened(
            app=one.app,
            name=one.name,
            actions=tuple(dict.fromkeys((*before.actions, *one.actions))),
            rules=tuple(sorted({*before.rules, *one.rules})),
        )
    return tuple(found.values())


def _facts_of(row: ItemRow) -> Facts:
    return msgspec.json.decode(bytes(row.facts), type=Facts)
