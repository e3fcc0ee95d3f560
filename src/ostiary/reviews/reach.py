"""What groups open, asked of the policy engine: for suggestions before, and for proof afterwards."""

from collections.abc import Iterable, Mapping
from typing import Final

import msgspec

from ostiary.policy.compiled import compile_rules
from ostiary.policy.decision import Allow, Decision, Deny
from ostiary.policy.engine import PolicyEngine
from ostiary.policy.identifiers import AppId, Generation, GroupId, Label, PersonId, ServiceId
from ostiary.policy.request import AccessRequest, ActionClass, Authentication, AuthStrength, Context, Resource, Subject
from ostiary.policy.rules.document import Rule, Target, TargetKind, WhoKind
from ostiary.policy.snapshot import AppFact, Catalogue, Directory, Rules, ServiceFact
from ostiary.reviews.domain.facts import Opened, StillReached

ACTIONS: Final = (ActionClass.VIEW, ActionClass.EDIT, ActionClass.DELETE, ActionClass.CONNECT)
_ANOTHER_REQUEST: Final = frozenset({"path", "action"})
_NEVER_A_SERVICES: Final = frozenset({"mfa", "risk"})
"""What no service ever meets: it gives no proofs, and no risk is known of it."""
_BY_NAME: Final = frozenset({WhoKind.PERSON, WhoKind.EMAIL})
NOBODY: Final = PersonId("p_nobody")

Found = Mapping[AppId, Mapping[str, frozenset[str]]]
"""For each app in reach, each action with the rules that let somebody in."""


class World(msgspec.Struct, frozen=True, kw_only=True):
    """Facts that decisions stand on, of one moment.

    Args:
        generation: as they were published; 0 when they come from the database.
        services: by name.
    """

    generation: int
    directory: Directory
    catalogue: Catalogue
    rules: Rules
    services: Mapping[ServiceId, ServiceFact] = {}


