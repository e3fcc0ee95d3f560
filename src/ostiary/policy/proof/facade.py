"""What others use of proofs. Importing this loads the solver: do it where a proof is asked for, never on a request's way."""

from ostiary.policy.proof.added_cedar import CannotProve
from ostiary.policy.proof.clauses import ClauseOutcome, ClauseResult, prove
from ostiary.policy.proof.comparison import Comparison, ComparisonOutcome, compare
from ostiary.policy.proof.counterexample import Counterexample

__all__ = [
    "CannotProve",
    "ClauseOutcome",
    "ClauseResult",
    "Comparison",
    "ComparisonOutcome",
    "Counterexample",
    "compare",
    "prove",
]
