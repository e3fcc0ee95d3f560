"""Checks, stages and moments in sentences, for letters, the terminal and pages in English."""

from ostiary.baselines.domain.document import Bound, Check, Demand, Ladder
from ostiary.devices.domain.posture import FACTS, Value
from ostiary.policy.rules.words import duration_in_words, joined


def demand_in_words(demand: Demand) -> str:
    """Return what one fact must be: "The disk is encrypted: yes"."""
    bound = {Bound.EXACTLY: "", Bound.AT_LEAST: "at least ", Bound.AT_MOST: "at most "}[demand.bound]
    return f"{FACTS[demand.fact].words}: {bound}{value_in_words(demand.value)}"


def check_in_words(check: Check) -> str:
    """Return everything that a check asks, as one sentence."""
    return joined([demand_in_words(one) for one in check.require])


def value_in_words(value: Value) -> str:
    """Return a value as people read it."""
    return ("yes" if value else "no") if isinstance(value, bool) else str(value)


def ladder_in_words(ladder: Ladder) -> str:
    """Return what comes of a failing, and when: "told at once, warned after 1 day, blocked after 7 days"."""
    stages = (("told", ladder.notify), ("warned", ladder.warn), ("blocked", ladder.block))
    said = [
        f"{word} {'at once' if span == 0 else f'after {duration_in_words(span)}'}"
        for word, span in stages
        if span is not None
    ]
    return ", ".join(said) + ("" if ladder.block is not None else ", never blocked")
