"""What membership in groups would change: which group opens an app for somebody, and what a group opens at all.

By the rules in force; whoever may ask for what is `requests`' to say.
"""

import time
from collections.abc import Iterable

import msgspec

from ostiary.applications.facts import read_applications
from ostiary.identity.facade import BUILTIN_GROUPS, Person, list_groups, strongest_proof
from ostiary.policy.decision import Allow, Decision, ReasonCode
from ostiary.policy.engine import PolicyEngine
from ostiary.policy.identifiers import AppId, Generation, GroupId, Label
from ostiary.policy.request import AccessRequest, ActionClass, AuthStrength, Context, Resource, Subject
from ostiary.policy.why.changes import Join, Prove, apply_changes
from ostiary.policy.why.explainer import Explainer
from ostiary.rulebook.facts import read_rulebook


class Openings:
    """Answers by the rules and the catalogue of one moment.

    Raises:
        InvalidRules: when the rules in force cannot be used.
    """

    def __init__(self) -> None:
        self._catalogue, self._rules, self._now = read_applications(), read_rulebook(), time.time()
        self._explainer = Explainer(self._rules, self._catalogue)
        self._engine = PolicyEngine(self._rules, self._catalogue, Generation(0))
        self._askable = {group.id for group in list_groups() if not group.builtin} - set(BUILTIN_GROUPS)

    def groups_for(self, person: Person, app: AppId, path: str = "/") -> tuple[GroupId, ...]:
        """Return the groups of which one would be enough to open an app, the least effort first; never a builtin one.

        Args:
            person: who asks.
            app: what they want to open.
            path: the page in it.
        """
        fact = self._catalogue.apps.get(app)
        if fact is None:
            return ()
        request = _request(person, app, path, fact.labels, self._now)
        ways = self._explainer.explain(request, self._now, can_prove=strongest_proof(person)).ways
        return tuple(dict.fromkeys(group for way in ways for group in self._only_group(c.change for c in way.changes)))

    def opened_by(self, person: Person, group: GroupId) -> tuple[AppId, ...]:
        """Return the apps that a group would open to somebody to whom they are shut, conditions such as proofs aside."""
        subject = _request(person, AppId(""), "/", (), self._now).subject
        without = msgspec.structs.replace(subject, groups=subject.groups - {group})
        joined = msgspec.structs.replace(subject, groups=subject.groups | {group})
        before, after = (self._engine.possible(one, None, Context(risk=0), self._now) for one in (without, joined))
        return tuple(sorted(app for app in after if _in_reach(after[app]) and not _in_reach(before[app])))

    def _only_group(self, changes: Iterable[object]) -> tuple[GroupId, ...]:
        joins = tuple(change.group for change in changes if isinstance(change, Join))
        return joins if len(joins) == 1 and joins[0] in self._askable else ()


def _in_reach(decision: Decision) -> bool:
    return isinstance(decision, Allow) or decision.reason is ReasonCode.CONDITIONS_UNMET


def _request(person: Person, app: AppId, path: str, labels: Iterable[Label], now: float) -> AccessRequest:
    """Return what somebody asks who has just given the strongest proof that they have set up."""
    subject = Subject(person=person.id, email=person.email, groups=frozenset(person.groups))
    request = AccessRequest(
        subject=subject,
        action=ActionClass.VIEW,
        resource=Resource(app=app, path=path, labels=frozenset(labels)),
        context=Context(risk=0),
    )
    strength = strongest_proof(person)
    return request if strength is AuthStrength.SINGLE else apply_changes(request, now, (Prove(strength),))[0]
