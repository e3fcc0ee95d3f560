"""Every possible request, cut into finitely many classes that no rule can tell apart inside.

A space is made for what some rules ask. In each dimension (path, address, each device fact …) values that all questions
answer alike are one class; a concrete value stands for it. A request is a point: a class in each dimension.
"""

from collections import defaultdict

from ostiary.policy.identifiers import AppId, ServiceId
from ostiary.policy.proof import candidates
from ostiary.policy.proof.dimensions import (
    ACTION,
    APP,
    EMAIL,
    GROUP,
    KIND,
    PERSON,
    PROOFS,
    SERVICE,
    Dimension,
    assemble,
    dimension_of,
    dimensions_asked_about,
)
from ostiary.policy.proof.formula import TRUE, Formula, Point, atom, every, some
from ostiary.policy.proof.questions import Asked, Question
from ostiary.policy.request import AccessRequest, ActionClass, AuthStrength, Subject
from ostiary.policy.rules.document import Mfa, Target, TargetKind, Who, WhoKind
from ostiary.policy.snapshot import Catalogue


class Space:
    """The classes of every possible request, as finely as some rules ask. It is a vocabulary for their formulas.

    Args:
        asked: what is asked.
        catalogue: the apps that exist. A request is for one of these, labelled as it is there.
    """

    def __init__(self, asked: Asked, catalogue: Catalogue) -> None:
        names: dict[WhoKind, list[str]] = defaultdict(list)
        for who in asked.who:
            names[who.kind].append(who.name)
        self._targets_of = {
            app.id: frozenset(
                {Target(TargetKind.APP, app.id), *(Target(TargetKind.LABEL, label) for label in app.labels)}
                & asked.targets.keys()
            )
            for app in catalogue.apps.values()
        }
        apps: dict[frozenset[Target], AppId] = {}
        for app, targets in self._targets_of.items():
            apps.setdefault(targets, app)
        own = [
            Dimension(KIND, (WhoKind.PERSON, WhoKind.SERVICE)),
            Dimension(PERSON, (candidates.other_than(names[WhoKind.PERSON], "someone"), *names[WhoKind.PERSON])),
            Dimension(
                EMAIL,
                (candidates.other_than(names[WhoKind.EMAIL], "someone") + "@example.com", *names[WhoKind.EMAIL], None),
            ),
            Dimension(SERVICE, (candidates.other_than(names[WhoKind.SERVICE], "other"), *names[WhoKind.SERVICE])),
            *(Dimension(GROUP + name, (False, True)) for name in names[WhoKind.GROUP]),
            Dimension(ACTION, tuple(ActionClass)),
            Dimension(APP, tuple(apps.values())),
        ]
        self.dimensions: dict[str, Dimension] = {one.name: one for one in [*own, *dimensions_asked_about(asked)]}
        numbers = {targets: number for number, targets in enumerate(apps)}
        self._class_of_app = {app: numbers[targets] for app, targets in self._targets_of.items()}

    @property
    def services(self) -> tuple[ServiceId, ...]:
        """A service that no rule names, and each that one does."""
        return tuple(map(ServiceId, self.dimensions[SERVICE].values))

    def holds(self, question: Question) -> Formula:
        """It is known to hold. Of several proofs, any may be the one that makes it hold."""
        if isinstance(question, Mfa):
            return some(self.dimensions[name].answering(question, True) for name in PROOFS)
        return self.dimensions[dimension_of(question)].answering(question, True)

    def may_hold(self, question: Question) -> Formula:
        """It is not known to fail."""
        if isinstance(question, Mfa):
            return self.holds(question)
        return self.dimensions[dimension_of(question)].answering(question, True, None)

    def subject(self, who: Who) -> Formula:
        """The subject is meant."""
        match who.kind:
            case WhoKind.ANYONE:
                return TRUE
            case WhoKind.GROUP:
                return self.dimensions[GROUP + who.name].those(bool)
            case WhoKind.SERVICE:
                return every([self._is(WhoKind.SERVICE), self._named(SERVICE, who.name)])
            case WhoKind.PERSON:
                return every([self.is_person(), self._named(PERSON, who.name)])
            case WhoKind.EMAIL:
                return every([self.is_person(), self._named(EMAIL, who.name)])

    def resource(self, target: Target) -> Formula:
        """The resource is meant."""
        if target.kind is TargetKind.ANYTHING:
            return TRUE
        return self.dimensions[APP].those(lambda app: target in self._targets_of[app])

    def action(self, actions: tuple[ActionClass, ...]) -> Formula:
        """The action is one of these."""
        return self.dimensions[ACTION].those(lambda action: action in actions)

    def app(self, app: AppId) -> Formula:
        """The resource is the app, or one that no rule tells from it."""
        number = self._class_of_app[app]
        return atom(APP, [number], len(self.dimensions[APP].values))

    def is_subject(self, subject: Subject) -> Formula:
        """The subject is this one, or one that no rule tells from it."""
        about = [name for name in self.dimensions if name in (KIND, PERSON, EMAIL, SERVICE) or name.startswith(GROUP)]
        return every(
            atom(name, [self._subject_class(name, subject)], len(self.dimensions[name].values)) for name in about
        )

    def is_person(self) -> Formula:
        """The subject is a person, not a service."""
        return self._is(WhoKind.PERSON)

    def proves_at_most(self, strength: AuthStrength) -> Formula:
        """No stronger proof is given, or only one that is worth nothing to any rule."""
        stronger = [name for name, one in PROOFS.items() if one > strength]
        return every(self.dimensions[name].those(lambda age: age is None) for name in stronger)

    def lacks_address(self) -> Formula:
        """The subject is a person whose e-mail address is not given."""
        return every([self.is_person(), self.dimensions[EMAIL].those(lambda email: email is None)])

    def request_at(self, point: Point) -> tuple[AccessRequest, float]:
        """Return the request and the moment that stand for a point; dimensions it leaves out have their usual value."""
        return assemble({name: one.values[point.get(name, 0)] for name, one in self.dimensions.items()})

    def point_of(self, request: AccessRequest, now: float) -> Point:
        """Return the classes of a request for a catalogued app, with its catalogued labels, in the years covered.

        Raises:
            ValueError: when a class is missing. That would be a mistake in `candidates`.
        """
        return {name: self._class_of(one, request, now) for name, one in self.dimensions.items()}

    def _class_of(self, dimension: Dimension, request: AccessRequest, now: float) -> int:
        name = dimension.name
        if name == APP:
            return self._class_of_app[request.resource.app]
        if name == ACTION:
            return dimension.values.index(request.action)
        if name in (KIND, PERSON, EMAIL, SERVICE) or name.startswith(GROUP):
            return self._subject_class(name, request.subject)
        return dimension.class_of(request, now)

    def _subject_class(self, name: str, subject: Subject) -> int:
        if name.startswith(GROUP):
            return int(name.removeprefix(GROUP) in subject.groups)
        values = self.dimensions[name].values
        if name == KIND:
            return 0 if subject.person else 1
        if name == EMAIL and not subject.email:
            return len(values) - 1
        given = {PERSON: subject.person, EMAIL: (subject.email or "").lower(), SERVICE: subject.service}[name]
        return values.index(given) if given in values else 0

    def _is(self, kind: WhoKind) -> Formula:
        return self.dimensions[KIND].those(lambda one: one is kind)

    def _named(self, dimension: str, name: str) -> Formula:
        found = self.dimensions[dimension]
        return atom(dimension, [found.values.index(name)], len(found.values))
