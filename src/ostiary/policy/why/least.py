"""The least changes of facts that turn a refusal into a permission. Each is decided by the engine before it is shown."""

from collections.abc import Callable, Iterator
from itertools import combinations
from typing import Final

import msgspec

from ostiary.policy.decision import Allow, Decision
from ostiary.policy.request import AccessRequest
from ostiary.policy.rules.document import Effect
from ostiary.policy.why.changes import (
    Change,
    ChangeInWords,
    Leave,
    apply_changes,
    asks_no_less,
    effort,
    in_words,
    touched_by,
    touching,
)
from ostiary.policy.why.judgement import JudgedPart, JudgedRule, PartKey

MAX_TRIED_TOGETHER: Final = 3
"""Up to so many changes, every set is looked at; larger sets follow the nearest rules."""
MAX_WAYS: Final = 3

Decide = Callable[[AccessRequest, float], Decision]


class Way(msgspec.Struct, frozen=True, kw_only=True):
    """Changes that together turn a refusal into a permission; none can be left out, and no less of one that is shown will do.

    Args:
        changes: what costs the person least first.
        decision: what the engine then answers.
    """

    changes: tuple[ChangeInWords, ...]
    decision: Allow


class Attempt(msgspec.Struct, frozen=True, kw_only=True):
    """A refused request and what there is to try on it.

    Args:
        request: what was asked.
        now: when, seconds since the epoch.
        judged: the rules about its resource, the nearest first.
        candidates: the changes worth trying, what costs least first.
        others_allow: whether something besides these rules could allow.
    """

    request: AccessRequest
    now: float
    judged: tuple[JudgedRule, ...]
    candidates: tuple[Change, ...]
    others_allow: bool = False


def least_changes(attempt: Attempt, decide: Decide) -> tuple[Way, ...]:
    """Return the least sets of changes that make the request allowed, at most a few; fewest first, then least effort.

    Args:
        attempt: the refused request.
        decide: the engine.
    """
    ways: list[Way] = []
    for size in range(1, MAX_TRIED_TOGETHER + 1):
        for tried in _sets(attempt, size):
            if len(ways) == MAX_WAYS:
                return tuple(ways)
            if not any(_holds(way, tried) for way in ways) and (way := _way(attempt, tried, decide)):
                ways.append(way)
    return tuple(ways) or _along_the_rules(attempt, decide)


def _sets(attempt: Attempt, size: int) -> list[tuple[Change, ...]]:
    """Return the sets of changes that touch whatever keeps the answer as it is; others cannot change it."""
    opening = {frozenset(map(_touching, one.misfits)) for one in attempt.judged if one.rule.effect is Effect.ALLOW}
    lifting = {
        frozenset().union(*map(_touching, one.parts))
        for one in attempt.judged
        if one.rule.effect is Effect.DENY and one.applies
    }
    found = []
    for tried in combinations(attempt.candidates, size):
        touched = {touched_by(change) for change in tried}
        opens = attempt.others_allow or any(all(touched & part for part in parts) for parts in opening)
        if opens and all(touched & part for part in lifting):
            found.append(tried)
    return sorted(found, key=_total_effort)


def _along_the_rules(attempt: Attempt, decide: Decide) -> tuple[Way, ...]:
    """Return the first way found by all that one rule lacks and all that deny rules need, without what is not needed."""
    for one in attempt.judged:
        if one.rule.effect is Effect.ALLOW:
            lacking = frozenset().union(*map(_touching, one.misfits))
            denied = [
                _touching(part) for other in attempt.judged if other.rule.effect is Effect.DENY for part in other.parts
            ]
            for facts in (lacking, lacking.union(*denied)):
                tried = tuple(_one_each(change for change in attempt.candidates if touched_by(change) in facts))
                staying = tuple(change for change in tried if not isinstance(change, Leave))
                for some in (staying, tried):
                    if way := _way(attempt, some, decide):
                        return (_without_the_needless(attempt, way, some, decide),)
    return ()


def _one_each(changes: Iterator[Change]) -> Iterator[Change]:
    """Yield of the changes of one fact the one that goes furthest for a proof, the first for others; every group."""
    chosen: dict[str, Change] = {}
    for change in changes:
        fact = touched_by(change)
        if fact == "group":
            yield change
        elif fact == "mfa" or fact not in chosen:
            chosen[fact] = change
    yield from chosen.values()


def _without_the_needless(attempt: Attempt, way: Way, tried: tuple[Change, ...], decide: Decide) -> Way:
    least_effort_first = sorted(tried, key=effort)
    for change in least_effort_first[::-1]:
        fewer = tuple(one for one in tried if one != change)
        if shorter := _way(attempt, fewer, decide):
            way, tried = shorter, fewer
    return way


def _way(attempt: Attempt, tried: tuple[Change, ...], decide: Decide) -> Way | None:
    decision = decide(*apply_changes(attempt.request, attempt.now, tried))
    if not isinstance(decision, Allow):
        return None
    return Way(changes=tuple(in_words(change) for change in sorted(tried, key=effort)), decision=decision)


def _holds(way: Way, tried: tuple[Change, ...]) -> bool:
    """Whether whoever does what is tried does what the way asks, too."""
    return all(any(asks_no_less(change, one.change) for change in tried) for one in way.changes)


def _touching(part: JudgedPart) -> frozenset[str]:
    """Return the facts whose change could change whether a part fits."""
    if part.key is PartKey.WHO:
        return frozenset({"group"})
    return frozenset() if part.condition is None else touching(part.condition)


def _total_effort(tried: tuple[Change, ...]) -> tuple[int, int]:
    efforts = [effort(change) for change in tried]
    return sum(kind for kind, _ in efforts), sum(more for _, more in efforts)
