"""Whether the clauses of a document hold for every possible request."""

from collections.abc import Sequence
from enum import StrEnum

import msgspec

from ostiary.policy.proof.cedar_expressions import CannotProve
from ostiary.policy.proof.counterexample import Counterexample, decided
from ostiary.policy.proof.encoding import clause_formula
from ostiary.policy.proof.formula import every, negation
from ostiary.policy.proof.rulebook import encoded, space_of
from ostiary.policy.proof.solver import Problem, Solver, Undecided
from ostiary.policy.rules.statements import Clause, ClauseKind
from ostiary.policy.snapshot import Catalogue, Rules


class ClauseOutcome(StrEnum):
    """What is known about a clause."""

    PROVED = "proved"
    REFUTED = "refuted"
    UNKNOWN = "unknown"
    CANNOT_PROVE = "cannot_prove"


class ClauseResult(msgspec.Struct, frozen=True, kw_only=True):
    """What is known about one clause.

    Args:
        words: the outcome in a sentence.
        counterexample: of a refuted clause, a request that contradicts it.
        means_nothing: no possible request is meant, so that it holds for want of one: usually a misspelt label.
    """

    clause: Clause
    outcome: ClauseOutcome
    words: str
    counterexample: Counterexample | None = None
    means_nothing: bool = False


def prove(rules: Rules, catalogue: Catalogue, clauses: Sequence[Clause], *, seconds: float) -> tuple[ClauseResult, ...]:
    """Decide for each clause whether it holds for every possible request.

    `never` holds when no request that it means is allowed, `always` when every request that it means is.

    Args:
        rules: the rulebook.
        catalogue: the apps that exist; a request is for one of these.
        clauses: what is claimed.
        seconds: how long the solver may work on all of them; each gets an equal share.

    Returns:
        A result for each clause, in their order.

    Raises:
        InvalidRules: when the rules cannot be used.
    """
    if not clauses:
        return ()
    try:
        space = space_of([rules], [clause.rule for clause in clauses], catalogue)
        problem = Problem(space)
        allowed = encoded(rules, space).allowed()
        meant = [clause_formula(clause, space) for clause in clauses]
    except CannotProve as error:
        return tuple(
            ClauseResult(clause=clause, outcome=ClauseOutcome.CANNOT_PROVE, words=f"Cannot be proved: {error.message}.")
            for clause in clauses
        )
    against = {ClauseKind.NEVER: allowed, ClauseKind.ALWAYS: negation(allowed)}
    asked = []
    for clause, one in zip(clauses, meant, strict=True):
        contradicts = every([one, against[clause.kind]])
        claims = (problem.claim(one), problem.claim(contradicts), problem.claim(negation(contradicts)))
        asked.append((clause, *claims))
    solver = Solver(problem, seconds=seconds / len(clauses))

    def result(clause: Clause, meant: str, contradicted: str, contrary: str) -> ClauseResult:
        try:
            point = solver.find_usual(contradicted)
            means_nothing = point is None and not solver.is_possible(meant)
            matters = solver.what_matters(point, contrary) if point else None
        except Undecided:
            words = f"Not decided within {seconds:g} seconds."
            return ClauseResult(clause=clause, outcome=ClauseOutcome.UNKNOWN, words=words)
        if point is None:
            return _proved(clause, means_nothing=means_nothing)
        return _refuted(clause, decided(point, space, rules, catalogue, matters=matters))

    return tuple(result(*one) for one in asked)


def _proved(clause: Clause, *, means_nothing: bool) -> ClauseResult:
    words = "No possible request contradicts it."
    if means_nothing:
        words = "It means no possible request: no app in the catalogue has what it names."
    return ClauseResult(clause=clause, outcome=ClauseOutcome.PROVED, words=words, means_nothing=means_nothing)


def _refuted(clause: Clause, example: Counterexample) -> ClauseResult:
    """Return the refutation. The engine has the last word: what it does not confirm is not claimed."""
    if example.allowed != (clause.kind is ClauseKind.NEVER):
        return ClauseResult(
            clause=clause,
            outcome=ClauseOutcome.UNKNOWN,
            words=f"The proof and the engine disagree, which is a mistake in Ostiary. The request: {example.words}",
        )
    return ClauseResult(clause=clause, outcome=ClauseOutcome.REFUTED, words=example.words, counterexample=example)
