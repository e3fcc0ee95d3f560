"""Everything that a campaign is about, read at its start: who holds what, what it opens, how it was used, whose it is to answer.

Changes nothing, and takes no lock while the engine is asked.
"""

import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from statistics import median

import msgspec

from ostiary.applications.facts import read_applications
from ostiary.identity.facade import BUILTIN_GROUPS
from ostiary.identity.facts import read_identity
from ostiary.identity.models import Group, Membership, Person, Role, RoleAssignment
from ostiary.identity.terms import in_force, seconds_of
from ostiary.policy.identifiers import AppId, PersonId
from ostiary.policy.methods import action_class
from ostiary.reviews.domain.campaign import Scope, ScopeKind
from ostiary.reviews.domain.facts import Facts, Opened, Peers, Suggestion, Use
from ostiary.reviews.domain.pre_answer import (
    DAY_SECONDS,
    LOOKED_BACK_DAYS,
    Reach,
    narrowest,
    reach_of,
    suggest,
    used_of,
)
from ostiary.reviews.reach import Reaches, World
from ostiary.rulebook.facts import read_rulebook
from ostiary.visibility.facade import count_uses, recorded_since

GROUP, ROLE = "group", "role"
_BY_ROLE = "role:"


class Holding(msgspec.Struct, frozen=True, kw_only=True):
    """One entitlement of one person, as it is stored now.

    Args:
        kind: `group` or `role`.
        groups: what it brings.
    """

    person_id: PersonId
    kind: str
    name: str
    title: str
    via: str
    groups: frozenset[str]
    granted_by: str
    granted_at: float
    why: str
    ends_at: float | None


class Draft(msgspec.Struct, frozen=True, kw_only=True):
    """An item before it is stored."""

    holding: Holding
    email: str
    person: str
    facts: Facts
    suggestion: Suggestion


def current_world() -> World:
    """Return the facts as they stand in the database."""
    return World(generation=0, directory=read_identity(), catalogue=read_applications(), rules=read_rulebook())


def list_holdings() -> tuple[Holding, ...]:
    """Return every entitlement that is in force: memberships that no role brought, and roles."""
    rows = Membership.objects.filter(in_force()).exclude(via__startswith=_BY_ROLE).select_related("group")
    by_hand = (
        Holding(
            person_id=PersonId(row.person_id),
            kind=GROUP,
            name=row.group_id,
            title=row.group.name,
            via=row.via,
            groups=frozenset({row.group_id}),
            granted_by=row.granted_by,
            granted_at=row.granted_at.timestamp(),
            why=row.reason,
            ends_at=seconds_of(row.ends_at),
        )
        for row in rows.order_by("person__email", "group_id", "via")
    )
    brought = {
        role.id: frozenset(group.id for group in role.groups.all()) for role in Role.objects.prefetch_related("groups")
    }
    assigned = RoleAssignment.objects.filter(in_force()).select_related("role").order_by("person__email", "role_id")
    by_role = (
        Holding(
            person_id=PersonId(row.person_id),
            kind=ROLE,
            name=row.role_id,
            title=row.role.name,
            via="",
            groups=brought[row.role_id],
            granted_by=row.granted_by,
            granted_at=row.granted_at.timestamp(),
            why=row.reason,
            ends_at=seconds_of(row.ends_at),
        )
        for row in assigned
    )
    return (*by_hand, *by_role)