class Reaches:
    """Answers by one world what groups open to whom, conditions such as proofs, devices and hours aside.

    Somebody asks who has just given the strongest proof, so that only what no step of theirs would change counts as shut.

    Raises:
        InvalidRules: when the rules cannot be used.
    """

    def __init__(self, world: World, *, now: float) -> None:
        self._catalogue, self._now = world.catalogue, now
        self._engine = PolicyEngine(world.rules, world.catalogue, Generation(world.generation))
        compiled = compile_rules(world.rules.document, world.rules.cedar, world.rules.parsed)
        rules = list(compiled.by_name.values())
        self._cedar = bool(world.rules.cedar.strip())
        self._named = {who.name.lower() for rule in rules for who in rule.who if who.kind in _BY_NAME}
        self._paths = ("/", *dict.fromkeys(scope.path for rule in rules for scope in rule.paths if scope.path != "/"))
        self._relevant = {app: _groups_for(fact, rules) for app, fact in world.catalogue.apps.items()}
        self._known: dict[tuple[AppId, frozenset[GroupId], str], Mapping[str, frozenset[str]]] = {}

    def of(self, groups: Iterable[str], person: PersonId = NOBODY, email: str = "") -> Found:
        """Return what is in reach of somebody who is in these groups.

        For each app the engine is asked once about each set of those groups that a rule for the app names: others read nothing.
        """
        wanted = frozenset(map(GroupId, groups))
        personal = self._cedar or not self._named.isdisjoint({person.lower(), email.lower()})
        found: dict[AppId, Mapping[str, frozenset[str]]] = {}
        for app, relevant in self._relevant.items():
            held = wanted if personal else wanted & relevant
            key = (app, held, f"{person} {email}" if personal else "")
            if key not in self._known:
                self._known[key] = self._ask(app, _subject(held, person, email, self._now))
            if self._known[key]:
                found[app] = self._known[key]
        return found

    def of_service(self, service: ServiceId) -> Found:
        """Return what is in reach of a service that is switched on."""
        found = {app: self._ask(app, Subject(service=service)) for app in self._catalogue.apps}
        return {app: actions for app, actions in found.items() if actions}

    def opened_to_service(self, service: ServiceId) -> tuple[Opened, ...]:
        """Return what the rules let a service into, whether they name it or mean everybody."""
        return self.difference(self.of_service(service), {})

    def opened_by(self, groups: Iterable[str]) -> tuple[Opened, ...]:
        """Return what groups open that is not open to everybody."""
        return self.difference(self.of(groups), self.of(()))

    def difference(self, more: Found, less: Found) -> tuple[Opened, ...]:
        """Return what is in reach in the first case and not in the second, by app."""
        found = []
        for app in sorted(more):
            actions = {action: rules for action, rules in more[app].items() if action not in less.get(app, {})}
            if actions:
                found.append(self._opened(app, actions))
        return tuple(found)

    def still(
        self, wanted: Iterable[Opened], groups: Iterable[str], person: PersonId, email: str
    ) -> tuple[StillReached, ...]:
        """Return which of some apps and actions are in reach all the same, and by what other way."""
        held = sorted(set(groups))
        now, anybody = self.of(held, person, email), self.of(())
        found = []
        for one in wanted:
            app = AppId(one.app)
            actions = {action: now[app][action] for action in one.actions if action in now.get(app, {})}
            if not actions:
                continue
            ways = [
                group
                for group in held
                if any(
                    action in self.of((group,)).get(app, {}) for action in actions if action not in anybody.get(app, {})
                )
            ]
            found.append(
                StillReached(
                    app=one.app,
                    name=one.name,
                    actions=tuple(actions),
                    rules=tuple(sorted(frozenset().union(*actions.values()))),
                    groups=tuple(ways),
                )
            )
        return tuple(found)

    def _opened(self, app: AppId, actions: Mapping[str, frozenset[str]]) -> Opened:
        fact = self._catalogue.apps[app]
        return Opened(
            app=app,
            name=fact.name or app,
            actions=tuple(actions),
            rules=tuple(sorted(frozenset().union(*actions.values()))),
        )

    def _ask(self, app: AppId, subject: Subject) -> Mapping[str, frozenset[str]]:
        labels = frozenset(self._catalogue.apps[app].labels)
        found = {}
        for action in ACTIONS:
            rules = self._rules_for(subject, app, labels, action)
            if rules is not None:
                found[action.value] = rules
        return found

    def _rules_for(
        self, subject: Subject, app: AppId, labels: frozenset[Label], action: ActionClass
    ) -> frozenset[str] | None:
        """Return the rules that let somebody in on some path, `None` where none does."""
        rules: set[str] = set()
        reached, never = False, _NEVER_A_SERVICES if subject.service else frozenset()
        for path in self._paths:
            request = AccessRequest(
                subject=subject,
                action=action,
                resource=Resource(app=app, labels=labels, path=path),
                context=Context(risk=None if subject.service else 0),
            )
            decision = self._engine.decide(request, self._now)
            if in_reach(decision, never):
                reached = True
                rules.update(_rules_of(decision, never))
        return frozenset(rules) if reached else None


def _subject(groups: frozenset[GroupId], person: PersonId, email: str, now: float) -> Subject:
    return Subject(
        person=person,
        email=email or "nobody@not.named",
        groups=groups,
        authentications=(
            Authentication("password", AuthStrength.SINGLE, now),
            Authentication("webauthn", AuthStrength.PHISHING_RESISTANT, now),
        ),
    )


def _groups_for(app: AppFact, rules: Iterable[Rule]) -> frozenset[GroupId]:
    """Return the groups that rules for an app name."""
    return frozenset(
        GroupId(who.name)
        for rule in rules
        if any(_means(target, app) for target in rule.to)
        for who in rule.who
        if who.kind is WhoKind.GROUP
    )


def _means(target: Target, app: AppFact) -> bool:
    if target.kind is TargetKind.APP:
        return target.name == app.id
    return target.kind is TargetKind.ANYTHING or target.name in app.labels


def in_reach(decision: Decision, never: frozenset[str] = frozenset()) -> bool:
    """Return whether somebody gets in, at once or after a step: another proof, device, place or hour.

    Args:
        decision: as the engine gave it.
        never: conditions that whoever asks can never meet.
    """
    return isinstance(decision, Allow) or bool(_within_steps(decision, never))


def _rules_of(decision: Decision, never: frozenset[str]) -> frozenset[str]:
    return frozenset(decision.rules) if isinstance(decision, Allow) else _within_steps(decision, never)


def _within_steps(decision: Deny, never: frozenset[str]) -> frozenset[str]:
    """Return the rules of which nothing is unmet but what can change; another path or action is another request."""
    rules: dict[str, bool] = {}
    for one in decision.unmet:
        rules[one.rule] = rules.get(one.rule, True) and one.code not in _ANOTHER_REQUEST | never
    return frozenset(rule for rule, open_ in rules.items() if open_)
