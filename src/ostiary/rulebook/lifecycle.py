"""What becomes of a change of rules: held, then confirmed or rolled back; proposed, then approved or withdrawn. Types only."""

from enum import StrEnum
from typing import Final

import msgspec

from ostiary.errors import OstiaryError
from ostiary.policy.identifiers import PolicyVersion
from ostiary.policy.rules.problems import Problem

CLOCK_SKEW_SECONDS: Final = 5.0


class HoldReason(StrEnum):
    """Why a change rolls back by itself unless it is confirmed."""

    OWN_LOCK_OUT = "own_lock_out"
    ADMINISTRATORS_LOCK_OUT = "administrators_lock_out"


class HoldOutcome(StrEnum):
    """How a hold stands or ended."""

    OPEN = ""
    CONFIRMED = "confirmed"
    ROLLED_BACK = "rolled_back"


class Hold(msgspec.Struct, frozen=True, kw_only=True):
    """A change that is in force on trial, or was.

    Args:
        number: the rules that are held.
        version: theirs.
        restores: the number of the rules that come back; 0 when there were none.
        reasons: why it is held.
        held_at: since when, seconds since the epoch.
        until: when it rolls back by itself.
        actor_kind: what kind of actor put them in force, and must confirm.
        actor_id: who exactly.
        actor: whom people know as that one.
        outcome: how it stands or ended.
        ended_at: when it ended; 0 while it is open.
        ended_by: who confirmed it or rolled it back.
        ended_why: why, in words.
    """

    number: int
    version: PolicyVersion
    restores: int
    reasons: tuple[HoldReason, ...]
    held_at: float
    until: float
    actor_kind: str
    actor_id: str
    actor: str
    outcome: HoldOutcome = HoldOutcome.OPEN
    ended_at: float = 0.0
    ended_by: str = ""
    ended_why: str = ""

    def is_due(self, now: float) -> bool:
        """Whether the time is up. A clock that was put back before the beginning gives no more time."""
        return now >= self.until or now < self.held_at - CLOCK_SKEW_SECONDS


class ProposalState(StrEnum):
    """How a proposal stands."""

    OPEN = "open"
    EXPIRED = "expired"
    APPLIED = "applied"
    WITHDRAWN = "withdrawn"
    OVERTAKEN = "overtaken"


class Proposal(msgspec.Struct, frozen=True, kw_only=True):
    """Rules that wait for a second person, or that came from a followed repository and wait for a person.

    Args:
        id: counts up.
        document: the YAML text.
        cedar: the Cedar text beside it.
        comment: why.
        origin: where it comes from: a person's proposal, or the commit of a followed repository.
        waits_for: why it was not applied by itself, in words; empty for a person's proposal.
        based_on: the number of the rules that it was made from.
        proposed_at: seconds since the epoch.
        expires_at: after which it cannot be approved.
        actor_kind: what kind of actor proposed it.
        actor_id: who exactly.
        actor: whom people know as the one who did.
        decided_at: when it was approved or withdrawn; 0 before.
        decided_by: who did.
        number: of the rules that it became; 0 when it did not.
        author: the mail address of whoever wrote it, as the commit of a followed repository says.
    """

    id: int
    document: str
    cedar: str
    comment: str
    origin: str = ""
    waits_for: str = ""
    based_on: int
    proposed_at: float
    expires_at: float
    actor_kind: str
    actor_id: str
    actor: str
    state: ProposalState
    decided_at: float = 0.0
    decided_by: str = ""
    number: int = 0
    author: str = ""


class Followed(msgspec.Struct, frozen=True, kw_only=True):
    """What was last seen in the repository that the rules come from.

    Args:
        repository: its address.
        commit: the newest that was seen; empty when none was.
        author: who wrote it, as it says.
        subject: the first line of its message.
        seen_at: when it was first seen, seconds since the epoch.
        problems: why its rules cannot be used; empty when they can.
        unreadable: why the repository could not be read the last time; empty when it could.
        unreadable_since: since when; 0 when it could.
        in_force: the number of the rules in force.
    """

    repository: str
    commit: str = ""
    author: str = ""
    subject: str = ""
    seen_at: float = 0.0
    problems: tuple[Problem, ...] = ()
    unreadable: str = ""
    unreadable_since: float = 0.0
    in_force: int = 0

    @property
    def first_problem(self) -> str:
        """What is wrong first, with its line, and how much more is; empty when nothing is."""
        if not self.problems:
            return ""
        more = len(self.problems) - 1
        return str(self.problems[0]) + (f", and {more} more" if more else "")


class ChangeHeld(OstiaryError):
    """Another change is held: it must be confirmed or rolled back before anything else is applied."""


class NothingHeld(OstiaryError):
    """There is no held change, or another one than the one that was meant."""


class NotYours(OstiaryError):
    """Somebody else must do this."""


class NotConfirmed(OstiaryError):
    """The confirmation does not prove what it must."""


class RulesOvertaken(OstiaryError):
    """Other rules were put in force since the plan was made."""


class PeopleNotNamed(OstiaryError):
    """The change takes access from many, and nobody said from how many."""


class NeedsApproval(OstiaryError):
    """A second administrator must approve the change."""


class UnknownProposal(OstiaryError):
    """There is no open proposal with that number."""


class RulesFollowed(OstiaryError):
    """The rules come from a repository; here they are not changed."""
