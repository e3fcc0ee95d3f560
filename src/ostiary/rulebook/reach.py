"""Whom a change of rules takes access from, and whom it gives some: each person, each app, before and after. Pure.

The engine decides, for the old rules and the new ones. Somebody may open an app when they are let in at its first page,
or at a path that a rule names, either at their best (everything they have set up proved just now, from where the change is
made) or as they are signed in at the moment. Who only needs one more step than before loses nothing. An app is lost when it
opened now and does not any more, or opened at some time of the coming week and never does any more.

Source: lesson 28, everyone fails at once.
"""

from collections.abc import Hashable, Iterable, Iterator, Mapping

import msgspec

from ostiary.policy.decision import Allow
from ostiary.policy.engine import PolicyEngine
from ostiary.policy.identifiers import AppId, PersonId
from ostiary.policy.request import AccessRequest, ActionClass, Resource, Subject
from ostiary.policy.rules.document import RulesDocument
from ostiary.policy.snapshot import AppFact, PersonFact
from ostiary.rulebook.alike import Likeness, Way, are_told_the_same
from ostiary.rulebook.surroundings import Circumstances, Member, Surroundings

MAX_PATHS = 12
"""How many of the paths that rules name are tried besides the first page."""


class PersonChange(msgspec.Struct, frozen=True, kw_only=True):
    """What a change does to one person: the apps, by their names, that they may open no longer, or now."""

    person: PersonId
    name: str
    email: str
    loses: tuple[str, ...] = ()
    gains: tuple[str, ...] = ()


class Reach(msgspec.Struct, frozen=True, kw_only=True):
    """What a change does to everybody.

    Args:
        people: whoever may open other apps than before, by name.
        with_access: how many may open anything before.
    """

    people: tuple[PersonChange, ...] = ()
    with_access: int = 0

    @property
    def losing(self) -> tuple[PersonChange, ...]:
        """Those who lose at least one app."""
        return tuple(one for one in self.people if one.loses)

    def takes_too_much(self, *, share_percent: int, at_least: int) -> bool:
        """Whether so many lose something that a mistake is likelier than a purpose.

        Args:
            share_percent: more than this share of those who have access.
            at_least: and never fewer people than this.
        """
        count = len(self.losing)
        return count >= at_least and count * 100 > share_percent * self.with_access


def find_reach(
    old: PolicyEngine,
    new: PolicyEngine,
    *,
    documents: tuple[RulesDocument, RulesDocument],
    cedar: bool,
    surroundings: Surroundings,
    moments: tuple[float, ...],
) -> Reach:
    """Return what the new rules do to everybody.

    Args:
        old: decides by the rules in force.
        new: decides by the new ones.
        documents: both, as read; a document that cannot be read any more as an empty one.
        cedar: whether Cedar text stands beside either.
        surroundings: everybody and everything.
        moments: of the coming week, ascending, the present one first.
    """
    likeness = Likeness(documents, cedar=cedar)
    paths = _paths(documents)
    before, after = _Doors(old, likeness, paths), _Doors(new, likeness, paths)
    apps = tuple(surroundings.catalogue.apps.values())
    touched = tuple(app for app in apps if cedar or not are_told_the_same(documents, app))
    names = {app.id: app.name for app in apps}
    changed, with_access = [], 0
    for member in surroundings.members:
        now = tuple(_ways_now(member, likeness, surroundings, moments[0]))
        later = tuple(way for moment in moments[1:] for way in _ways_at_best(member, likeness, surroundings, moment))
        was_now, will_now = before.opened(touched, now), after.opened(touched, now)
        was, will = was_now | before.opened(touched, later), will_now | after.opened(touched, later)
        with_access += bool(was) or before.opens_any(apps, (*now, *later))
        loses = (was_now - will_now) | (was - will)
        gains = ((will_now - was_now) | (will - was)) - loses
        if loses or gains:
            person = member.person
            changed.append(
                PersonChange(
                    person=person.id,
                    name=person.name or person.email,
                    email=person.email,
                    loses=_sorted_names(loses, names),
                    gains=_sorted_names(gains, names),
                )
            )
    return Reach(people=tuple(sorted(changed, key=lambda one: (one.name, one.email))), with_access=with_access)


class _Doors:
    """What one rulebook opens, asked once for all who are alike."""

    def __init__(self, engine: PolicyEngine, likeness: Likeness, paths: tuple[str, ...]) -> None:
        self._engine = engine
        self._likeness = likeness
        self._paths = paths
        self._known: dict[Hashable, bool] = {}

    def opened(self, apps: Iterable[AppFact], ways: tuple[Way, ...]) -> frozenset[AppId]:
        """Return those of the apps that open in any of the ways in which somebody may come."""
        return frozenset(app.id for app in apps if any(self._opens(app, way) for way in ways))

    def opens_any(self, apps: Iterable[AppFact], ways: tuple[Way, ...]) -> bool:
        """Whether any of the apps opens in any of the ways."""
        return any(self._opens(app, way) for app in apps for way in ways)

    def _opens(self, app: AppFact, way: Way) -> bool:
        key = (app.id, self._likeness.key(way, app))
        known = self._known.get(key)
        if known is None:
            subject = subject_of(way.person, way.circumstances)
            known = self._known[key] = any(self._lets_in(subject, way, app, path) for path in self._paths)
        return known

    def _lets_in(self, subject: Subject, way: Way, app: AppFact, path: str) -> bool:
        resource = Resource(app=app.id, labels=frozenset(app.labels), path=path)
        request = AccessRequest(
            subject=subject, action=ActionClass.VIEW, resource=resource, context=way.circumstances.context
        )
        return isinstance(self._engine.decide(request, way.at), Allow)


def subject_of(person: PersonFact, circumstances: Circumstances) -> Subject:
    """Return a person as the engine is asked about them."""
    return Subject(
        person=person.id,
        email=person.email,
        groups=frozenset(person.groups),
        authentications=circumstances.authentications,
    )


def _ways_at_best(member: Member, likeness: Likeness, surroundings: Surroundings, at: float) -> Iterator[Way]:
    """Yield how somebody could come at their best, from each place they are known to be at."""
    best = member.at_best(at)
    if best:
        for place in dict.fromkeys([surroundings.here, *(session.context for session in member.sessions)]):
            yield likeness.way(member.person, Circumstances(best, place), at)


def _ways_now(member: Member, likeness: Likeness, surroundings: Surroundings, now: float) -> Iterator[Way]:
    """Yield how somebody may come at this moment: at their best, and as they are signed in."""
    yield from _ways_at_best(member, likeness, surroundings, now)
    for one in member.sessions:
        yield likeness.way(member.person, one, now)


def _paths(documents: Iterable[RulesDocument]) -> tuple[str, ...]:
    named = [scope.path or "/" for document in documents for rule in document.rules for scope in rule.paths]
    return tuple(dict.fromkeys(["/", *named]))[: MAX_PATHS + 1]


def _sorted_names(apps: Iterable[AppId], names: Mapping[AppId, str]) -> tuple[str, ...]:
    return tuple(sorted(names.get(app, app) for app in apps))
