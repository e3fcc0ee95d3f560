"""Which formulas cannot be true of one request, as far as that can be seen without a solver."""

from collections.abc import Mapping

from ostiary.policy.proof.formula import Atom, Every, Formula, Not, Some


def classes_reached(formula: Formula, dimension: str, size: int) -> frozenset[int]:
    """Return the classes of a dimension outside of which a formula is false. It may be false in some of these too.

    Args:
        formula: about requests.
        dimension: its name.
        size: how many classes the dimension has.
    """
    everywhere = frozenset(range(size))
    match formula:
        case Atom(name, classes) if name == dimension:
            return classes
        case Every(parts):
            return everywhere.intersection(*(classes_reached(part, dimension, size) for part in parts))
        case Some(parts):
            return frozenset[int]().union(*(classes_reached(part, dimension, size) for part in parts))
        case Not(Atom(name, classes)) if name == dimension:
            return everywhere - classes
        case _:
            return everywhere


class Reach:
    """The classes of some dimensions in which each of some formulas can be true.

    Args:
        formulas: by name.
        sizes: for each dimension that is looked at, how many classes it has.
    """

    def __init__(self, formulas: Mapping[str, Formula], sizes: Mapping[str, int]) -> None:
        self._reached = {
            name: [classes_reached(formula, dimension, size) for dimension, size in sizes.items()]
            for name, formula in formulas.items()
        }

    def may_meet(self, one: str, other: str) -> bool:
        """Return whether both could be true of one request. They cannot where this is false."""
        return not any(map(frozenset.isdisjoint, self._reached[one], self._reached[other]))
