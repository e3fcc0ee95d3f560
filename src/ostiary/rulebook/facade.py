"""What the rest of Ostiary may ask of the rulebook: frozen types in, frozen types out."""

from ostiary.policy.rules.problems import InvalidRules, Problem
from ostiary.policy.rules.selector_reader import Known
from ostiary.rulebook.domain import AppliedRules, CheckReport, PartChange, RuleChange, RulesDifference, RuleSummary
from ostiary.rulebook.initial import initial_rules
from ostiary.rulebook.queries import UnknownRules, get_applied, get_applied_before, get_current, list_history
from ostiary.rulebook.services import apply_rules, check_rules, compare_rules, show_cedar

__all__ = [
    "AppliedRules",
    "CheckReport",
    "InvalidRules",
    "Known",
    "PartChange",
    "Problem",
    "RuleChange",
    "RuleSummary",
    "RulesDifference",
    "UnknownRules",
    "apply_rules",
    "check_rules",
    "compare_rules",
    "get_applied",
    "get_applied_before",
    "get_current",
    "initial_rules",
    "list_history",
    "show_cedar",
]
