"""A rulebook ready to be asked many questions: its formulas, a solver, and what its rules are called."""

from collections.abc import Iterable

from ostiary.policy.compiled import CompiledRules
from ostiary.policy.identifiers import AppId, RuleName
from ostiary.policy.proof.counterexample import Counterexample, decided
from ostiary.policy.proof.encoding import Encoded, Part
from ostiary.policy.proof.formula import Formula, every, negation, some
from ostiary.policy.proof.rulebook import compiled_rules, encoded, space_of
from ostiary.policy.proof.solver import Problem, Solver
from ostiary.policy.proof.space import Space
from ostiary.policy.request import Subject
from ostiary.policy.rules.document import Effect, Rule, Target, TargetKind
from ostiary.policy.rules.words import rule_in_words
from ostiary.policy.snapshot import Catalogue, Directory, PersonFact, Rules


class Inquiry:
    """Claims are made first, then asked about.

    Args:
        rules: the rulebook.
        catalogue: the apps that exist.
        seconds_each: how long the solver may work on one question.

    Raises:
        InvalidRules: when the rules cannot be used.
        CannotProve: when Cedar beside the document uses what is not understood.
    """

    def __init__(self, rules: Rules, catalogue: Catalogue, *, seconds_each: float) -> None:
        self._rules = rules
        self.catalogue = catalogue
        self._seconds = seconds_each
        self.compiled: CompiledRules = compiled_rules(rules)
        self.space: Space = space_of([rules], (), catalogue)
        self.encoded: Encoded = encoded(rules, self.space)
        self.problem = Problem(self.space)
        self._solver: Solver | None = None

    @property
    def allows(self) -> list[Part]:
        """Everything that can allow."""
        return [part for part in self.encoded.parts if part.effect is Effect.ALLOW]

    @property
    def denies(self) -> list[Part]:
        """Everything that can deny."""
        return [part for part in self.encoded.parts if part.effect is Effect.DENY]

    @property
    def solver(self) -> Solver:
        """The solver; no claim can be made any more."""
        if self._solver is None:
            self._solver = Solver(self.problem, seconds=self._seconds)
        return self._solver

    def claim(self, *parts: Formula) -> str:
        """Claim that all parts are true."""
        return self.problem.claim(every(parts))

    def not_denied(self) -> Formula:
        """Neither a rule nor anything else refuses."""
        return every([negation(self.encoded.refused), negation(self.encoded.some_match(Effect.DENY))])

    def is_possible(self, *claims: str) -> bool:
        """Whether there is a request of which every claim is true.

        Raises:
            Undecided: when the time was too short to tell.
        """
        return self.solver.is_possible(*claims)

    def example(self, contrary: str, *claims: str) -> Counterexample | None:
        """Return the most usual request of which every claim is true, as the engine answers it.

        Args:
            contrary: what these claims rule out; the example's words say only what rules it out.
            claims: what is true of the request.

        Raises:
            Undecided: when the time was too short to tell.
        """
        point = self.solver.find_usual(*claims)
        if point is None:
            return None
        matters = self.solver.what_matters(point, contrary)
        return decided(point, self.space, self._rules, self.catalogue, matters=matters)

    def means(self, targets: Iterable[Target]) -> Formula:
        """The resource is an app that one of the targets names."""
        return some([self.is_app(app) for app in self.apps_of(targets)])

    def apps_of(self, targets: Iterable[Target]) -> list[AppId]:
        """Return the apps that the targets name, in the order of the catalogue."""
        wanted = set(targets)
        return [
            app.id
            for app in self.catalogue.apps.values()
            if wanted & {Target(TargetKind.ANYTHING), Target(TargetKind.APP, app.id)}
            or any(Target(TargetKind.LABEL, label) in wanted for label in app.labels)
        ]

    def is_app(self, app: AppId) -> Formula:
        """The resource is the app."""
        return self.space.app(app)

    def rule(self, name: RuleName) -> Rule | None:
        """Return the rule of the document, or `None` for an added Cedar policy."""
        return self.compiled.by_name.get(name)

    def words(self, name: RuleName) -> str:
        """Return what the rule says."""
        rule = self.rule(name)
        return rule_in_words(rule) if rule else "A Cedar policy beside the document."


def subject_of(person: PersonFact) -> Subject:
    """Return a person of the directory as a request names them."""
    return Subject(person=person.id, email=person.email, groups=frozenset(person.groups))


def kinds_of_people(directory: Directory, space: Space) -> dict[Formula, list[PersonFact]]:
    """Return the active people of a directory, those together whom no rule tells apart."""
    kinds: dict[Formula, list[PersonFact]] = {}
    for person in directory.people.values():
        if person.active:
            kinds.setdefault(space.is_subject(subject_of(person)), []).append(person)
    return kinds
