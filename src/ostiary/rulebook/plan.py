"""A change of rules as a plan: everything that can be said about it before it is applied. Making one only reads.

Who and what it could touch is given; carrying it out lives in `applying`.
"""

import time
from typing import TYPE_CHECKING

import msgspec
from django.conf import settings

from ostiary.policy.engine import PolicyEngine
from ostiary.policy.identifiers import Generation, PolicyVersion
from ostiary.policy.request import AccessRequest
from ostiary.policy.rules.document import RulesDocument
from ostiary.policy.rules.parsed import write_parsed
from ostiary.policy.rules.problems import InvalidRules
from ostiary.policy.rules.reader import read_rules
from ostiary.policy.snapshot import Rules
from ostiary.rulebook.clauses import prove_clauses
from ostiary.rulebook.domain import AppliedRules, CheckReport, RulesDifference, compare, version_of
from ostiary.rulebook.lifecycle import Hold, HoldReason
from ostiary.rulebook.lock_out import LockOut, find_lock_out
from ostiary.rulebook.queries import get_current, get_hold
from ostiary.rulebook.reach import Reach, find_reach
from ostiary.rulebook.services import check_rules
from ostiary.rulebook.surroundings import Surroundings
from ostiary.rulebook.week import moments_of_week
from ostiary.visibility.facade import Actor

if TYPE_CHECKING:
    from ostiary.policy.proof.facade import ClauseResult

LEAST_PEOPLE = 3
"""A change that takes something from fewer people than this is never stopped for their number."""


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What a change would do, and what stands in its way.

    Args:
        document: the new YAML text.
        cedar: the new Cedar text beside it.
        version: of both.
        before: the rules in force when the plan was made.
        actor: who would make the change.
        report: problems, warnings, every rule in words, and what came of the tests.
        difference: what changes, in words; `None` when there are problems.
        lock_out: whom it shuts out of the console, if anybody.
        reach: who gains and who loses what.
        takes_too_much: whether so many lose something that it must be confirmed by their number.
        follows: the repository that the rules come from; empty when they are made here.
        needs_approval: whether a second administrator must approve it.
        held: the change that is on trial now, so that no other can be applied.
        confirm_seconds: how long this one would be on trial, if it were.
        clauses: what is known of each clause of the new document.
    """

    document: str
    cedar: str
    version: PolicyVersion
    before: AppliedRules
    actor: Actor
    report: CheckReport
    difference: RulesDifference | None = None
    lock_out: LockOut | None = None
    reach: Reach = Reach()
    takes_too_much: bool = False
    follows: str = ""
    needs_approval: bool = False
    held: Hold | None = None
    confirm_seconds: int = 0
    clauses: "tuple[ClauseResult, ...]" = ()

    @property
    def is_valid(self) -> bool:
        """Whether the rules can be used at all."""
        return self.report.is_valid

    @property
    def refuted(self) -> "tuple[ClauseResult, ...]":
        """The clauses that some possible request contradicts."""
        return tuple(one for one in self.clauses if one.counterexample is not None)

    @property
    def has_findings(self) -> bool:
        """Whether the document's own tests or clauses speak against it."""
        return bool(self.report.failures or self.refuted)

    @property
    def is_in_force(self) -> bool:
        """Whether these texts are the ones in force."""
        return bool(self.before.number) and (self.before.document, self.before.cedar) == (self.document, self.cedar)

    @property
    def people_to_name(self) -> int:
        """From how many people access is taken, when that number must be said to go on; otherwise 0."""
        return len(self.reach.losing) if self.takes_too_much else 0

    @property
    def hold_reasons(self) -> tuple[HoldReason, ...]:
        """Why the change would be on trial first; empty when it would stay at once."""
        if self.lock_out is None:
            return ()
        own = (HoldReason.OWN_LOCK_OUT,) if self.lock_out.own is not None else ()
        every = (HoldReason.ADMINISTRATORS_LOCK_OUT,) if self.lock_out.administrators else ()
        return own + every


def plan_change(
    document: str, cedar: str = "", *, actor: Actor, actor_request: AccessRequest | None, surroundings: Surroundings
) -> Plan:
    """Return what a change of rules would do. Nothing is changed.

    Args:
        document: the new YAML text.
        cedar: the new Cedar text beside it.
        actor: who would make the change.
        actor_request: a request of theirs at the console with the session they use; `None` for a command on the machine.
        surroundings: everybody and everything the rules could be about.
    """
    configuration = settings.INSTANCE.configuration.rules
    before = get_current()
    report = check_rules(document, cedar, known=surroundings.known, catalogue=surroundings.catalogue)
    plan = Plan(
        document=document,
        cedar=cedar,
        version=version_of(document, cedar),
        before=before,
        actor=actor,
        report=report,
        follows=configuration.follow,
        needs_approval=configuration.second_approver,
        held=get_hold(),
        confirm_seconds=configuration.confirm_seconds,
    )
    return _with_consequences(plan, actor_request, surroundings) if report.is_valid else plan


def engine_for(document: str, cedar: str, surroundings: Surroundings) -> PolicyEngine:
    """Return an engine that decides by these rules; by none, which lets nobody in, when they cannot be used."""
    return _engine(document, cedar, _read(document), surroundings)


def _with_consequences(plan: Plan, request: AccessRequest | None, surroundings: Surroundings) -> Plan:
    before = plan.before
    documents = _read(before.document), _read(plan.document)
    old = _engine(before.document, before.cedar, documents[0], surroundings)
    new = _engine(plan.document, plan.cedar, documents[1], surroundings)
    moments = moments_of_week(documents, time.time())
    reach = find_reach(
        old,
        new,
        documents=documents,
        cedar=bool(before.cedar.strip() or plan.cedar.strip()),
        surroundings=surroundings,
        moments=moments,
    )
    share = settings.INSTANCE.configuration.rules.hold_share_percent
    return msgspec.structs.replace(
        plan,
        difference=compare(*documents, cedar_changed=before.cedar.strip() != plan.cedar.strip()),
        lock_out=find_lock_out(old, new, request=request, surroundings=surroundings, moments=moments),
        reach=reach,
        takes_too_much=reach.takes_too_much(share_percent=share, at_least=LEAST_PEOPLE),
        clauses=prove_clauses(_rules(plan.document, plan.cedar, documents[1]), documents[1], surroundings.catalogue),
    )


def _rules(document: str, cedar: str, read: RulesDocument) -> Rules:
    return Rules(
        document=document, cedar=cedar, version=version_of(document, cedar), parsed=write_parsed(document, read)
    )


def _engine(document: str, cedar: str, read: RulesDocument, surroundings: Surroundings) -> PolicyEngine:
    rules = _rules(document, cedar, read)
    try:
        return PolicyEngine(rules, surroundings.catalogue, Generation(0))
    except InvalidRules:
        return PolicyEngine(Rules(), surroundings.catalogue, Generation(0))


def _read(document: str) -> RulesDocument:
    """Return what a document says; nothing when it cannot be read, as where decisions are made."""
    try:
        return read_rules(document)
    except InvalidRules:
        return RulesDocument()
