"""What counts of a source that says something else again and again: so many changes as they come, then few, and never the better. Pure.

Nobody decides anew, writes history or publishes without end because one computer wavers, by a fault or on purpose.
Source: RFC 2439 (route flap damping), for the thought; the counting is that of a token bucket.
"""

from collections.abc import Mapping
from typing import Final

import msgspec

from ostiary.devices.domain.posture import FACTS, Reported, SourceFacts, Value, combine

CHANGES_AT_ONCE: Final = 60
"""More than an agent keeps while it is offline, which comes all at once."""
SECONDS_EACH: Final = 5.0
"""After those, one change is taken as it comes for each so many seconds."""
CHANGES_TOO_OFTEN: Final = "It changes too often to be told."

_LONGEST: Final = CHANGES_AT_ONCE * SECONDS_EACH


def pay(paid_until: float, now: float) -> float | None:
    """Return until when changes are paid for after one more, or `None` where there were too many.

    Args:
        paid_until: as this function returned it last; 0 for never.
        now: seconds since the epoch. What was paid by a clock that was ahead is forgiven: nobody could pay so much.
    """
    owed = paid_until - now if now < paid_until <= now + 2 * _LONGEST else 0.0
    return now + owed + SECONDS_EACH if owed < _LONGEST - SECONDS_EACH / 2 else None


def says_otherwise(before: SourceFacts, said: SourceFacts, now: float) -> bool:
    """Tell whether a source's word changes what is known or what history keeps.

    Args:
        before: what it said last.
        said: what it says.
        now: seconds since the epoch.
    """
    return _words(before, now) != _words(said, now)


def steadied(before: SourceFacts, said: SourceFacts, now: float) -> SourceFacts:
    """Return what counts of a word that comes after too many: where it differs, the worse of both.

    Of what is no yes or no there is always a worse, so that counting up would never end: it is not known. Arguments as for `says_otherwise`.
    """
    was, words = _words(before, now), _words(said, now)
    facts: dict[str, Reported] = {}
    for name in sorted(before.facts.keys() | said.facts.keys()):
        spec, mine, other = FACTS.get(name), said.facts.get(name), before.facts.get(name)
        if was.get(name) == words.get(name):
            if mine is not None:
                facts[name] = mine
            continue
        bad = None if spec is None or spec.kind is not bool else spec.better == "false"
        known = {word[0] for word in (was.get(name), words.get(name)) if word is not None}
        if mine is not None and other is not None and bad is not None and known == {True, False}:
            facts[name] = mine if mine.value is bad else other
        else:
            at = max(one.at for one in (mine, other) if one is not None)
            facts[name] = Reported(name=name, at=at, problem=CHANGES_TOO_OFTEN)
    return msgspec.structs.replace(said, facts=facts)


def _words(source: SourceFacts, now: float) -> Mapping[str, tuple[Value | None, Value | None]]:
    """Return of each fact what is known by it, and what history keeps of it; nothing of those of which there is neither."""
    known = combine((source,), now).known
    words = {
        name: (
            known[name].value if name in known else None,
            fact.value if name in FACTS and FACTS[name].kept else None,
        )
        for name, fact in source.facts.items()
    }
    return {name: word for name, word in words.items() if word != (None, None)}
