"""What one set of rules allows that another does not, for every possible request."""

from enum import StrEnum

import msgspec

from ostiary.policy.proof.cedar_expressions import CannotProve
from ostiary.policy.proof.counterexample import Counterexample, decided
from ostiary.policy.proof.formula import every, negation
from ostiary.policy.proof.rulebook import encoded, space_of
from ostiary.policy.proof.solver import Problem, Solver, Undecided
from ostiary.policy.snapshot import Catalogue, Rules


class ComparisonOutcome(StrEnum):
    """How new rules stand to old ones."""

    EQUIVALENT = "equivalent"
    STRICTER = "stricter"
    LOOSER = "looser"
    INCOMPARABLE = "incomparable"
    UNKNOWN = "unknown"
    CANNOT_PROVE = "cannot_prove"


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """How new rules stand to old ones, by what they allow; what they oblige to is not compared.

    Args:
        words: the outcome in a sentence.
        allowed_only_by_new: a request that the new rules allow and the old ones refuse, as the new rules answer it.
        allowed_only_by_old: a request that the old rules allow and the new ones refuse, as the old rules answer it.
    """

    outcome: ComparisonOutcome
    words: str
    allowed_only_by_new: Counterexample | None = None
    allowed_only_by_old: Counterexample | None = None


def compare(old: Rules, new: Rules, catalogue: Catalogue, *, seconds: float) -> Comparison:
    """Compare what two rulebooks allow, over every possible request of somebody whose address is known.

    Args:
        old: the rules to compare with.
        new: the rules that are looked at.
        catalogue: the apps that exist.
        seconds: how long the solver may work.

    Raises:
        InvalidRules: when either cannot be used.
    """
    try:
        space = space_of([old, new], (), catalogue)
        by_old, by_new = encoded(old, space).allowed(), encoded(new, space).allowed()
    except CannotProve as error:
        return Comparison(outcome=ComparisonOutcome.CANNOT_PROVE, words=f"Cannot be compared: {error.message}.")
    problem, addressed = Problem(space), negation(space.lacks_address())
    differences = [(new, old, every([by_new, negation(by_old)])), (old, new, every([by_old, negation(by_new)]))]
    claims = [
        (one, other, problem.claim(every([addressed, formula])), problem.claim(negation(formula)))
        for one, other, formula in differences
    ]
    solver = Solver(problem, seconds=seconds / 2)
    try:
        found = [
            (one, other, point, solver.what_matters(point, contrary))
            for one, other, claim, contrary in claims
            if (point := solver.find_usual(claim)) is not None
        ]
    except Undecided:
        return Comparison(outcome=ComparisonOutcome.UNKNOWN, words=f"Not decided within {seconds:g} seconds.")
    examples = [decided(point, space, one, catalogue, matters=matters) for one, _, point, matters in found]
    refused = [decided(point, space, other, catalogue) for _, other, point, _ in found]
    if not all(one.allowed for one in examples) or any(one.allowed for one in refused):
        words = "The proof and the engine disagree, which is a mistake in Ostiary. Nothing is claimed."
        return Comparison(outcome=ComparisonOutcome.UNKNOWN, words=words)
    by = {id(one): example for (one, *_), example in zip(found, examples, strict=True)}
    more, less = by.get(id(new)), by.get(id(old))
    outcome, words = _VERDICTS[more is not None, less is not None]
    return Comparison(outcome=outcome, words=words, allowed_only_by_new=more, allowed_only_by_old=less)


_VERDICTS = {
    (False, False): (ComparisonOutcome.EQUIVALENT, "Both allow the same requests."),
    (True, False): (
        ComparisonOutcome.LOOSER,
        "The new rules allow everything that the old ones allow, and more.",
    ),
    (False, True): (
        ComparisonOutcome.STRICTER,
        "The new rules allow nothing that the old ones refuse, and refuse some of what those allow.",
    ),
    (True, True): (
        ComparisonOutcome.INCOMPARABLE,
        "The new rules allow some requests that the old ones refuse, and refuse some that those allow.",
    ),
}
