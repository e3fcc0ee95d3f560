"""Explains decisions of one version of the rules: every rule in reach, those nearest to it, and what to change.

The decision is the engine's own. Which rules are in force, and who asks, is given; nothing is looked up.
"""

from heapq import nsmallest
from typing import Final

import msgspec

from ostiary.policy.compiled import compile_rules
from ostiary.policy.conditions import Facts, gather
from ostiary.policy.decision import Allow, Decision, ReasonCode
from ostiary.policy.engine import PolicyEngine
from ostiary.policy.identifiers import AppId, Generation, Label, RuleName
from ostiary.policy.reads import EVERYTHING
from ostiary.policy.request import AccessRequest, AuthStrength
from ostiary.policy.rules.words import condition_in_words
from ostiary.policy.snapshot import Catalogue, Rules
from ostiary.policy.why.candidates import candidate_changes
from ostiary.policy.why.ending import Ending, next_refusal
from ostiary.policy.why.judgement import Asked, JudgedRule, PartKey, asked_by, judge
from ostiary.policy.why.least import Attempt, Way, least_changes
from ostiary.policy.why.seen import RuleSeen, rule_seen

MAX_NEAR: Final = 4
BY_RULES: Final = frozenset({ReasonCode.NO_RULE_APPLIES, ReasonCode.CONDITIONS_UNMET, ReasonCode.DENIED_BY_RULE})
"""The reasons of refusals for which rules were asked."""


class Explanation(msgspec.Struct, frozen=True, kw_only=True):
    """Why one request was answered as it was.

    Args:
        request: what was asked.
        at: when, seconds since the epoch.
        decision: the engine's answer.
        in_reach: the rules that name the subject and the resource, those that applied first, then by what they lack.
        near: rules that do not, those about this resource first, by what they lack; at most a few.
        others: how many further rules the document has.
        beside: Cedar policies beside the document that decided.
        ways: the least changes that would open it, for a refusal by rules.
        ending: what takes it away soonest, for a permission.
    """

    request: AccessRequest
    at: float
    decision: Decision
    in_reach: tuple[RuleSeen, ...] = ()
    near: tuple[RuleSeen, ...] = ()
    others: int = 0
    beside: tuple[RuleName, ...] = ()
    ways: tuple[Way, ...] = ()
    ending: Ending | None = None

    @property
    def allowed(self) -> bool:
        """Whether the request may pass."""
        return isinstance(self.decision, Allow)

    @property
    def judged_by_rules(self) -> bool:
        """Whether rules gave the answer; a refusal for another reason no rule could have lifted."""
        return isinstance(self.decision, Allow) or self.decision.reason in BY_RULES


class Explainer:
    """Explains by one version of the rules.

    Args:
        rules: the rules.
        catalogue: the apps that exist, with their labels.

    Raises:
        InvalidRules: when the rules cannot be used.
    """

    def __init__(self, rules: Rules, catalogue: Catalogue) -> None:
        self._compiled = compile_rules(rules.document, rules.cedar, rules.parsed)
        self._engine = PolicyEngine(rules, catalogue, Generation(0))
        self._labels: dict[AppId, frozenset[Label]] = {app.id: frozenset(app.labels) for app in catalogue.apps.values()}

    def explain(
        self, request: AccessRequest, now: float, *, can_prove: AuthStrength = AuthStrength.PHISHING_RESISTANT
    ) -> Explanation:
        """Explain the answer to one request.

        Args:
            request: what is asked, with every fact it may be decided on.
            now: the moment, seconds since the epoch.
            can_prove: the strongest proof that the person has set up; a stronger one takes setting up.
        """
        decision = self._engine.decide(request, now)
        unjudged = Explanation(request=request, at=now, decision=decision, others=len(self._compiled.by_name))
        if not unjudged.judged_by_rules:
            return unjudged
        facts = gather(request, EVERYTHING, now)
        labels = self._labels[request.resource.app] | request.resource.labels
        asked = asked_by(request.subject, request.resource.app, labels)
        judged = sorted((judge(rule, asked, facts) for rule in self._compiled.by_name.values()), key=_nearness)
        in_reach = [one for one in judged if one.fits(PartKey.WHO, PartKey.TO)]
        near = nsmallest(MAX_NEAR, (one for one in judged if not one.fits(PartKey.WHO, PartKey.TO)), key=_nearness)
        return Explanation(
            request=request,
            at=now,
            decision=decision,
            in_reach=tuple(rule_seen(one, facts, labels) for one in in_reach),
            near=tuple(rule_seen(one, facts, labels) for one in near),
            others=len(judged) - len(in_reach) - len(near),
            beside=tuple(name for name in decision.rules if name not in self._compiled.by_name),
            ways=() if isinstance(decision, Allow) else self._ways(judged, asked, facts, can_prove),
            ending=self._ending(request, decision, asked) if isinstance(decision, Allow) else None,
        )

    def _ways(self, judged: list[JudgedRule], asked: Asked, facts: Facts, can_prove: AuthStrength) -> tuple[Way, ...]:
        about_this = tuple(one for one in judged if one.fits(PartKey.TO))
        attempt = Attempt(
            request=facts.request,
            now=facts.now,
            judged=about_this,
            candidates=candidate_changes(about_this, asked, facts, can_prove=can_prove),
            others_allow=self._compiled.extra.permits,
        )
        return least_changes(attempt, self._engine.decide)

    def _ending(self, request: AccessRequest, allow: Allow, asked: Asked) -> Ending | None:
        refused = next_refusal(request, allow, self._engine.decide)
        if refused is None:
            return None
        at, deny = refused
        then = gather(request, EVERYTHING, at)
        allowing = [self._compiled.by_name[name] for name in allow.rules if name in self._compiled.by_name]
        lost = [
            condition_in_words(part.condition)
            for rule in allowing
            for part in judge(rule, asked, then).misfits
            if part.condition is not None
        ]
        return Ending(at=at, rules=deny.rules, conditions=tuple(dict.fromkeys(lost)))


def _nearness(judged: JudgedRule) -> tuple[bool, int, str]:
    """What is about this resource first; then what applies, or lacks least; then by name."""
    return not judged.fits(PartKey.TO), judged.lacking, judged.rule.name
