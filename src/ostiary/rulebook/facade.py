"""What the rest of Ostiary may ask of the rulebook: frozen types in, frozen types out."""

from ostiary.policy.replay_report import ReplayReport
from ostiary.policy.rules.problems import InvalidRules, Problem
from ostiary.policy.rules.selector_reader import Known
from ostiary.policy.testing import TestResult
from ostiary.rulebook.applying import apply_plan, refuse_followed
from ostiary.rulebook.clauses import ClausesRefuted
from ostiary.rulebook.domain import AppliedRules, CheckReport, PartChange, RuleChange, RulesDifference, RuleSummary
from ostiary.rulebook.failing import TestsFail, note_failing, refuse_failing
from ostiary.rulebook.followed import get_followed
from ostiary.rulebook.following import follow_repository
from ostiary.rulebook.holds import confirm_hold, may_confirm, roll_back, roll_back_due
from ostiary.rulebook.initial import initial_rules
from ostiary.rulebook.lifecycle import (
    ChangeHeld,
    Followed,
    Hold,
    HoldOutcome,
    HoldReason,
    NeedsApproval,
    NotConfirmed,
    NothingHeld,
    NotYours,
    PeopleNotNamed,
    Proposal,
    ProposalState,
    RulesFollowed,
    RulesOvertaken,
    UnknownProposal,
)
from ostiary.rulebook.lock_out import LockOut, find_own_lock_out
from ostiary.rulebook.plan import Plan, engine_for, plan_change
from ostiary.rulebook.proposals import (
    approve_proposal,
    get_proposal,
    list_proposals,
    may_approve,
    propose_plan,
    withdraw_proposal,
)
from ostiary.rulebook.queries import (
    UnknownRules,
    get_applied,
    get_applied_before,
    get_current,
    get_hold,
    list_history,
)
from ostiary.rulebook.reach import PersonChange, Reach
from ostiary.rulebook.replaying import replay_candidate
from ostiary.rulebook.services import apply_rules, check_rules, compare_rules, show_cedar
from ostiary.rulebook.surroundings import Circumstances, Member, Surroundings
from ostiary.rulebook.unused import Standing, UnusedPermissions, find_unused, standing_since, write_without

__all__ = [
    "AppliedRules",
    "ChangeHeld",
    "CheckReport",
    "Circumstances",
    "ClausesRefuted",
    "Followed",
    "Hold",
    "HoldOutcome",
    "HoldReason",
    "InvalidRules",
    "Known",
    "LockOut",
    "Member",
    "NeedsApproval",
    "NotConfirmed",
    "NotYours",
    "NothingHeld",
    "PartChange",
    "PeopleNotNamed",
    "PersonChange",
    "Plan",
    "Problem",
    "Proposal",
    "ProposalState",
    "Reach",
    "ReplayReport",
    "RuleChange",
    "RuleSummary",
    "RulesDifference",
    "RulesFollowed",
    "RulesOvertaken",
    "Standing",
    "Surroundings",
    "TestResult",
    "TestsFail",
    "UnknownProposal",
    "UnknownRules",
    "UnusedPermissions",
    "apply_plan",
    "apply_rules",
    "approve_proposal",
    "check_rules",
    "compare_rules",
    "confirm_hold",
    "engine_for",
    "find_own_lock_out",
    "find_unused",
    "follow_repository",
    "get_applied",
    "get_applied_before",
    "get_current",
    "get_followed",
    "get_hold",
    "get_proposal",
    "initial_rules",
    "list_history",
    "list_proposals",
    "may_approve",
    "may_confirm",
    "note_failing",
    "plan_change",
    "propose_plan",
    "refuse_failing",
    "refuse_followed",
    "replay_candidate",
    "roll_back",
    "roll_back_due",
    "show_cedar",
    "standing_since",
    "withdraw_proposal",
    "write_without",
]
