"""Collects from the pillars whom and what a change of rules could touch. What the change does is worked out in `rulebook`."""

import time
from collections.abc import Callable, Iterator
from functools import lru_cache
from pathlib import Path

import structlog
from django.conf import settings

from ostiary.applications.facade import CONSOLE_APP
from ostiary.applications.facts import read_applications
from ostiary.gateway.decider.country import Countries, CountryDatabaseUnusable
from ostiary.gateway.known_devices import KnownDevices
from ostiary.gateway.known_names import known_names
from ostiary.identity.facade import (
    ConsoleRole,
    Person,
    SignInSession,
    console_role,
    list_people,
    list_sessions,
)
from ostiary.identity.facts import read_identity
from ostiary.policy.identifiers import DeviceId, PersonId
from ostiary.policy.request import AccessRequest, ActionClass, Context, Resource, Subject
from ostiary.rulebook.facade import Circumstances, Member, Surroundings

PAGE_SIZE = 1000

log = structlog.get_logger(__name__)


def read_surroundings(*, address: str | None = None) -> Surroundings:
    """Return everybody and everything that rules could be about.

    Args:
        address: from where the change is made; `None` on the machine itself.
    """
    catalogue, directory = read_applications(), read_identity()
    sessions: dict[PersonId, list[SignInSession]] = {}
    for session in _every_session():
        sessions.setdefault(session.person_id, []).append(session)
    now, known = time.time(), KnownDevices(settings.INSTANCE.facts)
    devices = known.by_owner(now)
    people = [person for person in everybody() if person.active and person.id in directory.people]

    def member(person: Person) -> Member:
        fact = directory.people[person.id]
        signed_in = tuple(
            Circumstances(
                session.authentications,
                place_of(session.address, risk=fact.risk),
                known.as_rules_see_it(session.device, person.id, now),
            )
            for session in sessions.get(person.id, [])
        )
        return Member(person=fact, methods=person.methods, sessions=signed_in, devices=devices.get(person.id, ()))

    return Surroundings(
        members=tuple(map(member, people)),
        administrators=frozenset(person.id for person in people if console_role(person) is ConsoleRole.ADMINISTRATOR),
        catalogue=catalogue,
        known=known_names(),
        here=place_of(address),
    )


def console_request(
    person: Person, session: SignInSession, address: str | None, device: DeviceId | None = None
) -> AccessRequest:
    """Return the request that somebody at the console makes, as the decision service would put it to the engine.

    Args:
        person: who.
        session: the sign-in they use.
        address: from where.
        device: with which enrolled device.
    """
    known = KnownDevices(settings.INSTANCE.facts)
    return AccessRequest(
        subject=Subject(
            person=person.id,
            email=person.email,
            groups=frozenset(person.groups),
            session=session.id,
            authentications=session.authentications,
        ),
        action=ActionClass.VIEW,
        resource=Resource(app=CONSOLE_APP),
        device=known.as_rules_see_it(device, person.id, time.time()),
        context=place_of(address),
    )


def place_of(address: str | None, *, risk: int | None = 0) -> Context:
    """Return an address with the country that the decision service would find for it."""
    if not address:
        return Context(risk=risk)
    return Context(address=address, country=_country_of(_database())(address), risk=risk)


def everybody() -> Iterator[Person]:
    """Yield everybody, disabled people included."""
    page = 1
    while True:
        found = list_people(page=page, page_size=PAGE_SIZE)
        yield from found.items
        if page * PAGE_SIZE >= found.total:
            return
        page += 1


def _every_session() -> Iterator[SignInSession]:
    """Yield the sessions that others than the sign-in pages know of."""
    page = 1
    while True:
        found = list_sessions(page=page, page_size=PAGE_SIZE)
        yield from (session for session in found.items if session.complete)
        if page * PAGE_SIZE >= found.total:
            return
        page += 1


def _database() -> str:
    instance = settings.INSTANCE
    database = instance.configuration.decisions.country_database
    return str(instance.home / database) if database else ""


@lru_cache(maxsize=2)
def _country_of(database: str) -> Callable[[str | None], str | None]:
    """Return what finds the country of an address. A database that cannot be read finds none, as where decisions are made."""
    try:
        return Countries(Path(database) if database else None).of
    except CountryDatabaseUnusable as error:
        log.warning("country_database_unusable", detail=error.detail)
        return Countries(None).of
