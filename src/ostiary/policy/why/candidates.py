"""Which changes of facts are worth trying on one request: those that would make some part of a rule fit or stop fitting.

What is asked for (the app, the action, the path) is not changed: the question is how to get this, not something else.
"""

from collections.abc import Iterable, Iterator
from typing import Final

from ostiary.policy.conditions import Facts, holds_until, is_timed
from ostiary.policy.identifiers import GroupId
from ostiary.policy.request import AuthStrength
from ostiary.policy.rules.countries import COUNTRY_CODES
from ostiary.policy.rules.document import (
    Condition,
    Countries,
    DeviceFact,
    Effect,
    Hours,
    Mfa,
    Networks,
    RiskBelow,
    WhoKind,
)
from ostiary.policy.rules.hours import state_at
from ostiary.policy.why.changes import BeIn, Change, ComeFrom, Join, Leave, LowerRisk, Posture, Prove, Wait, effort
from ostiary.policy.why.judgement import Asked, JudgedPart, JudgedRule, PartKey
from ostiary.policy.why.places import address_in, address_outside, overlapping

MAX_CANDIDATES: Final = 24
MAX_TURNS: Final = 3
"""How many times at which one rule opens, or another lets go, are looked at where both have hours."""
_MAX_EDGES: Final = 24


def candidate_changes(
    judged: Iterable[JudgedRule], asked: Asked, facts: Facts, *, can_prove: AuthStrength
) -> tuple[Change, ...]:
    """Return the changes worth trying, what costs least first.

    Where there are many, those that lift what denies count first, then those for the rules that lack least, and of these
    what costs least.

    Args:
        judged: the rules about this resource.
        asked: who asks for what.
        facts: the request and the moment.
        can_prove: the strongest proof that the person has set up; a stronger one takes setting up.
    """
    possible = [one for one in judged if one.fits(PartKey.TO, PartKey.DO, PartKey.PATHS)]
    allowing = [one for one in possible if one.rule.effect is Effect.ALLOW]
    denying = [one for one in possible if one.rule.effect is Effect.DENY]
    joinable = {change for one in allowing for change in _joins(one)}
    meant = [one for one in denying if one.fits(PartKey.WHO)]
    met_by_joining = [one for one in denying if not one.fits(PartKey.WHO) and joinable.intersection(_groups(one))]
    repairs = _Repairs(facts, can_prove, meant)
    ranks: dict[Change, int] = {}
    for one in meant:
        for change in (*repairs.leaving_groups(one, asked), *repairs.lifting(one)):
            ranks.setdefault(change, 0)
    for one in allowing:
        for change in (*_joins(one), *repairs.opening(one)):
            ranks[change] = min(one.lacking, ranks.get(change, one.lacking))
    for one in met_by_joining:
        for change in repairs.lifting(one):
            ranks.setdefault(change, 1)
    first = sorted(ranks, key=lambda change: (ranks[change], effort(change)))[:MAX_CANDIDATES]
    return tuple(sorted(first, key=effort))


def _groups(judged: JudgedRule) -> Iterator[Join]:
    return (Join(GroupId(who.name)) for who in judged.rule.who if who.kind is WhoKind.GROUP)


def _joins(judged: JudgedRule) -> Iterator[Join]:
    """Yield what would make an allow rule mean somebody whom it does not mean."""
    return iter(()) if judged.fits(PartKey.WHO) else _groups(judged)


