"""Asks an SMT solver whether a request with some properties is possible.

The problem is written in SMT-LIB, the solvers' common language, so that what was proved can be kept and given to
another solver. Only this module knows which one is asked.

Source: The SMT-LIB Standard, version 2.6.
"""

from collections.abc import Iterator, Sequence
from typing import Final

import z3

from ostiary.errors import OstiaryError
from ostiary.policy.proof.formula import FALSE, TRUE, Atom, Every, Formula, Not, Point, Some
from ostiary.policy.proof.space import Space

_LOGIC: Final = "QF_FD"
"""Finite domains: z3 then works as a SAT solver."""


class Undecided(OstiaryError):
    """The solver did not find the answer within its limit."""


class Problem:
    """A space and claims about its requests, as SMT-LIB text.

    One variable stands for each class. A request lies in at least one class of each dimension; that it lies in one
    only needs no saying, because what it says of itself differs between any two of them.

    Args:
        space: the possible requests.

    Attributes:
        classes: for each dimension, the claims that a request lies in its classes.
    """

    def __init__(self, space: Space) -> None:
        self.classes: dict[str, list[str]] = {
            name: [f"d{number}c{one}" for one in range(len(dimension.values))]
            for number, (name, dimension) in enumerate(space.dimensions.items())
        }
        self._lines = [line for name, classes in self.classes.items() for line in _one_of(name, classes)]
        self._atoms: dict[Formula, str] = {}
        self._named: dict[int, tuple[Formula, str]] = {}
        self._claims = 0

    def claim(self, formula: Formula) -> str:
        """Add a claim that can be asked about; return its name."""
        self._claims += 1
        name = f"claim{self._claims}"
        self._lines += [f"(declare-const {name} Bool)", f"(assert (= {name} {self._term(formula)}))"]
        return name

    def text(self) -> str:
        """Return the problem; it has no command to solve it."""
        return "\n".join(self._lines) + "\n"

    def _term(self, formula: Formula) -> str:
        if formula in (TRUE, FALSE):
            return "true" if formula == TRUE else "false"
        if isinstance(formula, Atom):
            return self._atom(formula)
        known = self._named.get(id(formula))
        if known is None:
            name = f"f{len(self._named)}"
            known = self._named[id(formula)] = (formula, name)
            self._lines.append(f"(define-fun {name} () Bool {self._composed(formula)})")
        return known[1]

    def _composed(self, formula: Every | Some | Not) -> str:
        match formula:
            case Not(part=part):
                return f"(not {self._term(part)})"
            case Every(parts=parts):
                return f"(and {' '.join(map(self._term, parts))})"
            case Some(parts=parts):
                return f"(or {' '.join(map(self._term, parts))})"

    def _atom(self, atom: Atom) -> str:
        name = self._atoms.get(atom)
        if name is None:
            name = self._atoms[atom] = f"a{len(self._atoms)}"
            self._lines.append(f"(declare-const {name} Bool)")
            for number, variable in enumerate(self.classes[atom.dimension]):
                value = name if number in atom.classes else f"(not {name})"
                self._lines.append(f"(assert (=> {variable} {value}))")
        return name


class Solver:
    """Finds requests. The same questions in the same order get the same answers.

    Args:
        problem: with every claim that will be asked about.
        seconds: how long one question may take.
    """

    def __init__(self, problem: Problem, *, seconds: float) -> None:
        self._problem = problem
        self._context = z3.Context()
        self._solver = z3.SolverFor(_LOGIC, ctx=self._context)
        self._solver.set("timeout", max(1, int(seconds * 1000)))
        self._solver.set("random_seed", 0)
        self._solver.from_string(problem.text())
        self._variables: dict[str, z3.BoolRef] = {}

    def is_possible(self, *claims: str) -> bool:
        """Return whether there is a request of which every claim is true.

        Raises:
            Undecided: when the time was too short to tell.
        """
        answer = self._solver.check(*map(self._variable, claims))
        if answer == z3.unknown:
            raise Undecided(
                f"The solver did not decide ({self._solver.reason_unknown()}).", hint="Give it more time: --seconds"
            )
        return bool(answer == z3.sat)

    def find(self, *claims: str) -> Point | None:
        """Return a request of which every claim is true, or `None` when there is none.

        Raises:
            Undecided: when the time was too short to tell.
        """
        if not self.is_possible(*claims):
            return None
        model = self._solver.model()
        return {
            name: next(number for number, one in enumerate(classes) if z3.is_true(model.eval(self._variable(one))))
            for name, classes in self._problem.classes.items()
        }

    def find_usual(self, *claims: str) -> Point | None:
        """Return such a request that is as usual as it can be: in each dimension in turn, the first class that will do.

        Raises:
            Undecided: when the time was too short to tell whether there is one.
        """
        point = self.find(*claims)
        if point is None:
            return None
        settled: list[str] = []
        for name, classes in self._problem.classes.items():
            for number in range(point[name]):
                better = self._find_if_decided(*claims, *settled, classes[number])
                if better is not None:
                    point = better
                    break
            settled.append(classes[point[name]])
        return point

    def what_matters(self, point: Point, contrary: str) -> frozenset[str]:
        """Return dimensions that settle a request: whatever the others are, the contrary stays impossible.

        Args:
            point: a request of which the contrary is not true.
            contrary: the claim.
        """
        kept = {name: classes[point[name]] for name, classes in self._problem.classes.items()}
        for name in reversed(self._problem.classes):
            others = [one for other, one in kept.items() if other != name]
            if self._is_impossible(contrary, *others):
                del kept[name]
        return frozenset(kept)

    def _find_if_decided(self, *claims: str) -> Point | None:
        try:
            return self.find(*claims)
        except Undecided:
            return None

    def _is_impossible(self, *claims: str) -> bool:
        try:
            return not self.is_possible(*claims)
        except Undecided:
            return False

    def _variable(self, name: str) -> z3.BoolRef:
        known = self._variables.get(name)
        if known is None:
            known = self._variables[name] = z3.Bool(name, self._context)
        return known


def _one_of(name: str, classes: Sequence[str]) -> Iterator[str]:
    yield f"; {name.encode('unicode_escape').decode()}"
    for one in classes:
        yield f"(declare-const {one} Bool)"
    yield f"(assert (or {' '.join(classes)}))"
