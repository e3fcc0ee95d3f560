"""Whom a change of rules takes access from, and whom it gives some: each person, each app, before and after. Pure.

The engine decides, for the old rules and the new ones. Somebody may open an app when they are let in at its first page,
or at a path that a rule names, once they have proved everything that anybody can be asked to prove, from where the change is
made, with any of their devices or none, or as they are signed in at the moment. They are ready to open it when what they have set up is enough. Before and
after are compared at each of the two: what somebody may open, and what they are ready to open. An app is lost when it opened
now and does not any more, or opened at some time of the coming week and never does any more. Who only needs one more step
than before loses nothing; who has to set something up first is told apart.

Source: lesson 28, everyone fails at once.
"""

from collections.abc import Callable, Hashable, Iterable, Mapping

import msgspec

from ostiary.policy.decision import Allow
from ostiary.policy.engine import PolicyEngine
from ostiary.policy.identifiers import AppId, PersonId
from ostiary.policy.request import AccessRequest, ActionClass, Authentication, Resource, Subject
from ostiary.policy.rules.document import RulesDocument
from ostiary.policy.snapshot import AppFact, PersonFact
from ostiary.rulebook.alike import Likeness, Way, are_told_the_same
from ostiary.rulebook.surroundings import Circumstances, Member, Surroundings, every_proof

MAX_PATHS = 12
"""How many of the paths that rules name are tried besides the first page."""


class PersonChange(msgspec.Struct, frozen=True, kw_only=True):
    """What a change does to one person.

    Args:
        loses: the apps, by their names, that they may open no longer, whatever they set up.
        gains: those that they may open now, and of which nothing is taken.
        needs_set_up: those that open only after they have set up a stronger proof, and that are gained or were open without.
        spared_set_up: those that opened only after that, and open without now.
    """

    person: PersonId
    name: str
    email: str
    loses: tuple[str, ...] = ()
    gains: tuple[str, ...] = ()
    needs_set_up: tuple[str, ...] = ()
    spared_set_up: tuple[str, ...] = ()

    @property
    def waits_for(self) -> tuple[str, ...]:
        """The apps that are taken until they have set something up."""
        return tuple(name for name in self.needs_set_up if name not in self.gains)


class Reach(msgspec.Struct, frozen=True, kw_only=True):
    """What a change does to everybody.

    Args:
        people: whoever may open other apps than before, or has to set up other proofs for them, by name.
        with_access: how many may open anything before.
        ready: how many of these need not set up anything for it.
        ready_losing: how many cannot open something any more that they were ready to open.
    """

    people: tuple[PersonChange, ...] = ()
    with_access: int = 0
    ready: int = 0
    ready_losing: int = 0

    @property
    def losing(self) -> tuple[PersonChange, ...]:
        """Those who lose at least one app, for good or until they have set something up."""
        return tuple(one for one in self.people if one.loses or one.waits_for)

    @property
    def waiting(self) -> tuple[PersonChange, ...]:
        """Those of them who lose nothing for good."""
        return tuple(one for one in self.people if one.waits_for and not one.loses)

    @property
    def touches_set_up(self) -> bool:
        """Whether anybody has to set up something they had not to before, or the other way round."""
        return any(one.needs_set_up or one.spared_set_up for one in self.people)

    def takes_too_much(self, *, share_percent: int, at_least: int) -> bool:
        """Whether so many lose something that a mistake is likelier than a purpose.

        Args:
            share_percent: more than this share of those who have access, or of those who are ready to use it.
            at_least: and never fewer people than this.
        """
        for_good = sum(bool(one.loses) for one in self.people)
        shares = ((for_good, self.with_access), (self.ready_losing, self.ready))
        return any(count >= at_least and count * 100 > share_percent * whole for count, whole in shares)


class _Ways(msgspec.Struct, frozen=True):
    """How somebody may come: now, and later in the coming week."""

    now: tuple[Way, ...] = ()
    later: tuple[Way, ...] = ()


class _Open(msgspec.Struct, frozen=True):
    """The apps that open to somebody now, and those that open now or at some time of the coming week."""

    now: frozenset[AppId] = frozenset()
    week: frozenset[AppId] = frozenset()

    def besides(self, other: "_Open") -> frozenset[AppId]:
        """Return the apps that are open here and not there, now or in the week."""
        return (self.now - other.now) | (self.week - other.week)