class _Repairs:
    """Finds what would change one part, given the request and the rules that deny whoever asks."""

    def __init__(self, facts: Facts, can_prove: AuthStrength, denying: list[JudgedRule]) -> None:
        self._facts = facts
        self._can_prove = can_prove
        conditions = [condition for one in denying if one.fits(PartKey.UNLESS) for condition in one.rule.when]
        ranges = [r for one in conditions if isinstance(one, Networks) for r in one.ranges]
        codes = [code for one in conditions if isinstance(one, Countries) for code in one.codes]
        self._shut_networks, self._shut_countries = tuple(dict.fromkeys(ranges)), tuple(dict.fromkeys(codes))
        self._shut_hours = any(isinstance(one, Hours) for one in conditions)

    def opening(self, judged: JudgedRule) -> Iterator[Change]:
        """Yield what would make each condition of an allow rule hold that does not, or go on to where others must not be."""
        for part in judged.parts:
            if part.condition is not None and (not part.fits or self._is_narrowed(part.condition)):
                yield from self._meeting(part.condition)

    def leaving_groups(self, judged: JudgedRule, asked: Asked) -> Iterator[Change]:
        """Yield what would keep a deny rule from meaning whoever asks."""
        meant = asked.who.intersection(judged.rule.who)
        if all(who.kind is WhoKind.GROUP for who in meant):
            yield from (Leave(GroupId(who.name)) for who in sorted(meant, key=lambda who: who.name))

    def lifting(self, judged: JudgedRule) -> Iterator[Change]:
        """Yield what would keep a deny rule from applying to whom it means, or would help to."""
        for part in judged.parts:
            if part.condition is None:
                continue
            if part.key is PartKey.UNLESS:
                yield from self._meeting(part.condition) if part.holds is not True else ()
            else:
                yield from self._leaving(part)

    def _is_narrowed(self, condition: Condition) -> bool:
        """Whether a deny rule takes away some of what meets a condition."""
        match condition:
            case Networks():
                return bool(self._shut_networks)
            case Countries():
                return bool(self._shut_countries)
            case Hours():
                return self._shut_hours
        return False

    def _meeting(self, condition: Condition) -> Iterator[Change]:
        """Yield what would make a condition hold."""
        match condition:
            case Mfa(strength=strength):
                if self._facts.request.subject.service is None:
                    again = self._facts.strength >= strength
                    yield Prove(strength, again=again, set_up=not again and strength > self._can_prove)
                yield from self._waiting_for_a_proof(condition)
            case DeviceFact():
                yield Posture(condition)
            case Hours():
                yield from self._turns(condition, to=True)
            case Networks(ranges=ranges):
                yield from map(self._inside, ranges)
            case Countries(codes=codes):
                free = tuple(code for code in codes if code not in self._shut_countries) or codes
                yield BeIn(free[0], free)
            case RiskBelow(limit=limit):
                yield LowerRisk(limit)

    def _leaving(self, part: JudgedPart) -> Iterator[Change]:
        """Yield what would make a condition of a deny rule's `when` known not to hold."""
        match part.condition:
            case Hours():
                yield from self._turns(part.condition, to=False)
            case Networks(ranges=own) if part.holds is not False:
                ranges = tuple(dict.fromkeys((*own, *self._shut_networks)))
                outside = address_outside(ranges)
                yield from () if outside is None else (ComeFrom(outside, ranges, outside=True),)
            case Countries(codes=own) if part.holds is not False:
                codes = tuple(dict.fromkeys((*own, *self._shut_countries)))
                elsewhere = min(COUNTRY_CODES.difference(codes), default=None)
                yield from () if elsewhere is None else (BeIn(elsewhere, codes, outside=True),)

    def _inside(self, one: str) -> ComeFrom:
        """Return the way into a range: outside what is shut where that can be."""
        free = address_in(one, self._shut_networks)
        if free is None:
            return ComeFrom(address_in(one, ()) or one, (one,))
        return ComeFrom(free, (one,), avoiding=overlapping(one, self._shut_networks))

    def _turns(self, hours: Hours, *, to: bool) -> Iterator[Wait]:
        """Yield the next time at which the hours begin, or end; more of them where a deny rule has hours too."""
        found, at = 0, self._facts.now
        for _ in range(_MAX_EDGES):
            edges = [edge for window in hours.windows if (edge := state_at(window, at)[1]) is not None and edge > at]
            if not edges or found == (MAX_TURNS if self._shut_hours else 1):
                return
            at = min(edges)
            if any(state_at(window, at)[0] for window in hours.windows) is to:
                found += 1
                yield Wait(at, hours.windows[0].zone)

    def _waiting_for_a_proof(self, condition: Mfa) -> Iterator[Wait]:
        if is_timed(condition):
            at = holds_until(condition, self._facts)[1]
            yield from () if at is None else (Wait(at),)
