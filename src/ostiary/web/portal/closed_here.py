"""Which apps a rule closes on one device for what it is, and what would have to be otherwise there: beside what baselines require."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import structlog
from django.http import HttpRequest

from ostiary.applications.facade import App
from ostiary.baselines.facade import Finding, Standing
from ostiary.devices.facade import Device, Posture, spec_of
from ostiary.errors import OstiaryError
from ostiary.identity.facade import SignInSession, client_of, get_person
from ostiary.policy.identifiers import PersonId
from ostiary.web.fact_words import seen_in_words
from ostiary.web.portal.access import my_apps
from ostiary.web.signin.device import known_as_rules_see_it

MEETS: Final = "meets_"
COMPLIANT: Final = "compliant"

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class ToMend:
    """One thing that an app asks of the device and is not so.

    Args:
        title: what was seen, a line for each.
        why: what it is good for; empty where nobody wrote it.
        steps: how to mend it on this system; empty where nobody wrote any.
    """

    title: tuple[str, ...]
    why: str
    steps: str


@dataclass(frozen=True, slots=True)
class ClosedApp:
    """An app that a rule closes on this device.

    Args:
        app: which.
        words: what the rule asks, and what was seen instead.
        things: what to mend.
    """

    app: App
    words: tuple[str, ...]
    things: tuple[ToMend, ...]


def closed_here(
    request: HttpRequest, device: Device, session: SignInSession, standing: Standing, posture: Posture, *, now: float
) -> tuple[ClosedApp, ...]:
    """Return the apps that would open for the device's owner if what is known of it were otherwise.

    What a rule asks by way of compliance is left out: the requirements themselves say that.

    Args:
        request: of the owner, from whichever device.
        device: an active one of theirs.
        session: their sign-in.
        standing: how the device stands to every baseline.
        posture: what is known of it.
        now: seconds since the epoch.
    """
    person = get_person(PersonId(device.owner_id))
    seen = known_as_rules_see_it(device.id, person.id, now)
    try:
        mine = my_apps(person=person, session=session, address=client_of(request).address, now=now, device=seen)
    except OstiaryError as error:
        log.error("portal_rules_unusable", detail=str(error))
        return ()
    found = []
    for tile in mine.waiting:
        lacks = [one for one in tile.lacks if one.fact != COMPLIANT]
        if lacks:
            things = dict.fromkeys(thing for one in lacks for thing in _things(one.fact, standing, posture))
            found.append(ClosedApp(tile.app, tuple(one.words for one in lacks), tuple(things)))
    return tuple(found)


def _things(fact: str, standing: Standing, posture: Posture) -> Iterable[ToMend]:
    """Yield what to mend for a fact that a rule names: all of a baseline, or what any baseline says of that fact."""
    failing = [(judged.baseline, one) for judged in standing.judgements for one in judged.failing]
    if fact.startswith(MEETS):
        yield from (_to_mend(one, standing, posture) for name, one in failing if name == fact.removeprefix(MEETS))
        return
    spec = spec_of(fact)
    about = (one for _name, one in failing if spec is not None and spec.name in one.failing)
    if (first := next(about, None)) is not None:
        yield _to_mend(first, standing, posture)


def _to_mend(one: Finding, standing: Standing, posture: Posture) -> ToMend:
    steps = one.check.mend.get(standing.platform, "") if standing.platform is not None else ""
    title = tuple(seen_in_words(fact, posture, one.check.evidence) for fact in one.failing)
    return ToMend(title=title, why=one.check.why, steps=steps)
