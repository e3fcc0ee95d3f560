"""What others use of proofs. Importing this loads the solver: do it where a proof is asked for, never on a request's way."""

from ostiary.policy.proof.cedar_expressions import CannotProve
from ostiary.policy.proof.clauses import ClauseOutcome, ClauseResult, prove
from ostiary.policy.proof.comparison import Comparison, ComparisonOutcome, compare
from ostiary.policy.proof.counterexample import Counterexample
from ostiary.policy.proof.lint import Finding, Oddity, lint
from ostiary.policy.proof.reach import AppReach, Way, WhoCan, what_can, who_can
from ostiary.policy.proof.solver import Undecided

__all__ = [
    "AppReach",
    "CannotProve",
    "ClauseOutcome",
    "ClauseResult",
    "Comparison",
    "ComparisonOutcome",
    "Counterexample",
    "Finding",
    "Oddity",
    "Undecided",
    "Way",
    "WhoCan",
    "compare",
    "lint",
    "prove",
    "what_can",
    "who_can",
]
