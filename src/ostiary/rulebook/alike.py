"""Whom two rulebooks treat alike at an app, so that the engine is asked once for all of them. Pure.

Two people are alike at an app when every selector that the rules for it use, and every condition, has the same value for
both. That is exact, not a guess: the rules look at nothing else. Cedar text beside them may look at anything, so beside
Cedar text everybody is treated on their own.
"""

from collections.abc import Hashable, Iterable

import msgspec

from ostiary.policy.conditions import gather, status
from ostiary.policy.identifiers import AppId
from ostiary.policy.reads import EVERYTHING
from ostiary.policy.request import AccessRequest, ActionClass, Device, Resource, Subject
from ostiary.policy.rules.document import Condition, DeviceFact, Rule, RulesDocument, Target, TargetKind, WhoKind
from ostiary.policy.snapshot import AppFact, PersonFact
from ostiary.rulebook.surroundings import Circumstances

_NOWHERE = AppId("")
_ANYTHING = Target(TargetKind.ANYTHING)


class Way(msgspec.Struct, frozen=True):
    """Somebody coming in some way at some moment.

    Args:
        person: who.
        circumstances: how they come.
        at: when, seconds since the epoch.
        groups: theirs.
        states: whether each condition of the rules holds, in the order in which `Likeness` numbers them.
    """

    person: PersonFact
    circumstances: Circumstances
    at: float
    groups: frozenset[str]
    states: tuple[bool | None, ...]


class Looks(msgspec.Struct, frozen=True):
    """What the rules for one app look at: the names they use, and the numbers of their conditions."""

    groups: frozenset[str]
    people: frozenset[str]
    emails: frozenset[str]
    conditions: tuple[int, ...]


class Likeness:
    """What tells people apart under some documents.

    Args:
        documents: the rules, old and new.
        cedar: whether Cedar text stands beside any of them.
    """

    def __init__(self, documents: tuple[RulesDocument, ...], *, cedar: bool) -> None:
        self._rules = [rule for document in documents for rule in document.rules]
        self._cedar = cedar
        self._numbers: dict[Condition, int] = {}
        for rule in self._rules:
            for condition in (*rule.when, *rule.unless):
                self._numbers.setdefault(condition, len(self._numbers))
        self._facts = {condition.name for condition in self._numbers if isinstance(condition, DeviceFact)}
        self._looks: dict[AppId, Looks] = {}
        self._states: dict[tuple[Circumstances, float], tuple[bool | None, ...]] = {}

    def devices(self, devices: Iterable[Device]) -> tuple[Device | None, ...]:
        """Return none and, of some devices, each kind that rules can tell apart, with no more of it than they look at."""
        if self._cedar:
            return (None, *devices)
        return tuple(dict.fromkeys([None, *(self._looked_at(device) for device in devices)]))

    def _looked_at(self, device: Device) -> Device | None:
        if not self._facts:
            return None
        return Device(
            managed=device.managed if "managed" in self._facts else None,
            compliant=device.compliant if "compliant" in self._facts else None,
            attributes=tuple((name, value) for name, value in device.attributes if name in self._facts),
        )

    def way(self, person: PersonFact, circumstances: Circumstances, at: float) -> Way:
        """Return somebody coming in some way, with everything that rules could ask about it."""
        states = self._states.get((circumstances, at))
        if states is None:
            states = self._states[circumstances, at] = self._states_of(circumstances, at)
        return Way(person, circumstances, at, frozenset(person.groups), states)

    def key(self, way: Way, app: AppFact) -> Hashable:
        """Return a value that is equal for two ways only when no rule for the app tells them apart."""
        person = way.person
        if self._cedar:
            return person.id, way.circumstances, way.at
        looks = self._looks.get(app.id)
        if looks is None:
            looks = self._looks[app.id] = self._look(app)
        states = way.states
        email = person.email.lower()
        return (
            way.groups & looks.groups,
            person.id if person.id in looks.people else "",
            email if email in looks.emails else bool(email),
            tuple([states[number] for number in looks.conditions]),
        )

    def _states_of(self, circumstances: Circumstances, at: float) -> tuple[bool | None, ...]:
        request = AccessRequest(
            subject=Subject(authentications=circumstances.authentications),
            action=ActionClass.VIEW,
            resource=Resource(app=_NOWHERE),
            device=circumstances.device,
            context=circumstances.context,
        )
        facts = gather(request, EVERYTHING, at)
        return tuple([status(condition, facts) for condition in self._numbers])

    def _look(self, app: AppFact) -> Looks:
        rules = [rule for rule in self._rules if is_about(rule, app)]
        named = {(who.kind, who.name) for rule in rules for who in rule.who}
        conditions = {self._numbers[one] for rule in rules for one in (*rule.when, *rule.unless)}
        return Looks(
            groups=frozenset(name for kind, name in named if kind is WhoKind.GROUP),
            people=frozenset(name for kind, name in named if kind is WhoKind.PERSON),
            emails=frozenset(name for kind, name in named if kind is WhoKind.EMAIL),
            conditions=tuple(sorted(conditions)),
        )


def is_about(rule: Rule, app: AppFact) -> bool:
    """Whether a rule names the app: itself, one of its labels, or anything."""
    targets = {_ANYTHING, Target(TargetKind.APP, app.id), *(Target(TargetKind.LABEL, label) for label in app.labels)}
    return not targets.isdisjoint(rule.to)


def are_told_the_same(documents: Iterable[RulesDocument], app: AppFact) -> bool:
    """Whether the documents say the same about an app, the places of the rules in the text aside."""
    said = [
        {msgspec.structs.replace(rule, line=0) for rule in document.rules if is_about(rule, app)}
        for document in documents
    ]
    return all(one == said[0] for one in said)