class Gathering:
    """Reads the present once, and says of each entitlement what is to be known of it."""

    def __init__(self, scope: Scope) -> None:
        self.now = time.time()
        self.since = self.now - LOOKED_BACK_DAYS * DAY_SECONDS
        self._scope, self._world = scope, current_world()
        self._reaches = Reaches(self._world, now=self.now)
        self._holdings = list_holdings()
        self._ways = _ways_of(self._holdings)
        self._uses = self._read_uses()
        self._recorded_since = max(self.since, recorded_since() or self.now)
        self._people = {PersonId(one.pk): one for one in Person.objects.all()}
        self._holders: dict[tuple[str, str], set[PersonId]] = defaultdict(set)
        for one in self._holdings:
            self._holders[one.kind, one.name].add(one.person_id)
        self._others = self._read_others()

    def drafts(self) -> Iterator[Draft]:
        """Yield every entitlement that the scope covers, by person."""
        for holding in self._holdings:
            if self._covers(holding):
                yield self._draft(holding)

    def _draft(self, holding: Holding) -> Draft:
        person = self._people[holding.person_id]
        facts = self._facts(holding, person)
        console = bool(holding.groups & set(BUILTIN_GROUPS))
        return Draft(
            holding=holding,
            email=person.email,
            person=person.name,
            facts=facts,
            suggestion=suggest(facts, now=self.now, console=console),
        )

    def _facts(self, holding: Holding, person: Person) -> Facts:
        ways = self._ways[holding.person_id]
        other = {group: [way for way in ways[group] if way != _way(holding)] for group in holding.groups}
        held = frozenset(ways)
        rest = held - {group for group in holding.groups if not other[group]}
        opens = self._reaches.opened_by(holding.groups)
        gives = self._reaches.difference(
            self._reaches.of(held, holding.person_id, person.email),
            self._reaches.of(rest, holding.person_id, person.email),
        )
        uses = tuple(self._uses_of(holding.person_id, (*opens, *gives)))
        return Facts(
            granted_by=holding.granted_by,
            granted_at=holding.granted_at,
            why=holding.why,
            ends_at=holding.ends_at,
            groups=tuple(sorted(holding.groups)),
            other_ways=tuple(sorted({way for group in holding.groups for way in other[group]})),
            active=person.may_sign_in,
            opens=opens,
            gives=gives,
            uses=uses,
            peers=self._peers(holding, opens),
            recorded_since=self._recorded_since,
            narrower=self._narrower(holding, opens, uses),
        )

    def _uses_of(self, person: PersonId, opened: Iterable[Opened]) -> Iterator[Use]:
        for app in dict.fromkeys(one.app for one in opened):
            use = self._uses.get((person, app))
            if use is not None:
                yield use

    def _peers(self, holding: Holding, opens: tuple[Opened, ...]) -> Peers:
        others = self._holders[holding.kind, holding.name] - {holding.person_id}
        counts = [sum(use.count for use in self._uses_of(one, opens)) for one in others]
        used = [count for count in counts if count]
        return Peers(people=len(others), used=len(used), median=round(median(used)) if used else 0)

    def _narrower(self, holding: Holding, opens: tuple[Opened, ...], uses: tuple[Use, ...]) -> str:
        """Return what would do, where this is a membership that can be exchanged here."""
        if holding.via:
            return ""
        held = {
            name
            for kind, name in self._holders
            if kind == holding.kind and holding.person_id in self._holders[kind, name]
        }
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

    def _read_uses(self) -> dict[tuple[PersonId, str], Use]:
        found: dict[tuple[PersonId, str], Use] = {}
        apps = self._world.catalogue.apps
        for one in count_uses(since=self.since):
            fact = apps.get(AppId(one.app))
            if fact is None:
                continue
            key = (PersonId(one.person), one.app)
            before = found.get(key, Use(app=one.app, count=0, last_at=0.0))
            action = action_class(one.method, fact.methods).value
            found[key] = Use(
                app=one.app,
                count=before.count + one.count,
                last_at=max(before.last_at, one.last_at),
                actions=tuple(sorted({*before.actions, action})),
            )
        return found

    def _covers(self, holding: Holding) -> bool:
        name = self._scope.name
        match self._scope.kind:
            case ScopeKind.EVERYTHING:
                return True
            case ScopeKind.GROUP:
                return name in holding.groups
            case ScopeKind.ROLE:
                return holding.kind == ROLE and holding.name == name
        apps = [self._world.catalogue.apps[AppId(one.app)] for one in self._reaches.opened_by(holding.groups)]
        if self._scope.kind is ScopeKind.APP:
            return any(app.id == name for app in apps)
        return any(name in app.labels for app in apps)


def _way(holding: Holding) -> str:
    """Return how other pages write the way: `role:ID`, what brought it, or `by hand`."""
    return f"{_BY_ROLE}{holding.name}" if holding.kind == ROLE else holding.via or "by hand"


def _ways_of(holdings: Iterable[Holding]) -> Mapping[PersonId, Mapping[str, list[str]]]:
    ways: dict[PersonId, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for one in holdings:
        for group in one.groups:
            ways[one.person_id][group].append(_way(one))
    return ways
