"""What may take the place of an entitlement: something that opens less, and that a reviewer may give.

Without this, whoever reviews could put people into any group that there is.
"""

import time

import msgspec

from ostiary.applications.facts import read_applications
from ostiary.identity.domain import RoleId
from ostiary.identity.facade import BUILTIN_GROUPS, get_group, get_role
from ostiary.identity.models import Group, Role
from ostiary.identity.services.guards import is_administrator
from ostiary.policy.identifiers import GroupId
from ostiary.policy.snapshot import Directory
from ostiary.reviews.domain.campaign import UnusableAnswer
from ostiary.reviews.domain.facts import Facts, Suggestion
from ostiary.reviews.domain.pre_answer import reach_of
from ostiary.reviews.holdings import ROLE
from ostiary.reviews.models import ItemRow
from ostiary.reviews.reach import Reaches, World
from ostiary.rulebook.facts import read_rulebook
from ostiary.visibility.facade import Actor


def require_may_exchange(row: ItemRow, narrower: str, actor: Actor) -> None:
    """Return when somebody may answer that a group or role takes an item's place.

    Raises:
        UnknownGroup, UnknownRole: when there is none of this name.
        UnusableAnswer: when it opens the console, does not open less, or is nobody's to give here.
    """
    suggested = msgspec.json.decode(bytes(row.suggestion), type=Suggestion).narrower
    require_opens_less(row, narrower)
    if actor.kind == "person" and narrower != suggested and not _may_give(row.kind, narrower, actor.id):
        raise UnusableAnswer(
            f"{narrower} is not yours to give.", hint="Name what was suggested, or something that you answer for."
        )


def require_opens_less(row: ItemRow, narrower: str) -> None:
    """Return when a group or role opens less than an item does by the rules of this moment.

    Raises:
        UnknownGroup, UnknownRole: when there is none of this name.
        UnusableAnswer: when it opens the console, or does not open less.
    """
    if narrower == row.name:
        raise UnusableAnswer("That is what they have.", hint="Name another one.")
    role = get_role(RoleId(narrower)) if row.kind == ROLE else None
    groups = frozenset(role.groups) if role is not None else frozenset({get_group(GroupId(narrower)).id})
    if groups & set(BUILTIN_GROUPS):
        raise UnusableAnswer(f"{narrower} opens the console.", hint=f"Name another {row.kind}.")
    world = World(generation=0, directory=Directory(), catalogue=read_applications(), rules=read_rulebook())
    reaches = Reaches(world, now=time.time())
    now_held = msgspec.json.decode(bytes(row.facts), type=Facts).groups
    if not reach_of(reaches.opened_by(groups)) < reach_of(reaches.opened_by(now_held)):
        raise UnusableAnswer(
            f"{narrower} does not open less than {row.name}.", hint=f"Name a narrower {row.kind}, or give it an end."
        )


def _may_give(kind: str, name: str, reviewer: str) -> bool:
    model: type[Group] | type[Role] = Role if kind == ROLE else Group
    return model.objects.filter(pk=name, owner_id=reviewer).exists() or is_administrator(reviewer)
