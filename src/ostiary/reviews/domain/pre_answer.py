"""The answer that the record of use speaks for. Pure: facts and the moment in, one suggestion out.

It never decides anything: whoever answers for the access does. Where the record cannot tell, nothing is suggested.
"""

from collections.abc import Iterable, Mapping
from typing import Final

from ostiary.reviews.domain.facts import Facts, Ground, Opened, Suggestion, Use

DAY_SECONDS: Final = 86_400.0
LOOKED_BACK_DAYS: Final = 90
"""So far back use is looked at."""
ENOUGH_DAYS: Final = 30
"""Silence says something only when record and membership are at least so old."""
SELDOM_DAYS: Final = 45
"""What was not used for so long is given an end."""
TERM_DAYS: Final = 90
"""The end that is suggested: the next quarter."""

Reach = frozenset[tuple[str, str]]
"""Apps and actions."""


def suggest(facts: Facts, *, now: float, console: bool = False, movable: bool = True) -> Suggestion:
    """Return the answer that use speaks for.

    In this order: what would open more if it went is for a person to judge; an account that is switched off needs
    nothing; what opens the console, or nothing at all, is for a person to judge as well; what has an end ends by itself;
    what is lost by nobody can go; what is new stays; what nobody used goes, where the record is long enough to say so;
    what was used is narrowed, given an end, or kept.

    Args:
        facts: of the entitlement.
        now: seconds since the epoch.
        console: whether it opens the console, where use says little about need.
        movable: whether it can be given an end here, or something narrower in its place.
    """
    if facts.widens:
        return Suggestion(answer="", ground=Ground.WIDENS)
    if not facts.active:
        return Suggestion(answer="remove", ground=Ground.SWITCHED_OFF)
    if console:
        return Suggestion(answer="", ground=Ground.CONSOLE)
    if not facts.opens:
        return Suggestion(answer="", ground=Ground.OPENS_NOTHING)
    if facts.ends_at is not None and facts.ends_at <= now + TERM_DAYS * DAY_SECONDS:
        return Suggestion(answer="keep", ground=Ground.ENDS)
    if not facts.gives:
        return Suggestion(answer="remove", ground=Ground.NOTHING_LOST)
    if facts.last_at is not None:
        return _by_use(facts, facts.last_at, now, movable)
    if now - facts.granted_at < ENOUGH_DAYS * DAY_SECONDS:
        return Suggestion(answer="keep", ground=Ground.NEW)
    if now - facts.recorded_since < ENOUGH_DAYS * DAY_SECONDS:
        return Suggestion(answer="", ground=Ground.RECORD_SHORT)
    return Suggestion(answer="remove", ground=Ground.UNUSED)


def _by_use(facts: Facts, last_at: float, now: float, movable: bool) -> Suggestion:
    if facts.narrower and movable:
        return Suggestion(answer="reduce", ground=Ground.NARROWER, narrower=facts.narrower)
    if now - last_at > SELDOM_DAYS * DAY_SECONDS:
        if not movable:
            return Suggestion(answer="", ground=Ground.SELDOM_FIXED)
        return Suggestion(answer="reduce", ground=Ground.SELDOM, until=now + TERM_DAYS * DAY_SECONDS)
    return Suggestion(answer="keep", ground=Ground.USED)


def reach_of(opened: Iterable[Opened]) -> Reach:
    """Return apps and actions as pairs."""
    return frozenset((one.app, action) for one in opened for action in one.actions)


def used_of(uses: Iterable[Use]) -> Reach:
    """Return what was done where, as pairs."""
    return frozenset((one.app, action) for one in uses for action in one.actions)


def narrowest(used: Reach, whole: Reach, others: Mapping[str, Reach]) -> str:
    """Return which other entitlement opens all that was used, and less than the whole; empty when none does.

    Of several the one that opens least, then the first by name.

    Args:
        used: what was done where.
        whole: what the entitlement opens.
        others: what each other one opens, by its name.
    """
    fitting = [(len(reach), name) for name, reach in others.items() if used and used <= reach and reach < whole]
    return min(fitting)[1] if fitting else ""