class _Access(msgspec.Struct, frozen=True):
    """What opens to somebody with what they have set up, and what they may open with that or any other proof."""

    ready: _Open
    may: _Open


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
    changed, with_access, ready, ready_losing = [], 0, 0, 0
    for member in surroundings.members:
        has_set_up, besides = _ways_of(member, likeness, surroundings, moments)
        was, will_be = before.access(touched, has_set_up, besides), after.access(touched, has_set_up, besides)
        is_ready = bool(was.ready.week) or before.opens_any(apps, has_set_up)
        ready += is_ready
        with_access += is_ready or bool(was.may.week) or before.opens_any(apps, besides)
        ready_losing += bool(was.ready.besides(will_be.ready))
        change = _change_of(member.person, was, will_be, names)
        if change is not None:
            changed.append(change)
    people = tuple(sorted(changed, key=lambda one: (one.name, one.email)))
    return Reach(people=people, with_access=with_access, ready=ready, ready_losing=ready_losing)


def _change_of(person: PersonFact, was: _Access, will_be: _Access, names: Mapping[AppId, str]) -> PersonChange | None:
    stops, begins = was.ready.besides(will_be.ready), will_be.ready.besides(was.ready)
    loses = was.may.besides(will_be.may)
    gains = will_be.may.besides(was.may) - loses - stops
    needs_set_up = (stops - loses) | (gains - begins)
    spared_set_up = begins - gains - loses - stops
    if not (loses or gains or needs_set_up or spared_set_up):
        return None
    return PersonChange(
        person=person.id,
        name=person.name or person.email,
        email=person.email,
        loses=_sorted_names(loses, names),
        gains=_sorted_names(gains, names),
        needs_set_up=_sorted_names(needs_set_up, names),
        spared_set_up=_sorted_names(spared_set_up, names),
    )


class _Doors:
    """What one rulebook opens, asked once for all who are alike."""

    def __init__(self, engine: PolicyEngine, likeness: Likeness, paths: tuple[str, ...]) -> None:
        self._engine = engine
        self._likeness = likeness
        self._paths = paths
        self._known: dict[Hashable, bool] = {}

    def access(self, apps: Iterable[AppFact], has_set_up: _Ways, besides: _Ways) -> _Access:
        """Return which of the apps open to somebody.

        Args:
            apps: those that are looked at.
            has_set_up: the ways in which they may come with what they have set up.
            besides: those that take setting up first.
        """
        ready = self._opened(apps, has_set_up, _Open())
        return _Access(ready=ready, may=self._opened(apps, besides, ready))

    def opens_any(self, apps: Iterable[AppFact], ways: _Ways) -> bool:
        """Whether any of the apps opens in any of the ways."""
        return any(self._opens(app, way) for app in apps for way in (*ways.now, *ways.later))

    def _opened(self, apps: Iterable[AppFact], ways: _Ways, known: _Open) -> _Open:
        """Return what is known to be open, and what opens besides in any of the ways; of what is open nothing is asked."""
        now = known.now | self._opening(apps, ways.now, known.now)
        week = known.week | now
        return _Open(now, week | self._opening(apps, ways.later, week))

    def _opening(self, apps: Iterable[AppFact], ways: tuple[Way, ...], known: frozenset[AppId]) -> frozenset[AppId]:
        return frozenset(app.id for app in apps if app.id not in known and any(self._opens(app, way) for way in ways))

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
            subject=subject,
            action=ActionClass.VIEW,
            resource=resource,
            device=way.circumstances.device,
            context=way.circumstances.context,
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


def _ways_of(
    member: Member, likeness: Likeness, surroundings: Surroundings, moments: tuple[float, ...]
) -> tuple[_Ways, _Ways]:
    """Return how somebody may come with what they have set up, and how else they may once they have set up more."""
    places = tuple(dict.fromkeys([surroundings.here, *(session.context for session in member.sessions)]))
    devices = likeness.devices(member.devices)

    def proving(proofs: Callable[[float], tuple[Authentication, ...]], at: float) -> tuple[Way, ...]:
        return tuple(
            likeness.way(member.person, Circumstances(given, place, device), at)
            for given in (proofs(at),)
            if given
            for place in places
            for device in devices
        )

    def through_the_week(proofs: Callable[[float], tuple[Authentication, ...]]) -> _Ways:
        return _Ways(proving(proofs, moments[0]), tuple(way for at in moments[1:] for way in proving(proofs, at)))

    has_set_up = through_the_week(member.at_best)
    signed_in = tuple(likeness.way(member.person, session, moments[0]) for session in member.sessions)
    return (
        _Ways((*has_set_up.now, *signed_in), has_set_up.later),
        _Ways() if member.has_set_up_all else through_the_week(every_proof),
    )


def _paths(documents: Iterable[RulesDocument]) -> tuple[str, ...]:
    named = [scope.path or "/" for document in documents for rule in document.rules for scope in rule.paths]
    return tuple(dict.fromkeys(["/", *named]))[: MAX_PATHS + 1]


def _sorted_names(apps: Iterable[AppId], names: Mapping[AppId, str]) -> tuple[str, ...]:
    return tuple(sorted(names.get(app, app) for app in apps))
