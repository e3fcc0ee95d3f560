"""Why a request was refused, in words, and what the person can do. The decision itself is made before, in `engine`."""

from heapq import nsmallest
from typing import Final

from ostiary.policy.conditions import Facts, covers, status
from ostiary.policy.decision import UnmetCondition
from ostiary.policy.remedies import EFFORT, unmet_action, unmet_condition, unmet_path
from ostiary.policy.rules.document import Effect, Rule

MAX_RULES_EXPLAINED: Final = 3
_NO_REMEDY_EFFORT: Final = 8


def missing_permission(rules: tuple[Rule, ...], facts: Facts) -> tuple[tuple[UnmetCondition, ...], ...]:
    """Return, for each allow rule in reach, what it still asks for; the nearest rules first, at most a few.

    Args:
        rules: the rules that name the subject and the resource.
        facts: the request and the moment.
    """
    lacking = [(_lacking(rule, facts), rule) for rule in rules if rule.effect is Effect.ALLOW]
    enough = max(nsmallest(MAX_RULES_EXPLAINED, (count for count, _ in lacking)), default=0)
    nearest = [_unmet(rule, facts) for count, rule in lacking if count <= enough]
    return tuple(sorted(nearest, key=_distance)[:MAX_RULES_EXPLAINED])


def what_lifts(denying: list[Rule], facts: Facts) -> tuple[UnmetCondition, ...]:
    """Return what would lift every one of these deny rules, or nothing when one of them cannot be lifted."""
    if not all(rule.unless for rule in denying):
        return ()
    return tuple(
        unmet_condition(rule.name, condition, facts)
        for rule in sorted(denying, key=lambda rule: rule.name)
        for condition in rule.unless
        if status(condition, facts) is not True
    )


def _lacking(rule: Rule, facts: Facts) -> int:
    """Return how much a rule still asks for, without saying it: words for a thousand rules take their time."""
    unnamed = (covers(rule.paths, facts.path) is not True) + (
        rule.do is not None and facts.request.action not in rule.do
    )
    return unnamed + sum(status(condition, facts) is not True for condition in rule.when)


def _unmet(rule: Rule, facts: Facts) -> tuple[UnmetCondition, ...]:
    """What the person cannot change comes first: no proof opens what the rule is not about."""
    unmet = []
    if covers(rule.paths, facts.path) is not True:
        unmet.append(unmet_path(rule, facts))
    if rule.do is not None and facts.request.action not in rule.do:
        unmet.append(unmet_action(rule, facts))
    unmet += [unmet_condition(rule.name, c, facts) for c in rule.when if status(c, facts) is not True]
    return tuple(unmet)


def _distance(unmet: tuple[UnmetCondition, ...]) -> tuple[int, int, str]:
    """Fewest conditions first; then what costs the person least; then by name, so that the order is always the same."""
    effort = sum(EFFORT[one.remedy.kind] if one.remedy else _NO_REMEDY_EFFORT for one in unmet)
    return len(unmet), effort, unmet[0].rule if unmet else ""
