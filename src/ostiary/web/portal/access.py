"""What somebody may open now, and what is missing where they may not yet: the policy engine's answers as tiles."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Final
from urllib.parse import urlencode

import structlog
from django.conf import settings
from django.urls import reverse

from ostiary.applications.facade import CONSOLE_APP, App, list_apps
from ostiary.applications.facts import read_applications
from ostiary.gateway.asking import Openings
from ostiary.gateway.decider.country import Countries, CountryDatabaseUnusable
from ostiary.identity.entrance import is_break_glass_only
from ostiary.identity.facade import Person, SignInSession
from ostiary.policy.decision import Allow, Decision, RemedyKind, UnmetCondition
from ostiary.policy.engine import PolicyEngine
from ostiary.policy.identifiers import AppId, Generation
from ostiary.policy.request import Context, Device, Subject
from ostiary.requests.facade import may_use_emergency
from ostiary.rulebook.facts import read_rulebook
from ostiary.web.signin.targets import app_address

log = structlog.get_logger(__name__)

MAX_ASKABLE = 50
NEVER = frozenset({"path", "action"})
"""Conditions that no step of the person changes: with one of these unmet, an app is not theirs."""


DEVICE: Final = "device."
"""How the codes of conditions on the device begin."""


@dataclass(frozen=True, slots=True)
class Lack:
    """A fact of the device that a rule asks for and does not find.

    Args:
        fact: as rules name it.
        words: what is asked, and what was seen instead.
    """

    fact: str
    words: str


@dataclass(frozen=True, slots=True)
class Tile:
    """One app on the page.

    Args:
        app: which.
        href: where it opens.
        missing: what stands between the person and the app; empty when it is open.
        lacks: which of that is a matter of the device.
        step: words of the act that lifts the first of these.
        step_href: where that act begins, or empty when there is nothing to press.
        emergency_href: where emergency access begins, for those who may use it.
    """

    app: App
    href: str
    missing: tuple[str, ...] = ()
    step: str = ""
    step_href: str = ""
    emergency_href: str = ""
    lacks: tuple[Lack, ...] = ()


@dataclass(frozen=True, slots=True)
class MyApps:
    """The page's parts: open, a step away, and open to a group that one may ask for. Apps without any way to them are in none."""

    open: tuple[Tile, ...]
    waiting: tuple[Tile, ...]
    askable: tuple[Tile, ...] = ()


def my_apps(
    *, person: Person, session: SignInSession, address: str, now: float, device: Device | None = None
) -> MyApps:
    """Ask the policy engine about every app and sort the answers.

    Args:
        person: who asks.
        session: their sign-in, with what they proved.
        address: where they are.
        now: seconds since the epoch.
        device: with what, where that is known.

    Raises:
        InvalidRules: when the rules in force cannot be read.
    """
    engine = PolicyEngine(read_rulebook(), read_applications(), Generation(0))
    subject = Subject(
        person=person.id,
        email=person.email,
        groups=frozenset(person.groups),
        session=session.id,
        authentications=session.authentications,
    )
    context = Context(address=address or None, country=_countries().of(address or None), risk=0)
    answers = engine.possible(subject, device, context, now)
    emergency = is_break_glass_only(session.authentications)
    opened, waiting, closed = [], [], []
    for app in sorted(list_apps(), key=lambda one: (one.builtin, one.name.lower())):
        if emergency:
            if app.id == CONSOLE_APP:
                opened.append(Tile(app, app_address(app)))
            continue
        decision = answers.get(app.id)
        if isinstance(decision, Allow):
            opened.append(Tile(app, app_address(app)))
        elif decision is not None and (tile := _waiting(app, decision)) is not None:
            waiting.append(tile)
        elif not app.builtin:
            closed.append(app)
    return MyApps(tuple(opened), tuple(waiting), tuple(_askable(person, closed)))


def _askable(person: Person, closed: list[App]) -> Iterator[Tile]:
    """Yield, of the apps that are shut, those that a group would open."""
    if not closed or not settings.INSTANCE.configuration.access.requests:
        return
    openings, emergency = Openings(), may_use_emergency(person.id)
    for app in closed[:MAX_ASKABLE]:
        if openings.groups_for(person, app.id):
            query = urlencode({"app": app.id})
            yield Tile(
                app,
                app_address(app),
                step_href=f"{reverse('portal_ask')}?{query}",
                emergency_href=f"{reverse('portal_emergency')}?{query}" if emergency else "",
            )


def _waiting(app: App, decision: Decision) -> Tile | None:
    """Return the tile of an app that is a step away, or `None` when no step leads there."""
    if isinstance(decision, Allow) or not decision.unmet:
        return None
    nearest = decision.unmet[0].rule
    unmet = tuple(one for one in decision.unmet if one.rule == nearest)
    if any(one.code in NEVER for one in unmet):
        return None
    first = min(unmet, key=lambda one: one.remedy is None or one.remedy.kind is not RemedyKind.STEP_UP)
    return Tile(
        app,
        app_address(app),
        missing=tuple(one.words for one in unmet),
        step=first.remedy.words if first.remedy else "",
        step_href=_step_href(app.id, first),
        lacks=tuple(Lack(one.code.removeprefix(DEVICE), one.words) for one in unmet if one.code.startswith(DEVICE)),
    )


def _step_href(app: AppId, unmet: UnmetCondition) -> str:
    if unmet.remedy is None or unmet.remedy.path is None:
        return ""
    path = unmet.remedy.path
    query = {"return": "/"} if "app=" in path else {"app": app, "return": "/"}
    return f"{path}{'&' if '?' in path else '?'}{urlencode(query)}"


@lru_cache(maxsize=1)
def _countries() -> Countries:
    database = settings.INSTANCE.configuration.decisions.country_database
    try:
        return Countries(settings.INSTANCE.home / database if database else None)
    except CountryDatabaseUnusable as error:
        log.warning("country_database_unusable", detail=error.detail)
        return Countries(None)
