"""What rooms above this one keep in somebody's name, and what becomes of it when they leave.

Such a room tells of itself once, when it is ready; its lines then stand on the checklist, and are carried out with the rest.
"""

from collections.abc import Callable

import msgspec

from ostiary.identity.domain.life_cycle import Item, Step
from ostiary.policy.identifiers import PersonId
from ostiary.visibility.facade import Actor


class Handover(msgspec.Struct, frozen=True, kw_only=True):
    """One kind of thing that somebody answers for.

    Args:
        to_somebody: the line of the checklist where somebody takes over.
        to_nobody: the line where nobody does.
        held_by: returns what a person answers for, each by its name.
        hand_over: carries a line out: the name, the successor's address (empty for nobody), who does it and why.
    """

    to_somebody: Step
    to_nobody: Step
    held_by: Callable[[PersonId], tuple[str, ...]]
    hand_over: Callable[[str, str, Actor, str], None]


_kinds: dict[Step, Handover] = {}


def hand_over_too(kind: Handover) -> None:
    """Have another kind of thing handed over when somebody leaves; telling the same again changes nothing."""
    _kinds[kind.to_somebody] = kind


def plan_handovers(person_id: PersonId, *, successor: str) -> tuple[Item, ...]:
    """Return the lines of the checklist for all that rooms above keep in somebody's name.

    Args:
        person_id: who leaves.
        successor: the address of whoever takes over; empty for nobody.
    """
    return tuple(
        Item(kind.to_somebody if successor else kind.to_nobody, name, successor)
        for kind in _kinds.values()
        for name in kind.held_by(person_id)
    )


def carry_out_handover(item: Item, *, actor: Actor, reason: str) -> None:
    """Carry out one of those lines."""
    for kind in _kinds.values():
        if item.step in {kind.to_somebody, kind.to_nobody}:
            kind.hand_over(item.subject, item.to, actor, reason)
