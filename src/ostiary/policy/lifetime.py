"""Until when an answer holds: the first moment at which time alone could change it."""

from collections.abc import Iterable

import msgspec

from ostiary.policy.conditions import Facts, covers, holds_until, is_timed, status
from ostiary.policy.rules.document import Condition, Effect, Rule


class TimedRule(msgspec.Struct, frozen=True):
    """A rule that asks about time, its conditions sorted.

    Args:
        rule: the rule.
        fixed: the conditions of its `when` that time does not change.
        timed: the conditions, of `when` and `unless`, that time can change.
    """

    rule: Rule
    fixed: tuple[Condition, ...]
    timed: tuple[Condition, ...]


def timed_rule(rule: Rule) -> TimedRule | None:
    """Return the rule's view of time, or `None` if it does not ask about time."""
    timed = tuple(condition for condition in (*rule.when, *rule.unless) if is_timed(condition))
    return TimedRule(rule, tuple(one for one in rule.when if not is_timed(one)), timed) if timed else None


def permission_ends_at(timed: Iterable[TimedRule], facts: Facts) -> float | None:
    """Return when a permission must be looked at again: a rule that time could make match, or stop matching.

    Args:
        timed: the rules in reach that ask about time.
        facts: the request and the moment.

    Returns:
        Seconds since the epoch, or `None` if no passing of time changes anything.
    """
    return _first([_flips_at(one, facts) for one in timed if _is_within_reach(one, facts)])


def refusal_ends_at(timed: Iterable[TimedRule], facts: Facts) -> float | None:
    """Return when a refusal must be looked at again: any change, since each is part of its explanation."""
    return _first([holds_until(condition, facts)[1] for one in timed for condition in one.timed])


def _is_within_reach(one: TimedRule, facts: Facts) -> bool:
    """Whether everything but time lets the rule match. What is not known stops an `allow`, never a `deny`."""
    rule = one.rule
    if rule.do is not None and facts.request.action not in rule.do:
        return False
    held = [covers(rule.paths, facts.path), *[status(condition, facts) for condition in one.fixed]]
    return False not in held and (rule.effect is Effect.DENY or None not in held)


def _flips_at(one: TimedRule, facts: Facts) -> float | None:
    """An allow rule that holds ends with the first of its conditions; one that does not, not before the last it lacks."""
    states = [holds_until(condition, facts) for condition in one.timed]
    missing = [until for holds, until in states if not holds]
    if one.rule.effect is Effect.DENY or not missing:
        return _first([until for _, until in states])
    moments = [until for until in missing if until is not None]
    return max(moments) if len(moments) == len(missing) else None


def _first(moments: list[float | None]) -> float | None:
    return min([moment for moment in moments if moment is not None], default=None)
