"""Who may, what may they open, what may they do there: each answer is found by asking the engine about every candidate.

Only what the facts hold can be found: people that may sign in, services that are on, apps in the catalogue, the four actions.
Source: AuthZEN Authorization API 1.0, section 8.
"""

from collections.abc import Callable, Iterator
from typing import Any, Final

import msgspec

from ostiary.gateway.decider.authzen.judging import (
    ACTIONS,
    APP_TYPE,
    PERSON_TYPES,
    SERVICE_TYPE,
    Paths,
    People,
    Who,
    judge_app,
    look_up,
    look_up_service,
    read_path,
)
from ostiary.gateway.decider.authzen.messages import (
    Action,
    ActionSearch,
    Resource,
    ResourceSearch,
    Search,
    SubjectSearch,
)
from ostiary.gateway.decider.authzen.pages import Wanted
from ostiary.gateway.decider.authzen.reading import UnusableMessage
from ostiary.gateway.decider.authzen.turns import Turns
from ostiary.gateway.decider.basis import Basis
from ostiary.gateway.decider.check import CountryOf, Verdict
from ostiary.policy.decision import Allow
from ostiary.policy.identifiers import AppId
from ostiary.policy.snapshot import AppFact
from ostiary.policy.terms import person_at

MAX_EXAMINED: Final = 2000
"""Candidates looked at for one page; what is left comes with the next."""

Json = dict[str, Any]
Candidate = tuple[str, Json, Callable[[], Verdict]]


class Found(msgspec.Struct, frozen=True):
    """One page of results.

    Args:
        results: entities as the specification writes them.
        next_token: asks for the next page; empty when there is none.
        examined: how many candidates were looked at.
    """

    results: tuple[Json, ...]
    next_token: str
    examined: int


async def find(
    search: Search, wanted: Wanted, basis: Basis, people: People, *, now: float, country_of: CountryOf
) -> Found:
    """Return one page of what a search finds.

    Args:
        search: what is asked.
        wanted: which page.
        basis: the facts to decide on; they must not be in trouble.
        people: finds whom it names.
        now: seconds since the epoch.
        country_of: the country of an address, or `None`.

    Raises:
        UnusableMessage: when it searches for a kind of thing that the facts do not list.
    """
    results: list[tuple[str, Json]] = []
    examined, last = 0, wanted.after
    country, paths = country_of(search.context.address), read_path(search.resource.properties.path)
    asking, turns = _Asking(search, basis, people, now, country, paths), Turns()
    for key, entity, verdict in _candidates(asking, wanted.after):
        if examined >= MAX_EXAMINED:
            return Found(tuple(entity for _, entity in results), wanted.token_after(last), examined)
        await turns.take()
        examined += 1
        if isinstance(verdict().decision, Allow):
            if len(results) == wanted.limit:
                after = results[-1][0] if results else wanted.after
                return Found(tuple(entity for _, entity in results), wanted.token_after(after), examined)
            results.append((key, entity))
        last = key
    return Found(tuple(entity for _, entity in results), "", examined)


class _Asking(msgspec.Struct, frozen=True):
    """What every question of one search has in common."""

    search: Search
    basis: Basis
    people: People
    now: float
    country: str | None
    paths: Paths

    def about(self, who: Who, app: AppFact, action: Action) -> Callable[[], Verdict]:
        """Return what asks the engine about one candidate."""
        return lambda: judge_app(
            who, app, action, self.paths, self.search.context, basis=self.basis, now=self.now, country=self.country
        )


def _candidates(asking: _Asking, after: str) -> Iterator[Candidate]:
    """Yield everything that could be found after an identifier, in order, each with what decides it."""
    match asking.search:
        case SubjectSearch() as search:
            return _subjects(search, asking, after)
        case ResourceSearch() as search:
            return _resources(search, asking, after)
        case ActionSearch() as search:
            return _actions(search, asking, after)


def _subjects(search: SubjectSearch, asking: _Asking, after: str) -> Iterator[Candidate]:
    if search.subject.type not in (*PERSON_TYPES, SERVICE_TYPE):
        raise UnusableMessage("`subject.type` must be `person` (or `user`) or `service`.")
    app = _app(search.resource, asking.basis)
    if app is None:
        return iter(())
    if search.subject.type == SERVICE_TYPE:
        return _services(search, asking, app, after)
    return _people(search, asking, app, after)


def _people(search: SubjectSearch, asking: _Asking, app: AppFact, after: str) -> Iterator[Candidate]:
    everybody = asking.basis.people
    for name in asking.people.after(asking.basis, after):
        person = person_at(everybody[name], asking.now)
        if person.active:
            entity = {
                "type": search.subject.type,
                "id": name,
                "properties": {"email": person.email, "name": person.name},
            }
            yield name, entity, asking.about(Who(person), app, search.action)


def _services(search: SubjectSearch, asking: _Asking, app: AppFact, after: str) -> Iterator[Candidate]:
    """Yield the services that are on and not over. One that only a rule names, and nobody has made, is none."""
    for name in sorted(name for name in asking.basis.services if name > after):
        who = look_up_service(name, asking.basis, asking.now)
        if who.refused is None:
            yield name, {"type": SERVICE_TYPE, "id": name}, asking.about(who, app, search.action)


def _resources(search: ResourceSearch, asking: _Asking, after: str) -> Iterator[Candidate]:
    if search.resource.type != APP_TYPE:
        raise UnusableMessage("`resource.type` must be `app`.")
    who, apps = look_up(search.subject, asking.basis, asking.people, asking.now), asking.basis.apps_by_id
    if who.refused is not None:
        return
    for name in sorted(name for name in apps if name > after):
        app = apps[name]
        entity = {"type": APP_TYPE, "id": name, "properties": {"name": app.name, "host": app.host}}
        yield name, entity, asking.about(who, app, search.action)


def _actions(search: ActionSearch, asking: _Asking, after: str) -> Iterator[Candidate]:
    who = look_up(search.subject, asking.basis, asking.people, asking.now)
    app = _app(search.resource, asking.basis)
    if app is None or who.refused is not None:
        return
    for action in sorted(action for action in ACTIONS if action.value > after):
        about = asking.about(who, app, Action(action.value))
        yield action.value, {"name": action.value}, about


def _app(resource: Resource, basis: Basis) -> AppFact | None:
    return basis.apps_by_id.get(AppId(resource.id)) if resource.type == APP_TYPE else None
