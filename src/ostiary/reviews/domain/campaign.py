"""A campaign, its items and what may become of them. Pure.

    waiting ──▶ kept
       ├──────▶ owed ──▶ carried out ──▶ settled, when it was read back
       │          └────▶ elsewhere ────▶ settled, when it was read back
       ├──────▶ gone, when what was to be reviewed ended by itself
       └──────▶ unanswered, when the campaign was closed

Source: NIST SP 800-53 AC-2(j) and AC-6(7); PCI DSS 7.2.4; CIR (EU) 2024/2690 11.2.3.
"""

from collections.abc import Collection
from datetime import UTC, datetime
from enum import StrEnum
from typing import Final

import msgspec

from ostiary.errors import OstiaryError
from ostiary.policy.identifiers import PersonId
from ostiary.reviews.domain.facts import Facts, ReadBack, Suggestion
from ostiary.reviews.domain.scope import Scope


class Answer(StrEnum):
    """What a reviewer says. `REDUCE` gives it an end, or a narrower group or role in its place."""

    KEEP = "keep"
    REDUCE = "reduce"
    REMOVE = "remove"


class ItemState(StrEnum):
    """Where an item stands."""

    WAITING = "waiting"
    KEPT = "kept"
    OWED = "owed"
    CARRIED_OUT = "carried_out"
    ELSEWHERE = "elsewhere"
    SETTLED = "settled"
    GONE = "gone"
    UNANSWERED = "unanswered"


OPEN: Final = frozenset({ItemState.WAITING, ItemState.OWED, ItemState.CARRIED_OUT, ItemState.ELSEWHERE})
"""States in which something is still to be done."""


class Seat(StrEnum):
    """Why somebody answers an item."""

    OWNER = "owner"
    MANAGER = "manager"
    ADMINISTRATOR = "administrator"
    DELEGATE = "delegate"
    SUBSTITUTE = "substitute"


class UnknownReview(OstiaryError):
    """There is no such campaign, or no such item."""


class NotYours(OstiaryError):
    """Somebody else has to answer this."""


class AlreadyAnswered(OstiaryError):
    """The item does not wait for an answer any more."""


class UnusableAnswer(OstiaryError):
    """The answer cannot be carried out as it was given."""


class CannotStart(OstiaryError):
    """A campaign cannot be started like this."""


class CannotClose(OstiaryError):
    """A campaign cannot be closed yet."""


class Reviewer(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody who may answer an item, and why."""

    person_id: PersonId
    email: str
    name: str = ""
    seat: Seat


class HandedOn(msgspec.Struct, frozen=True, kw_only=True):
    """An item went from one reviewer to another.

    Args:
        by: whose it was: their address, or what the record calls the machine's operator.
        person_id: theirs; empty for the operator.
        to: who answers since, by their address.
        at: seconds since the epoch.
        comment: why.
    """

    by: str
    person_id: str
    to: str
    at: float
    comment: str = ""


class Item(msgspec.Struct, frozen=True, kw_only=True):
    """One entitlement of one person, or one service with what the rules let it into. Moments are seconds since the epoch.

    Args:
        person_id: whose it is; empty for a service.
        email: their address; `service:NAME` for a service.
        kind: `group`, `role` or `service`.
        name: of the group, the role or the service.
        via: what brought a membership: empty for by hand, `scim:…`, `request:…` and the like.
        facts: as they were when the campaign began.
        suggestion: the answer that the record speaks for.
        until: when it ends, for a reduced one.
        narrower: what takes its place, for a reduced one.
        bulk: whether it was answered together with others.
        trouble: why it could not be carried out yet.
        handed_on: from whom to whom it went, the first first.
    """

    id: str
    campaign: str
    person_id: PersonId
    email: str
    person: str
    kind: str
    name: str
    title: str
    via: str
    facts: Facts
    suggestion: Suggestion
    state: ItemState
    reviewers: tuple[Reviewer, ...] = ()
    answer: Answer | None = None
    answered_at: float | None = None
    answered_by: str = ""
    comment: str = ""
    until: float | None = None
    narrower: str = ""
    bulk: bool = False
    trouble: str = ""
    carried_out_at: float | None = None
    read_back: ReadBack | None = None
    handed_on: tuple[HandedOn, ...] = ()

    @property
    def is_service(self) -> bool:
        """Whether it is a program's, not a person's."""
        return self.kind == "service"

    @property
    def reducible(self) -> bool:
        """Whether it can be given an end or something narrower here: not where something else says until when."""
        return not self.via and not self.is_service


class Progress(msgspec.Struct, frozen=True):
    """How many items a campaign has, and how many stand how."""

    items: int = 0
    waiting: int = 0
    kept: int = 0
    reduced: int = 0
    removed: int = 0
    open: int = 0
    gone: int = 0
    unanswered: int = 0

    @property
    def answered(self) -> int:
        """How many need no answer any more."""
        return self.items - self.waiting - self.unanswered

    @property
    def percent(self) -> int:
        """The share of that, rounded down."""
        return 100 * self.answered // self.items if self.items else 100


class Campaign(msgspec.Struct, frozen=True, kw_only=True):
    """One campaign. Moments are seconds since the epoch.

    Args:
        scope: what it covers.
        quarter: the quarter that it was started for by itself; empty for one that somebody started.
        deadline_at: after it, substitutes are asked.
        since: how far back use was looked at.
        rules: the number of the rules in force at its start.
        closed_by: who closed it, and so acknowledged what it found.
        statement: what they said with it.
    """

    id: str
    name: str
    scope: Scope
    quarter: str
    started_at: float
    started_by: str
    deadline_at: float
    since: float
    rules: int
    progress: Progress
    closed_at: float | None = None
    closed_by: str = ""
    statement: str = ""

    @property
    def is_open(self) -> bool:
        """Whether it goes on."""
        return self.closed_at is None


def quarter_of(moment: float) -> str:
    """Return the quarter of a moment (seconds since the epoch, in UTC): `2026-Q4`."""
    day = datetime.fromtimestamp(moment, UTC)
    return f"{day.year}-Q{(day.month + 2) // 3}"


def require_may_answer(
    item_person: PersonId, state: ItemState, voter: PersonId, able: bool, reviewers: Collection[PersonId]
) -> None:
    """Return when somebody may answer an item.

    Args:
        item_person: whose access it is.
        state: of the item.
        voter: who would answer.
        able: whether they may sign in.
        reviewers: whose it is to answer.

    Raises:
        NotYours: for one's own access, always, for an account that is switched off, and for anybody else's item.
        AlreadyAnswered: when it does not wait.
    """
    if voter == item_person:
        raise NotYours("Nobody reviews their own access.", hint="Somebody else has to.")
    if not able:
        raise NotYours("This account is switched off, so its answers count for nothing.")
    if voter not in reviewers:
        raise NotYours("This is somebody else's to answer.")
    require_waiting(state)


def require_waiting(state: ItemState) -> None:
    """Raise `AlreadyAnswered` unless an item waits for its answer."""
    if state is not ItemState.WAITING:
        raise AlreadyAnswered(f"This does not wait for an answer any more: it is {state.value.replace('_', ' ')}.")
