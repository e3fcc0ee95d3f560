"""The moments of the coming week that rules tell apart: one for each combination of hours that are open. Pure."""

from collections.abc import Iterable
from typing import Final

from ostiary.policy.rules.document import Hours, RulesDocument
from ostiary.policy.rules.hours import Window, state_at

WEEK_SECONDS: Final = 7 * 86400.0
MAX_EDGES: Final = 400
"""Two hundred openings a week; what opens more often is looked at only so far."""

MAX_MOMENTS: Final = 24


def moments_of_week(documents: Iterable[RulesDocument], now: float) -> tuple[float, ...]:
    """Return moments within the coming week, ascending, the present one first.

    At any other moment of the week the same hours are open as at one of these, the earliest such.

    Args:
        documents: whose hours are looked at.
        now: seconds since the epoch.
    """
    windows = sorted({window for document in documents for window in _windows(document)}, key=str)
    edges = sorted({edge for window in windows for edge in _edges(window, now)})[:MAX_EDGES]
    found: dict[tuple[bool, ...], float] = {}
    for moment in (now, *edges):
        found.setdefault(tuple(state_at(window, moment)[0] for window in windows), moment)
    return tuple(sorted(found.values()))[:MAX_MOMENTS]


def _windows(document: RulesDocument) -> Iterable[Window]:
    for rule in document.rules:
        for condition in (*rule.when, *rule.unless):
            if isinstance(condition, Hours):
                yield from condition.windows


def _edges(window: Window, now: float) -> Iterable[float]:
    at: float | None = state_at(window, now)[1]
    while at is not None and at <= now + WEEK_SECONDS:
        yield at
        at = state_at(window, at)[1]
