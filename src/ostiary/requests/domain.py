"""A request for access and what may become of it. Pure: who exists and what time it is are given.

    waiting ──▶ granted ──▶ over, or handed back
       ├──────▶ refused
       ├──────▶ withdrawn
       └──────▶ lapsed, at its deadline

Only `waiting` has ways out that people choose, so that no request is answered twice.
Source: NIST SP 800-162 (who may grant), SP 800-53 AC-2(2) and AC-6 (access for a time, least privilege).
"""

from collections.abc import Collection
from enum import StrEnum
from typing import Final

import msgspec

from ostiary.errors import OstiaryError
from ostiary.policy.identifiers import AppId, GroupId, PersonId

HOUR_SECONDS: Final = 3600
CHOICES_HOURS: Final = (1, 2, 4, 8, 24, 72, 168, 720, 2160)
"""What is offered, as far as the configuration allows it."""
FRESH_SECONDS: Final = 600
"""For so long a proof is fresh enough for emergency access and for becoming an administrator."""
MOST_NEEDED: Final = 5
"""So many may be asked to agree, at most."""
PART_BEFORE_SUBSTITUTES: Final = 0.5
"""After this part of the time to answer, administrators may answer as well."""


class State(StrEnum):
    """Where a request stands. `LAPSED` and `OVER` come by time alone."""

    WAITING = "waiting"
    GRANTED = "granted"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"
    LAPSED = "lapsed"
    RETURNED = "returned"
    OVER = "over"


class Kind(StrEnum):
    """What a request is. Only an ordinary one can be prolonged; `EMERGENCY` waits for nobody and is reviewed afterwards."""

    ACCESS = "access"
    EMERGENCY = "emergency"
    ADMINISTRATOR = "administrator"


class UnknownRequest(OstiaryError):
    """No such request."""


class NotYours(OstiaryError):
    """Somebody else has to answer this request."""


class AlreadyAnswered(OstiaryError):
    """The request does not wait any more."""


class ProofNeeded(OstiaryError):
    """This takes a fresh and stronger proof of who somebody is."""


class CannotAsk(OstiaryError):
    """What was asked for cannot be asked for."""


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody asks to be in a group for a while. Moments are seconds since the epoch.

    Args:
        app: what they wanted to open; empty when they asked for the group itself.
        return_path: the page in it.
        seconds: for how long, counted from the answer.
        state: as stored; `standing` says what is true at a moment.
        substitute_at: from when on administrators may answer as well.
        deadline_at: when it lapses unless it is answered.
        decided_by: who answered, as people know them.
        ends_at: when what was granted ends.
        extends: the request that this one prolongs; empty for a first one.
        needed: how many have to agree.
        agreed: who has agreed so far, as people know them.
        kind: how it came about.
    """

    id: str
    person_id: PersonId
    email: str
    name: str = ""
    group: GroupId
    app: AppId | None = None
    return_path: str = "/"
    seconds: int
    reason: str
    state: State
    asked_at: float
    substitute_at: float
    deadline_at: float
    decided_at: float | None = None
    decided_by: str = ""
    comment: str = ""
    ends_at: float | None = None
    extends: str = ""
    needed: int = 1
    agreed: tuple[str, ...] = ()
    kind: Kind = Kind.ACCESS


class Review(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody other than who used emergency access says whether that was right.

    Args:
        request: what was used.
        due_at: until when somebody has to have said so.
        answered_at: when somebody did; `None` as long as nobody has.
        answered_by: who, as people know them.
        justified: what they said; `None` as long as nobody has.
        words: and why.
    """

    request: Request
    due_at: float
    answered_at: float | None = None
    answered_by: str = ""
    justified: bool | None = None
    words: str = ""

    def is_overdue(self, now: float) -> bool:
        """Say whether nobody has reviewed it in time."""
        return self.answered_at is None and now >= self.due_at


class ApprovalRule(msgspec.Struct, frozen=True, kw_only=True):
    """Who answers requests for a group, where that is not its owner.

    Args:
        group: what is asked for.
        by: the group whose members answer.
        needed: how many of them have to agree; one refusal is enough to refuse.
    """

    group: GroupId
    by: GroupId
    needed: int = 2


class Voter(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody who would answer.

    Args:
        able: whether they may sign in at all.
        administrator: whether they stand in for approvers.
    """

    id: PersonId
    able: bool
    administrator: bool = False


def standing(state: State, *, deadline_at: float, ends_at: float | None, now: float) -> State:
    """Return where a request stands at a moment, whether or not a job has written that down."""
    if state is State.WAITING and now >= deadline_at:
        return State.LAPSED
    if state is State.GRANTED and ends_at is not None and now >= ends_at:
        return State.OVER
    return state


def state_at(request: Request, now: float) -> State:
    """Return where a request stands at a moment."""
    return standing(request.state, deadline_at=request.deadline_at, ends_at=request.ends_at, now=now)


def deadlines(asked_at: float, answer_seconds: float) -> tuple[float, float]:
    """Return when administrators may answer as well, and when the request lapses."""
    return asked_at + answer_seconds * PART_BEFORE_SUBSTITUTES, asked_at + answer_seconds


def require_waiting(request: Request, now: float) -> None:
    """Raise `AlreadyAnswered` unless the request waits for an answer."""
    state = state_at(request, now)
    if state is not State.WAITING:
        raise AlreadyAnswered(f"This request does not wait for an answer any more: it is {state.value}.")


def require_may_answer(request: Request, voter: Voter, approvers: Collection[PersonId], now: float) -> None:
    """Return when somebody may answer a request now.

    Args:
        request: which.
        voter: who would answer.
        approvers: whose it is to answer, as things are now, not as they were when it was asked.
        now: seconds since the epoch.

    Raises:
        AlreadyAnswered: when it does not wait.
        NotYours: for oneself, for an account that cannot sign in, and for anybody whose request it is not to answer.
    """
    require_waiting(request, now)
    if voter.id == request.person_id:
        raise NotYours("Nobody answers their own request.", hint="Somebody else has to.")
    if not voter.able:
        raise NotYours("This account is switched off, so its answers count for nothing.")
    substitutes = voter.administrator and now >= request.substitute_at
    if voter.id not in approvers and not substitutes:
        raise NotYours("This request is somebody else's to answer.")


def choices(longest_hours: int) -> tuple[int, ...]:
    """Return for how many hours one may ask."""
    fitting = tuple(hours for hours in CHOICES_HOURS if hours <= longest_hours)
    return fitting if longest_hours in fitting else (*fitting, longest_hours)
