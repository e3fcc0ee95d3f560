"""What groups open, asked of the policy engine: for suggestions before, and for proof afterwards."""

from collections.abc import Iterable, Mapping
from typing import Final

import msgspec

from ostiary.policy.compiled import compile_rules
from ostiary.policy.decision import Allow, Decision, Deny
from ostiary.policy.engine import PolicyEngine
from ostiary.policy.identifiers import AppId, Generation, GroupId, Label, PersonId
from ostiary.policy.request import AccessRequest, ActionClass, Authentication, AuthStrength, Context, Resource, Subject
from ostiary.policy.rules.document import WhoKind
from ostiary.policy.snapshot import Catalogue, Directory, Rules
from ostiary.reviews.domain.facts import Opened, StillReached

ACTIONS: Final = (ActionClass.VIEW, ActionClass.EDIT, ActionClass.DELETE, ActionClass.CONNECT)
_ANOTHER_REQUEST: Final = frozenset({"path", "action"})
NOBODY: Final = PersonId("p_nobody")

Found = Mapping[AppId, Mapping[str, frozenset[str]]]
"""For each app in reach, each action with the rules that let somebody in."""


class World(msgspec.Struct, frozen=True, kw_only=True):
    """Facts that decisions stand on, of one moment.

    Args:
        generation: as they were published; 0 when they come from the database.
    """

    generation: int
    directory: Directory
    catalogue: Catalogue
    rules: Rules


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
        self._personal = bool(world.rules.cedar.strip()) or any(
            who.kind in {WhoKind.PERSON, WhoKind.EMAIL} for rule in rules for who in rule.who
        )
        self._paths = ("/", *dict.fromkeys(scope.path for rule in rules for scope in rule.paths if scope.path != "/"))
        self._known: dict[tuple[frozenset[GroupId], str], Found] = {}

    def of(self, groups: Iterable[str], person: PersonId = NOBODY, email: str = "") -> Found:
        """Return what is in reach of somebody who is in these groups."""
        wanted = frozenset(map(GroupId, groups))
        key = (wanted, f"{person} {email}" if self._personal else "")
        if key not in self._known:
            self._known[key] = self._ask(Subject(
                person=person,
                email=email or "nobody@not.named",
                groups=wanted,
                authentications=(
                    Authentication("password", AuthStrength.SINGLE, self._now),
                    Authentication("webauthn", AuthStrength.PHISHING_RESISTANT, self._now),
                ),
            ))  # fmt: skip
        return self._known[key]

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

    def _ask(self, subject: Subject) -> Found:
        found: dict[AppId, dict[str, frozenset[str]]] = {}
        for app, fact in self._catalogue.apps.items():
            actions = {}
            for action in ACTIONS:
                rules = self._rules_for(subject, app, frozenset(fact.labels), action)
                if rules is not None:
                    actions[action.value] = rules
            if actions:
                found[app] = actions
        return found

    def _rules_for(
        self, subject: Subject, app: AppId, labels: frozenset[Label], action: ActionClass
    ) -> frozenset[str] | None:
        """Return the rules that let somebody in on some path, `None` where none does."""
        rules: set[str] = set()
        reached = False
        for path in self._paths:
            request = AccessRequest(
                subject=subject,
                action=action,
                resource=Resource(app=app, labels=labels, path=path),
                context=Context(risk=0),
            )
            decision = self._engine.decide(request, self._now)
            if in_reach(decision):
                reached = True
                rules.update(_rules_of(decision))
        return frozenset(rules) if reached else None


def in_reach(decision: Decision) -> bool:
    """Return whether somebody gets in, at once or after a step: another proof, device, place or hour."""
    return isinstance(decision, Allow) or bool(_within_steps(decision))


def _rules_of(decision: Decision) -> frozenset[str]:
    return frozenset(decision.rules) if isinstance(decision, Allow) else _within_steps(decision)


def _within_steps(decision: Deny) -> frozenset[str]:
    """Return the rules of which nothing is unmet but what can change; another path or action is another request."""
    rules: dict[str, bool] = {}
    for one in decision.unmet:
        rules[one.rule] = rules.get(one.rule, True) and one.code not in _ANOTHER_REQUEST
    return frozenset(rule for rule, open_ in rules.items() if open_)
