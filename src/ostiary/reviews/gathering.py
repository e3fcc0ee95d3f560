"""Everything that a campaign is about, read at its start: who holds what, what it opens, how it was used.

Changes nothing, and takes no lock while the engine is asked.
"""

import time
from collections import defaultdict
from collections.abc import Iterator, Mapping

import msgspec

from ostiary.applications.facts import read_applications
from ostiary.identity.facade import BUILTIN_GROUPS
from ostiary.identity.facts import read_identity
from ostiary.identity.models import Group, Person, Role
from ostiary.policy.identifiers import AppId, PersonId, ServiceId
from ostiary.reviews.domain.facts import Facts, Opened, Suggestion, Use
from ostiary.reviews.domain.pre_answer import (
    DAY_SECONDS,
    LOOKED_BACK_DAYS,
    Reach,
    narrowest,
    reach_of,
    suggest,
    used_of,
)
from ostiary.reviews.domain.scope import Scope, ScopeKind
from ostiary.reviews.holdings import GROUP, ROLE, SERVICE, Holding, list_holdings, way, ways_of
from ostiary.reviews.reach import Reaches, World
from ostiary.reviews.uses import Uses
from ostiary.rulebook.facts import read_rulebook
from ostiary.visibility.facade import recorded_since
from ostiary.workloads.facts import read_workloads

_TITLE_CHARACTERS = 200


class Draft(msgspec.Struct, frozen=True, kw_only=True):
    """An item before it is stored; `email` is `service:NAME` for a service, and `title` what people read."""

    holding: Holding
    email: str
    person: str
    title: str
    facts: Facts
    suggestion: Suggestion


def current_world() -> World:
    """Return the facts as they stand in the database."""
    return World(
        generation=0,
        directory=read_identity(),
        catalogue=read_applications(),
        rules=read_rulebook(),
        services=read_workloads().services,
    )


class Gathering:
    """Reads the present once, and says of each entitlement what is to be known of it."""

    def __init__(self, scope: Scope) -> None:
        self.now = time.time()
        self.since = self.now - LOOKED_BACK_DAYS * DAY_SECONDS
        self._scope = scope
        self._holdings = list_holdings()
        self._people = {PersonId(one.pk): one for one in Person.objects.all()}
        self._world = current_world()
        self._reaches = Reaches(self._world, now=self.now)
        self._ways = ways_of(self._holdings)
        self._uses = Uses(self._world.catalogue, since=self.since)
        self._recorded_since = max(self.since, recorded_since() or self.now)
        self._opens: dict[tuple[str, str], tuple[Opened, ...]] = {}
        self._holders: dict[tuple[str, str], set[PersonId]] = defaultdict(set)
        self._held: dict[tuple[str, PersonId], set[str]] = defaultdict(set)
        for one in self._holdings:
            self._holders[one.kind, one.name].add(one.person_id)
            self._held[one.kind, one.person_id].add(one.name)
        self._others = self._read_others()

    def drafts(self) -> Iterator[Draft]:
        """Yield every entitlement that the scope covers: people's by person, then services."""
        for holding in self._holdings:
            if not self._covers(holding):
                continue
            if holding.kind == SERVICE:
                yield self._draft_of_service(holding)
            elif holding.person_id in self._people:
                yield self._draft(holding, self._people[holding.person_id])

    def _draft(self, holding: Holding, person: Person) -> Draft:
        facts = self._facts(holding, person)
        console = bool(holding.groups & set(BUILTIN_GROUPS))
        return Draft(
            holding=holding,
            email=person.email,
            person=person.name,
            title=holding.title,
            facts=facts,
            suggestion=suggest(facts, now=self.now, console=console, movable=not holding.via),
        )

    def _draft_of_service(self, holding: Holding) -> Draft:
        """A service holds what the rules let it into, and would lose all of it."""
        opens = self._opened(holding)
        facts = Facts(
            granted_by=holding.granted_by,
            granted_at=holding.granted_at,
            why=holding.why,
            ends_at=holding.ends_at,
            opens=opens,
            gives=opens,
            uses=self._uses.of(holding.name, opens),
            recorded_since=self._recorded_since,
        )
        title = ", ".join(one.name for one in opens) or "no app"
        return Draft(
            holding=holding,
            email=f"{SERVICE}:{holding.name}",
            person="",
            title=title[:_TITLE_CHARACTERS],
            facts=facts,
            suggestion=suggest(facts, now=self.now, movable=False),
        )

    def _facts(self, holding: Holding, person: Person) -> Facts:
        ways = self._ways[holding.person_id]
        other = {group: [one for one in ways[group] if one != way(holding)] for group in holding.groups}
        held = frozenset(ways)
        rest = held - {group for group in holding.groups if not other[group]}
        opens = self._opened(holding)
        before = self._reaches.of(held, holding.person_id, person.email)
        after = self._reaches.of(rest, holding.person_id, person.email)
        gives = self._reaches.difference(before, after)
        uses = self._uses.of(holding.person_id, (*opens, *gives))
        return Facts(
            granted_by=holding.granted_by,
            granted_at=holding.granted_at,
            why=holding.why,
            ends_at=holding.ends_at,
            groups=tuple(sorted(holding.groups)),
            other_ways=tuple(sorted({one for group in holding.groups for one in other[group]})),
            active=person.may_sign_in,
            opens=opens,
            gives=gives,
            widens=self._reaches.difference(after, before),
            uses=uses,
            peers=self._uses.peers(
                holding.kind, holding.name, holding.person_id, self._holders[holding.kind, holding.name], opens
            ),
            recorded_since=self._recorded_since,
            narrower=self._narrower(holding, opens, uses),
        )

    def _opened(self, holding: Holding) -> tuple[Opened, ...]:
        """Return what an entitlement opens; the same for everybody who holds it."""
        key = (holding.kind, holding.name)
        if key not in self._opens:
            self._opens[key] = (
                self._reaches.opened_to_service(ServiceId(holding.name))
                if holding.kind == SERVICE
                else self._reaches.opened_by(holding.groups)
            )
        return self._opens[key]

    def _narrower(self, holding: Holding, opens: tuple[Opened, ...], uses: tuple[Use, ...]) -> str:
        """Return what would do, where this is a membership that can be exchanged here."""
        if holding.via or not uses:
            return ""
        held = self._held[holding.kind, holding.person_id]
        others = {name: reach for name, reach in self._others[holding.kind].items() if name not in held}
        return narrowest(used_of(uses), reach_of(opens), others)

    def _read_others(self) -> Mapping[str, Mapping[str, Reach]]:
        groups = Group.objects.filter(builtin=False).values_list("pk", flat=True)
        roles = Role.objects.prefetch_related("groups")
        brought = {role.id: [group.id for group in role.groups.all()] for role in roles}
        return {
            GROUP: {one: reach_of(self._reaches.opened_by((one,))) for one in groups},
            ROLE: {
                name: reach_of(self._reaches.opened_by(ids))
                for name, ids in brought.items()
                if not set(ids) & set(BUILTIN_GROUPS)
            },
        }

    def _covers(self, holding: Holding) -> bool:
        name = self._scope.name
        match self._scope.kind:
            case ScopeKind.EVERYTHING:
                return True
            case ScopeKind.GROUP:
                return name in holding.groups
            case ScopeKind.ROLE:
                return holding.kind == ROLE and holding.name == name
        apps = [self._world.catalogue.apps[AppId(one.app)] for one in self._opened(holding)]
        if self._scope.kind is ScopeKind.APP:
            return any(app.id == name for app in apps)
        return any(name in app.labels for app in apps)
