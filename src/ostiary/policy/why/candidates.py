"""Which changes of facts are worth trying on one request: those that would make some part of a rule fit or stop fitting.

What is asked for (the app, the action, the path) is not changed: the question is how to get this, not something else.
"""

import ipaddress
from collections.abc import Iterable, Iterator
from typing import Final

from ostiary.policy.conditions import Facts, holds_until, is_timed, networks
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
from ostiary.policy.why.changes import BeIn, Change, ComeFrom, Join, Leave, LowerRisk, Posture, Prove, Wait, effort
from ostiary.policy.why.judgement import Asked, JudgedPart, JudgedRule, PartKey

MAX_CANDIDATES: Final = 24
_ELSEWHERE: Final = ("192.0.2.1", "198.51.100.1", "203.0.113.1", "2001:db8::1")
"""Addresses for documentation, which stand for any other one. Source: RFC 5737, RFC 3849."""


def candidate_changes(
    judged: Iterable[JudgedRule], asked: Asked, facts: Facts, *, can_prove: AuthStrength
) -> tuple[Change, ...]:
    """Return the changes worth trying, what costs least first.

    Args:
        judged: the rules about this resource, the nearest first; where there are many changes, the first rules' count.
        asked: who asks for what.
        facts: the request and the moment.
        can_prove: the strongest proof that the person has set up; a stronger one takes setting up.
    """
    possible = [one for one in judged if one.fits(PartKey.TO, PartKey.DO, PartKey.PATHS)]
    denying = [one for one in possible if one.rule.effect is Effect.DENY and one.fits(PartKey.WHO)]
    repairs = _Repairs(facts, can_prove, denying)
    found: dict[Change, None] = {}
    for one in possible:
        if one.rule.effect is Effect.ALLOW:
            found.update(dict.fromkeys(repairs.opening(one)))
    for one in denying:
        found.update(dict.fromkeys(repairs.lifting(one, asked)))
    return tuple(sorted(list(found)[:MAX_CANDIDATES], key=effort))


class _Repairs:
    """Finds what would change one part, given the request and the rules that deny."""

    def __init__(self, facts: Facts, can_prove: AuthStrength, denying: list[JudgedRule]) -> None:
        self._facts = facts
        self._can_prove = can_prove
        conditions = [condition for one in denying for condition in one.rule.when]
        self._shut_networks = tuple(r for one in conditions if isinstance(one, Networks) for r in one.ranges)
        self._shut_countries = {code for one in conditions if isinstance(one, Countries) for code in one.codes}

    def opening(self, judged: JudgedRule) -> Iterator[Change]:
        """Yield what would make each part of an allow rule fit that does not."""
        for part in judged.misfits:
            if part.key is PartKey.WHO:
                yield from (Join(GroupId(who.name)) for who in judged.rule.who if who.kind is WhoKind.GROUP)
            elif part.condition is not None:
                yield from self._meeting(part.condition)

    def lifting(self, judged: JudgedRule, asked: Asked) -> Iterator[Change]:
        """Yield what would keep a deny rule from applying, or would help to."""
        meant = asked.who.intersection(judged.rule.who)
        if all(who.kind is WhoKind.GROUP for who in meant):
            yield from (Leave(GroupId(who.name)) for who in sorted(meant, key=lambda who: who.name))
        for part in judged.parts:
            if part.condition is None:
                continue
            if part.key is PartKey.UNLESS:
                yield from self._meeting(part.condition) if part.holds is not True else ()
            else:
                yield from self._leaving(part)

    def _meeting(self, condition: Condition) -> Iterator[Change]:
        """Yield what would make a condition hold."""
        match condition:
            case Mfa(strength=strength):
                if self._facts.request.subject.service is None:
                    again = self._facts.strength >= strength
                    yield Prove(strength, again=again, set_up=not again and strength > self._can_prove)
                yield from self._waiting(condition)
            case DeviceFact():
                yield Posture(condition)
            case Hours():
                yield from self._waiting(condition)
            case Networks(ranges=ranges):
                yield from (ComeFrom(_address_in(one, self._shut_networks), (one,)) for one in ranges)
            case Countries(codes=codes):
                yield BeIn(next((code for code in codes if code not in self._shut_countries), codes[0]), codes)
            case RiskBelow(limit=limit):
                yield LowerRisk(limit)

    def _leaving(self, part: JudgedPart) -> Iterator[Change]:
        """Yield what would make a condition of a deny rule's `when` known not to hold."""
        match part.condition:
            case Hours() if part.holds:
                yield from self._waiting(part.condition)
            case Networks(ranges=ranges) if part.holds is not False:
                outside = _address_outside(ranges)
                yield from () if outside is None else (ComeFrom(outside, ranges, outside=True),)
            case Countries(codes=codes) if part.holds is not False:
                elsewhere = min(COUNTRY_CODES - self._shut_countries, default=None)
                yield from () if elsewhere is None else (BeIn(elsewhere, codes, outside=True),)

    def _waiting(self, condition: Condition) -> Iterator[Wait]:
        if is_timed(condition):
            at = holds_until(condition, self._facts)[1]
            zone = condition.windows[0].zone if isinstance(condition, Hours) else "UTC"
            yield from () if at is None else (Wait(at, zone),)


def _address_in(one: str, avoiding: tuple[str, ...]) -> str:
    """Return an address in a range, outside other ranges where its first or its last is."""
    network = networks((one,))[0]
    ends = [network[0] if network.num_addresses == 1 else network[1], network[-1]]
    free = [end for end in ends if not any(end in shut for shut in networks(avoiding))]
    return str((free or ends)[0])


def _address_outside(ranges: tuple[str, ...]) -> str | None:
    shut = networks(ranges)
    addresses = (ipaddress.ip_address(text) for text in _ELSEWHERE)
    return next((str(address) for address in addresses if not any(address in one for one in shut)), None)
