"""Finds answers that were given without looking. Pure: what was answered, when and by whom, in; alarms out.

Two signs, each with fixed bounds, so that anybody can work out the same from the report:

* **Pace.** Ten single answers of one person within thirty seconds: three seconds each are too few to read one. Answers
  that were confirmed together count as one act, as they can only follow what was suggested.
* **Uniformity.** Somebody kept everything, although the record spoke for removing or reducing at least three of their
  items, and at least a tenth of them.

An alarm says that somebody should ask; it takes no answer back.
"""

from collections import defaultdict
from collections.abc import Iterable
from enum import StrEnum
from typing import Final

import msgspec

PACE_ANSWERS: Final = 10
PACE_SECONDS: Final = 30.0
UNIFORM_AGAINST: Final = 3
UNIFORM_PART: Final = 0.1


class Sign(StrEnum):
    """What gives it away."""

    PACE = "pace"
    UNIFORMITY = "uniformity"


class Given(msgspec.Struct, frozen=True, kw_only=True):
    """One answer.

    Args:
        reviewer: who gave it.
        at: when, seconds since the epoch.
        answer: `keep`, `reduce` or `remove`.
        suggested: what the record spoke for; empty when it could not tell.
        bulk: whether it was confirmed together with others.
    """

    reviewer: str
    at: float
    answer: str
    suggested: str
    bulk: bool = False


class Alarm(msgspec.Struct, frozen=True, kw_only=True):
    """One reviewer, one sign.

    Args:
        answers: how many answers show it.
        seconds: within how long, for pace.
    """

    reviewer: str
    sign: Sign
    answers: int
    seconds: float = 0.0


def find_rubber_stamping(given: Iterable[Given]) -> tuple[Alarm, ...]:
    """Return the alarms, by reviewer; the order of the answers does not matter."""
    by_reviewer: dict[str, list[Given]] = defaultdict(list)
    for one in given:
        by_reviewer[one.reviewer].append(one)
    alarms = []
    for reviewer in sorted(by_reviewer):
        answers = by_reviewer[reviewer]
        alarms += [alarm for alarm in (_pace(reviewer, answers), _uniformity(reviewer, answers)) if alarm]
    return tuple(alarms)


def _pace(reviewer: str, answers: Iterable[Given]) -> Alarm | None:
    """Return the window of thirty seconds with the most single answers, where it holds ten."""
    moments = sorted(one.at for one in answers if not one.bulk)
    most, first, seconds = 0, 0, 0.0
    for last, at in enumerate(moments):
        while at - moments[first] > PACE_SECONDS:
            first += 1
        if last - first + 1 > most:
            most, seconds = last - first + 1, at - moments[first]
    if most < PACE_ANSWERS:
        return None
    return Alarm(reviewer=reviewer, sign=Sign.PACE, answers=most, seconds=round(seconds, 1))


def _uniformity(reviewer: str, answers: list[Given]) -> Alarm | None:
    against = [one for one in answers if one.suggested in {"remove", "reduce"}]
    if len(against) < max(UNIFORM_AGAINST, UNIFORM_PART * len(answers)):
        return None
    if any(one.answer != "keep" for one in answers):
        return None
    return Alarm(reviewer=reviewer, sign=Sign.UNIFORMITY, answers=len(against))
